"""Training goes on after a stop as if there had been none; its optimizer and its files do what they say."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest
import torch
from PIL import Image

from hyponet.tools.small_model.captions import Captions
from hyponet.tools.small_model.data import CLASSES, read_pictures
from hyponet.tools.small_model.muon import orthogonal
from hyponet.tools.small_model.state import write_whole
from hyponet.tools.small_model.unet import Examples, Trainer, UnetSettings, train_unet


@pytest.mark.parametrize("shape", [(2, 32, 96), (1, 96, 32)])
def test_orthogonal_brings_singular_values_near_one(shape):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonal(matrices))
    assert values.min() > 0.6  # the quintic's own range: 0.7 to 1.2 (Jordan et al.), and bfloat16
    assert values.max() < 1.3


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "state.pt"
    path.write_text("old", encoding="ascii")

    def fail(half):
        half.write_text("half", encoding="ascii")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(path, fail)
    assert path.read_text(encoding="ascii") == "old"


def test_a_zip_and_a_folder_read_alike(tmp_path):
    folder, archive = tmp_path / "set", tmp_path / "set.zip"
    with zipfile.ZipFile(archive, "w") as files:
        for place, label in enumerate(CLASSES):
            data = io.BytesIO()
            Image.new("RGB", (32, 32), (place, 0, 0)).save(data, "png")
            files.writestr(f"train/{label}/0.png", data.getvalue())
            (folder / "train" / label).mkdir(parents=True)
            (folder / "train" / label / "0.png").write_bytes(data.getvalue())
    for source in (folder, archive):
        pictures = read_pictures(source, "train")
        assert pictures.labels.tolist() == [0, 1, 2, 3, 4]
        assert pictures.images[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]


def test_training_goes_on_after_a_stop_as_without_one(tmp_path, vocabulary, context):
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(2, 10, 4, 8, 8, generator=generator)
    examples = Examples(latents, CLASSES * 2, ("red", "grey") * 5)
    captions = Captions({label: (vocabulary.listed[label], ()) for label in CLASSES}, vocabulary)
    settings = UnetSettings(steps=2, batch=4, samples_every=100, log_every=1)

    def train(name: str, steps: int) -> Trainer:
        trainer = Trainer(tmp_path / name / "state.pt", replace(settings, steps=steps), None, "cpu")
        train_unet(trainer, examples, captions, context, lambda unet, step: None)
        return trainer

    whole = train("whole", 2)
    train("parts", 1)
    parts = train("parts", 2)
    assert parts.pictures == whole.pictures == 8
    for one, other in zip(parts.mean.parameters(), whole.mean.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    assert (tmp_path / "parts" / "curve.csv").read_text(encoding="utf-8").count("\n") == 3

"""Training goes on after a stop as if there had been none; its optimizer and its files do what they say."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from hyponet.tools.small_model.captions import clear_captions, encoded_captions
from hyponet.tools.small_model.data import CLASSES, Pictures, read_pictures
from hyponet.tools.small_model.engine import new_vae
from hyponet.tools.small_model.expand import in_8_bits, restored
from hyponet.tools.small_model.muon import orthogonal
from hyponet.tools.small_model.state import write_whole
from hyponet.tools.small_model.unet import Examples, Trainer, UnetSettings, train_unet
from hyponet.tools.small_model.vae import VaeSettings, latents_of, read_latents, train_vae


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


def test_training_goes_on_after_a_stop_as_without_one(tmp_path, vocabulary, tokenizer, table, context):
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(2, 10, 4, 8, 8, generator=generator)
    captions = encoded_captions(clear_captions(vocabulary, tokenizer, table), tokenizer, 2, seed=0)
    examples = Examples(latents, torch.arange(10), *captions)
    settings = UnetSettings(steps=2, batch=4, log_every=1)

    def train(name: str, stops: list[bool]) -> Trainer:
        trainer = Trainer(tmp_path / name / "state.pt", settings, "cpu")
        train_unet(trainer, examples, context, iter(stops).__next__)
        return trainer

    whole = train("whole", [False, False])
    assert train("parts", [False, True]).step == 1
    parts = train("parts", [False])
    assert parts.step == whole.step == 2
    for one, other in zip(parts.mean.parameters(), whole.mean.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    assert (tmp_path / "parts" / "curve.csv").read_text("utf-8").count("\n") == 3  # a header, two steps


def test_rates_are_full_for_half_of_the_steps_and_then_fall_on_a_line(tmp_path):
    trainer = Trainer(tmp_path / "state.pt", UnetSettings(steps=400, batch=4, warm_up=100), "cpu")
    rates = []
    for trainer.step in (0, 99, 200, 300, 400):
        rates.append(trainer.rate())
    assert rates == [0.01, 1, 1, 0.5, 0]


def test_weights_in_8_bits_are_near_and_keep_their_zeros():
    weight = np.random.default_rng(0).normal(size=(4, 3, 2, 2)).astype(np.float32)
    weight[1], bias = 0, np.array([1, 2], np.float16)
    got = restored(in_8_bits({"a.weight": weight, "a.bias": bias}))
    step = np.abs(weight).reshape(4, -1).max(1) / 127  # of each output channel
    assert (np.abs(got["a.weight"] - weight).reshape(4, -1).max(1) <= step / 2 + 1e-7).all()
    assert not got["a.weight"][1].any()
    assert got["a.bias"] is bias


@pytest.mark.parametrize("other", [{"steps": 3}, {"batch": 4}, {"seed": 1}])
def test_a_state_of_other_settings_is_refused(tmp_path, other):
    """A rate of a longer training, or another batch of the same step, would go on as if it were the same."""
    pictures = Pictures(torch.zeros((4, 32, 32, 3), dtype=torch.uint8), torch.zeros(4, dtype=torch.int64))
    begun = VaeSettings(steps=2, batch=2)
    train_vae(pictures, tmp_path, begun, "cpu", iter([True]).__next__)
    train_vae(pictures, tmp_path, replace(begun, save_seconds=1, log_every=1), "cpu", iter([True]).__next__)
    name, value = next(iter(other.items()))
    with pytest.raises(ValueError, match=rf"vae_state\.pt was begun with {name} {getattr(begun, name)}, not {value}"):
        train_vae(pictures, tmp_path, replace(begun, **other), "cpu", iter([True]).__next__)
    trainer = Trainer(tmp_path / "state.pt", UnetSettings(steps=2, batch=2), "cpu")
    trainer.save()
    with pytest.raises(ValueError, match=rf"state\.pt was begun with {name} "):
        Trainer(tmp_path / "state.pt", replace(trainer.settings, **other), "cpu")


def test_latents_are_kept_for_one_autoencoder_and_its_pictures(tmp_path):
    path = tmp_path / "latents.safetensors"
    pictures = torch.randint(256, (4, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    one, other = (new_vae(torch.Generator().manual_seed(seed)).eval() for seed in (0, 1))
    first = read_latents(one, pictures, path)
    kept = path.stat().st_mtime_ns
    assert torch.equal(read_latents(one, pictures, path), first)
    assert path.stat().st_mtime_ns == kept
    assert torch.equal(read_latents(other, pictures, path), latents_of(other, pictures))
    assert torch.equal(read_latents(one, pictures[:2], path), latents_of(one, pictures[:2]))


def test_the_autoencoder_goes_on_after_a_stop_as_without_one(tmp_path):
    pictures = Pictures(torch.randint(256, (8, 32, 32, 3), dtype=torch.uint8), torch.zeros(8, dtype=torch.int64))
    settings = VaeSettings(steps=2, batch=2, log_every=1)
    train_vae(pictures, tmp_path / "whole", settings, "cpu", iter([False, False]).__next__)
    train_vae(pictures, tmp_path / "parts", settings, "cpu", iter([False, True]).__next__)
    assert not (tmp_path / "parts" / "vae.safetensors").exists()
    train_vae(pictures, tmp_path / "parts", settings, "cpu", iter([False]).__next__)
    whole, parts = (load_file(tmp_path / name / "vae.safetensors") for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    for name in whole:
        torch.testing.assert_close(whole[name], parts[name])

"""What a LoRA draws after each epoch; the LoRA itself is the same, to the byte."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from hyponet.nodes.lora.samples import SIDE, below, first_captions, quick_look
from hyponet.nodes.lora.settings import LoraSettings


def test_the_first_different_captions_are_drawn():
    assert first_captions(["a cat", "a cat", "a dog", "a ship", "a dog"], 2) == [0, 2]
    assert first_captions(["a cat"], 8) == [0]


def test_a_latent_is_seen_without_a_vae():
    """Two channels, by hand: the first is red from -1 to 1, the added row makes all of it a little green."""
    latent = torch.tensor([[[[-1.0, 1.0]], [[0.5, 0.5]]]])
    factors = torch.tensor([[1.0, 0, 0], [0, 0, 0], [0, 0.2, 0]])
    assert quick_look(latent, factors).tolist() == [[[0, 153, 127], [255, 153, 127]]]


def test_the_looks_stand_below_the_curve():
    curve = np.zeros((50, 300, 3), np.uint8)
    assert below(curve, []) is curve
    assert below(curve, [np.full((8, 8, 3), 9, np.uint8)] * 2).shape == (50 + SIDE, 300, 3)
    assert below(curve, [np.full((8, 4, 3), 9, np.uint8)] * 8).shape == (50 + 37, 300, 3)


@pytest.mark.parametrize("models", ["sd15", "sdxl"])
def test_each_epoch_draws_and_changes_nothing_of_the_lora(engine, request, tmp_path, models):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, caption in enumerate(("a cat", "a cat", "a ship")):
        Image.new("RGB", (64, 64), ("red", "green", "blue")[number]).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(caption)
    made, files = [], []
    for count in (0, 2):
        out = tmp_path / str(count)
        settings = LoraSettings(
            resolution=64, min_bucket=64, max_bucket=128, epochs=3, batch_size=2, learning_rate=0.05
        )
        job = engine.LoraJob("x", folder, out / "x.safetensors", settings, out / "results", out / "unfinished", count)
        with torch.inference_mode():
            made.append(engine.train_lora(*request.getfixturevalue(models), job))
            again = engine.train_lora(*request.getfixturevalue(models), job)
        files.append(job.file.read_bytes())
        assert again.samples is None, "a finished training is not repeated"
    assert files[0] == files[1]
    assert made[0].samples is None
    height, width, _ = made[1].samples.shape
    assert width == 2 * (SIDE + 2) + 2, "two captions"
    rows = [made[1].samples[2 + number * (height - 2) // 3 :][:SIDE, 2 : 2 + SIDE] for number in range(3)]
    assert not np.array_equal(rows[0], rows[2]), "it learns"

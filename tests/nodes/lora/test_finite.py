"""What is no number is never a LoRA: every place where one can arise stops, says where, and leaves no file."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from hyponet.evaluation.results import read_results
from hyponet.evaluation.training.state import Diverged
from hyponet.nodes.lora.curve import loss_curve
from hyponet.nodes.lora.train import History


def nothing_is_left(folder):
    return not [path for path in folder.rglob("*") if path.suffix in (".safetensors", ".pt", ".json", ".part")]


class Broken:
    """One of ComfyUI's objects of which one call gives a number that is none, as half precision does now and then."""

    def __init__(self, whole, method, call, value):
        self._whole, self._method, self._call, self._value = whole, method, call, value
        self._calls = 0

    def __getattr__(self, name):
        found = getattr(self._whole, name)
        return self._break(found) if name == self._method else found

    def _break(self, method):
        def broken(*args, **kwargs):
            given = method(*args, **kwargs)
            self._calls += 1
            if self._calls != self._call:
                return given
            first = given[0] if isinstance(given, tuple) else given
            first[..., 0] = self._value
            return given

        return broken


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_latents_that_are_no_numbers_are_refused(sd15, captioned, train, tmp_path, value):
    """kohya's trainer stops with "NaN detected in latents" and names the picture. Queued again it is the same."""
    model, clip, vae = sd15
    folder = captioned("a cat", "a cat", "a cat")
    for _ in ("first", "queued again"):
        with pytest.raises(ValueError, match=r"vae gives .* not finite for 1\.png .*--fp32-vae"):
            train((model, clip, Broken(vae, "encode", 2, value)), folder, tmp_path)
    assert nothing_is_left(tmp_path)


def test_text_features_that_are_no_numbers_are_refused(sd15, captioned, train, tmp_path):
    model, clip, vae = sd15
    broken = Broken(clip, "encode_from_tokens", 2, math.nan)
    with pytest.raises(ValueError, match=r"clip gives .* not finite for 1\.png \(caption 'a ship'\).*--fp32-text-enc"):
        train((model, broken, vae), captioned("a cat", "a ship"), tmp_path)
    assert nothing_is_left(tmp_path)


def test_a_training_that_diverges_says_where_and_keeps_nothing(sd15, captioned, train, tmp_path):
    """As Train Classifier does; the tensors would be loaded like any others. Queued again it is the same."""
    for _ in ("first", "queued again"):
        with pytest.raises(Diverged, match=r"step \d+.*at a learning rate of 1\b.*lower learning_rate"):
            train(sd15, captioned_once(captioned, tmp_path), tmp_path, epochs=4, learning_rate=1.0, rank=8, alpha=1024)
    assert nothing_is_left(tmp_path)


def captioned_once(captioned, folder):
    return folder / "pictures" if (folder / "pictures").exists() else captioned("a cat", "a cat")


def test_a_lora_that_is_much_worse_than_none_is_warned_of(sd15, captioned, train, tmp_path):
    result = train(sd15, captioned("a cat"), tmp_path, epochs=3, rank=16, alpha=16, learning_rate=0.1)
    worse = result.figures["loss_after"] / result.figures["loss_before"]
    assert 5 < worse < np.inf, "finite, and ruined"
    (warning,) = result.warnings
    assert f"{worse:.1f} times" in warning
    assert warning in result.summary()


def test_a_lora_that_learnt_is_not_warned_of(sd15, captioned, train, tmp_path):
    result = train(sd15, captioned("a cat"), tmp_path)
    assert result.figures["loss_after"] <= result.figures["loss_before"]
    assert result.warnings == ()


def test_a_result_file_with_a_hole_gives_a_curve_with_a_gap(sd15, captioned, train, tmp_path):
    """Somebody's edit, or a file of another program: the training that is finished is still not repeated."""
    folder = captioned("a cat")
    result = train(sd15, folder, tmp_path)
    text = result.path.read_text().replace(str(result.figures["loss_after"]), "null")
    result.path.write_text(text)
    again = train(sd15, folder, tmp_path)
    assert again.run == result.run
    assert "loss after: none" in again.summary()
    assert len(read_results(tmp_path / "results")) == 1


def test_a_curve_of_a_history_with_holes_is_a_picture():
    whole = History((1.0, 0.5, 0.4, 0.3), 2, 0.9, 0.3, 0.1)
    for hole in (replace(whole, losses=(1.0, math.nan, 0.4, 0.3)), replace(whole, loss_before=math.nan)):
        assert loss_curve(hole, "cats", "epsilon").shape == (480, 800, 3)


def test_a_model_that_gives_no_numbers_is_refused_before_the_first_step(sd15, captioned, train, tmp_path):
    """A checkpoint whose half precision overflows, or a file with a damaged tensor."""
    model, clip, vae = sd15
    weight = next(model.model.diffusion_model.parameters())
    kept = weight.detach().clone()
    with torch.inference_mode():
        weight[0, 0] = torch.inf
    try:
        with pytest.raises(ValueError, match=r"model gives a loss of .* before anything is trained"):
            train((model, clip, vae), captioned("a cat"), tmp_path)
    finally:
        with torch.inference_mode():
            weight.copy_(kept)
    assert nothing_is_left(tmp_path)

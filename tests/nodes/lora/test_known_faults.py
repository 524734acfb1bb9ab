"""Faults of the LoRA room that are known and not mended yet: each test states what is right and fails today.

A test that passes is reported as a failure (strict): take its mark away with the change that mends the fault.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hyponet.nodes.lora.buckets import fit
from hyponet.nodes.lora.captions import load_picture, read_folder
from hyponet.nodes.lora.settings import LoraSettings

NOT_REFUSED = pytest.fail.Exception  # what pytest.raises ends in where nothing was raised


@pytest.fixture(scope="module")
def engine():
    if not os.environ.get("HYPONET_COMFYUI"):
        pytest.fail("HYPONET_COMFYUI is not set; run the tests by `python3 dev.py test`")
    from comfy.cli_args import args

    args.cpu = True
    from hyponet.nodes.lora import engine

    return engine


@pytest.fixture
def sd15(engine):
    """MODEL, CLIP and VAE of a tiny Stable Diffusion 1.5, each test's own."""
    import comfy.sd

    path = Path(os.environ["HYPONET_MODELS"]) / "checkpoints" / "tiny_sd15.ckpt"
    with torch.inference_mode():  # as the server runs its nodes
        model, clip, vae, _ = comfy.sd.load_checkpoint_guess_config(str(path), output_vae=True, output_clip=True)
    return model, clip, vae


@pytest.fixture
def pictures(tmp_path):
    """A folder of noisy pictures of 64 pixels with the given captions."""

    def make(*captions):
        folder = tmp_path / "pictures"
        folder.mkdir()
        for i, caption in enumerate(captions):
            noise = np.random.default_rng(i).integers(0, 256, (64, 64, 3), np.uint8)
            Image.fromarray(noise).save(folder / f"{i}.png")
            (folder / f"{i}.txt").write_text(caption)
        return folder

    return make


def train(engine, models, folder, out, **changes):
    small = {"resolution": 64, "min_bucket": 64, "max_bucket": 128, "epochs": 2}
    fast = {"batch_size": 32, "gradient_checkpointing": False}  # the 32 fixed pairs of before and after at once
    settings = LoraSettings(**{**small, **fast, **changes})
    job = engine.LoraJob("cats", folder, out / "cats.safetensors", settings, out / "results")
    with torch.inference_mode():
        return engine.train_lora(*models, job)[0]


def encoded(engine, models, folder):
    """The folder's pictures as the UNet is trained on them."""
    read = read_folder(folder)
    fits = [fit(64, 64, [(64, 64)]) for _ in read]
    with torch.inference_mode():
        return engine.encode_examples(*models, read, fits, lambda done, total: None)


class HalfPrecisionVAE:
    """A VAE whose latent of the second picture is no number, as a real one's in half precision now and then."""

    def __init__(self, vae):
        self.vae, self.pictures = vae, 0

    def __getattr__(self, name):
        return getattr(self.vae, name)

    def encode(self, pixels):
        self.pictures += 1
        latent = self.vae.encode(pixels)
        return latent * torch.nan if self.pictures == 2 else latent


@pytest.mark.xfail(
    strict=True, raises=NOT_REFUSED, reason="a latent that is no number makes a finished LoRA of NaN, without a word"
)
def test_latents_that_are_no_numbers_are_refused(engine, sd15, pictures, tmp_path):
    """kohya's trainer stops with "NaN detected in latents" and names the picture."""
    model, clip, vae = sd15
    folder = pictures("a cat", "a cat", "a cat")
    for _ in ("first", "queued again"):
        with pytest.raises((ValueError, ArithmeticError, RuntimeError), match=r"1\.png"):
            train(engine, (model, clip, HalfPrecisionVAE(vae)), folder, tmp_path)
    assert not (tmp_path / "cats.safetensors").exists()


@pytest.mark.xfail(
    strict=True,
    raises=NOT_REFUSED,
    reason="a training that diverged is saved as a finished LoRA of NaN, without a word",
)
def test_a_training_that_diverges_says_so_and_keeps_nothing(engine, sd15, pictures, tmp_path):
    """As Train Classifier does (state.Diverged); the tensors would be loaded like any others."""
    from hyponet.evaluation.training.state import Diverged

    with pytest.raises(Diverged):
        train(engine, sd15, pictures("a cat", "a cat"), tmp_path, epochs=4, learning_rate=1.0, rank=8, alpha=1024)
    assert not (tmp_path / "cats.safetensors").exists()


@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="a LoRA that made its model many times worse is given without a warning"
)
def test_a_lora_that_is_much_worse_than_none_is_warned_of(engine, sd15, pictures, tmp_path):
    result = train(engine, sd15, pictures("a cat"), tmp_path, epochs=3, rank=16, alpha=16, learning_rate=0.1)
    worse = result.figures["loss_after"] / result.figures["loss_before"]
    assert 5 < worse < np.inf, "finite, and ruined"
    assert [warning for warning in result.warnings if "loss" in warning]


@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="v-prediction models are trained on the noise's error, alpha^2 of v's"
)
def test_a_v_prediction_model_is_trained_on_the_error_of_v(engine, sd15, pictures, tmp_path):
    """kohya's trainer and diffusers take the mean squared error of v (Salimans and Ho 2022, arXiv 2202.00512).

    By hand: with z = alpha x + sigma e and alpha^2 + sigma^2 = 1, v = alpha e - sigma x, so that x = alpha z - sigma v
    and v' - v = (x - x') / sigma. ComfyUI's sigma s is sigma / alpha: sigma = s / sqrt(1 + s^2).
    """
    import comfy.model_base
    import comfy.model_sampling

    class VSampling(comfy.model_sampling.ModelSamplingDiscrete, comfy.model_sampling.V_PREDICTION):
        pass

    model = sd15[0].model
    model.model_sampling = VSampling(model.model_config)
    model.model_type = comfy.model_base.ModelType.V_PREDICTION
    folder = pictures("a cat")
    latent = encoded(engine, sd15, folder)[0].latent
    errors = []
    original = model.apply_model

    def watched(x, sigma, *args, **kwargs):
        denoised = original(x, sigma, *args, **kwargs)
        if torch.is_grad_enabled():
            share = sigma / (1 + sigma**2).sqrt()
            errors.append(((latent - denoised.detach().float()) / share[:, None, None, None]).square().mean().item())
        return denoised

    model.apply_model = watched
    losses = train(engine, sd15, folder, tmp_path, epochs=2).figures["losses"]
    assert len(errors) == len(losses) == 2
    assert losses == pytest.approx(errors, rel=0.02)


@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="brackets in a caption are read as a prompt's weights, not as text"
)
def test_a_caption_is_text_and_no_prompt(engine, sd15, pictures):
    """kohya's trainer takes captions literally unless told otherwise; `\\(` is ComfyUI's own way to say a bracket."""
    _, clip, _ = sd15
    example = encoded(engine, sd15, pictures("a photo of a crane (bird)"))[0]
    with torch.inference_mode():
        literal, _ = clip.encode_from_tokens(clip.tokenize("a photo of a crane \\(bird\\)"), return_pooled=True)
    assert torch.allclose(example.context, literal.float(), atol=1e-4)


def test_sixteen_bit_grey_is_scaled_as_in_training(tmp_path):
    """By hand: 16 bits of white are 65,535 = 257 * 255, so that 257 * k is k of 255 (as evaluation's decode has it)."""
    grey = np.arange(256, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(grey * 257).save(tmp_path / "0.png")
    assert np.abs(load_picture(tmp_path / "0.png")[:, :, 0].astype(int) - grey).max() <= 1

"""LoRA Training's work on real ComfyUI objects in this process, on the CPU, with the stand-in SD 1.5 and SDXL."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image


@pytest.fixture(scope="session")
def engine():
    """nodes/lora/engine.py, which imports ComfyUI."""
    if not os.environ.get("HYPONET_COMFYUI"):
        pytest.fail("HYPONET_COMFYUI is not set; run the tests by `python3 dev.py test`")
    from comfy.cli_args import args

    args.cpu = True
    from hyponet.nodes.lora import engine

    return engine


def load_models(checkpoint):
    """MODEL, CLIP and VAE of a checkpoint."""
    import comfy.sd

    path = Path(os.environ["HYPONET_MODELS"]) / "checkpoints" / checkpoint
    with torch.inference_mode():  # as the server runs its nodes
        model, clip, vae, _ = comfy.sd.load_checkpoint_guess_config(str(path), output_vae=True, output_clip=True)
    return model, clip, vae


@pytest.fixture(scope="session")
def sd15(engine):
    """MODEL, CLIP and VAE of the tiny SD 1.5; what a test changes it changes back."""
    return load_models("tiny_sd15.ckpt")


@pytest.fixture(scope="session")
def sdxl(engine):
    """MODEL, CLIP and VAE of the tiny SDXL."""
    return load_models("tiny_sdxl.ckpt")


@pytest.fixture
def captioned(tmp_path):
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


@pytest.fixture
def train(engine):
    """train(models, folder, out, **settings) -> the result; small settings unless told otherwise."""
    from hyponet.nodes.lora.settings import LoraSettings

    def run(models, folder, out, **changes):
        small = {"resolution": 64, "min_bucket": 64, "max_bucket": 128, "epochs": 2}
        fast = {"batch_size": 32, "gradient_checkpointing": False}  # the 32 fixed pairs of before and after at once
        settings = LoraSettings(**{**small, **fast, **changes})
        places = (out / "results", out / "unfinished")
        job = engine.LoraJob("cats", folder, out / "cats.safetensors", settings, *places)
        with torch.inference_mode():
            return engine.train_lora(*models, job).result

    return run


@pytest.fixture
def encoded(engine):
    """encoded(models, folder) -> the folder's pictures as the UNet is trained on them."""
    from hyponet.nodes.lora.buckets import fit
    from hyponet.nodes.lora.captions import read_folder
    from hyponet.nodes.lora.examples import encode_examples, literal_tokens

    def encode(models, folder, tokens=literal_tokens):
        read = read_folder(folder)
        fits = [fit(64, 64, [(64, 64)]) for _ in read]
        with torch.inference_mode():
            return encode_examples(*models, read, fits, tokens, lambda done, total: None)

    return encode

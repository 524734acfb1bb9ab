"""ComfyUI's own loaders and samplers in this process, on the CPU, over the stand-in models."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

MODELS = Path(os.environ.get("HYPONET_MODELS", ""))


@pytest.fixture(scope="session")
def comfyui():
    """ComfyUI's modules, as a server started with --cpu has them."""
    if not os.environ.get("HYPONET_COMFYUI"):
        pytest.fail("HYPONET_COMFYUI is not set; run the tests by `python3 dev.py test`")
    import comfy.cli_args

    comfy.cli_args.args.cpu = True
    import comfy.model_management
    import comfy.sample
    import comfy.sd
    import comfy.utils

    return comfy


@pytest.fixture(scope="session")
def sampling(comfyui):
    """The package, its files that import ComfyUI loaded."""
    import hyponet.nodes.sampling.engine

    return hyponet.nodes.sampling


def load(comfyui, name):
    from hyponet.nodes.sampling.encoding import Encoder

    model, clip, vae, _ = comfyui.sd.load_checkpoint_guess_config(str(MODELS / "checkpoints" / name))
    return SimpleNamespace(model=model, clip=clip, vae=vae, encoder=Encoder(clip, lambda: None))


@pytest.fixture(scope="session")
def sd15(comfyui):
    """MODEL, CLIP and VAE of a tiny Stable Diffusion 1.5."""
    return load(comfyui, "tiny_sd15.ckpt")


@pytest.fixture(scope="session")
def sdxl(comfyui):
    """MODEL, CLIP and VAE of a tiny SDXL."""
    return load(comfyui, "tiny_sdxl.ckpt")

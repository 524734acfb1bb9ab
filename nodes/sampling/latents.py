"""Latents before the first step: their size under a model and its VAE, start images encoded, or zeros."""

from __future__ import annotations

from typing import Any

import comfy.model_management
import comfy.sample
import comfy.utils
import torch

from .decoding import decode
from .memory import out_of_memory, release_memory
from .settings import SamplingSettings

TRIAL_SIDE = 8  # of the latent that a VAE is tried with; the smallest that the deepest of ComfyUI's decoders takes


def encode_start_images(vae: Any, images: torch.Tensor, settings: SamplingSettings) -> torch.Tensor:
    """Start images (S, H, W, C) as latents (S, C, h, w) at the size of `settings`, cut to its shape in the middle.

    Alpha is left out, and a grey picture of one channel gets three equal ones.
    """
    pixels = images.float()[..., [0, 0, 0] if images.shape[-1] == 1 else slice(3)]  # (S, H, W, 3)
    if pixels.shape[1:3] != (settings.height, settings.width):
        planes = pixels.movedim(-1, 1)  # (S, C, H, W)
        planes = comfy.utils.common_upscale(planes, settings.width, settings.height, "lanczos", "center")
        pixels = planes.movedim(1, -1)  # (S, height, width, C)
    # one by one: a VAE of video models takes a batch for the frames of one video
    return torch.cat([vae.encode(picture[None]) for picture in pixels])  # S times (1, C, h, w)


def pixels_per_latent(model: Any, vae: Any) -> int:
    """How many pixels a side of a latent stands for: 8 for SD and SDXL, 16 for Flux.2, 1 for models of pixels.

    Measured on a small empty latent of the model: that is also the cheapest way to learn that the two do not fit.

    Raises:
        ValueError: the model draws no pictures, or the VAE makes none of its latents.
    """
    latents = zeros(model, 1, TRIAL_SIDE, TRIAL_SIDE)
    kind = latent_kind(model)
    advice = "connect the VAE that belongs to the model"
    try:
        pixels, _ = decode(vae, latents, release_memory)  # (1, H, W, C)
    except (RuntimeError, ValueError, TypeError, AttributeError, IndexError) as error:
        if out_of_memory(error):
            raise
        channels = getattr(vae, "latent_channels", None)
        takes = f"; it takes {channels} channels" if channels not in (None, latents.shape[1]) else ""
        raise ValueError(f"the VAE cannot decode the model's latents ({kind}){takes}; {advice} ({error})") from error
    height, width = pixels.shape[1:3] if pixels.ndim == 4 and pixels.shape[-1] >= 3 else (0, -1)
    if height != width or height % TRIAL_SIDE:
        raise ValueError(
            f"the VAE makes {tuple(pixels.shape)} of the model's latents ({kind}), which is no picture; {advice}"
        )
    ratio = int(height) // TRIAL_SIDE
    # newer versions of ComfyUI know it; a VAE may enlarge as well, by whole numbers
    expected = getattr(model.get_model_object("latent_format"), "spacial_downscale_ratio", ratio)
    if ratio % expected:
        raise ValueError(
            f"the VAE draws {ratio} pixels a side of a latent; expected {expected} for the model's latents ({kind}): "
            f"{advice}; models that need a second one to be finished are sampled by native nodes"
        )
    return ratio


def latent_kind(model: Any) -> str:
    """A model's latents as people may know them, such as "Flux, 16 channels"."""
    latent_format = model.get_model_object("latent_format")
    return f"{type(latent_format).__name__}, {latent_format.latent_channels} channels"


def check_size(settings: SamplingSettings, ratio: int) -> None:
    """Refuse sides that are no whole number of latents.

    Args:
        ratio: pixels a side of a latent, see `pixels_per_latent`.

    Raises:
        ValueError: a side is no multiple of it.
    """
    for name, side in (("width", settings.width), ("height", settings.height)):
        if side % ratio:
            nearest = max(1, round(side / ratio)) * ratio
            raise ValueError(f"{name} is {side}; expected a multiple of {ratio} for this model; try {nearest}")


def zeros(model: Any, count: int, height: int, width: int) -> torch.Tensor:
    """Empty latents (count, C, height, width) of the model, or (count, C, 1, height, width) where it knows frames.

    Raises:
        ValueError: its latents are no pictures.
    """
    dimensions = model.get_model_object("latent_format").latent_dimensions
    empty = torch.zeros((count, 4, height, width), device=comfy.model_management.intermediate_device())
    latents = comfy.sample.fix_empty_latent_channels(model, empty) if dimensions > 1 else empty
    if dimensions == 1 or latents.is_nested:
        raise ValueError(
            f"the model's latents ({latent_kind(model)}) are no pictures; expected a model that draws pictures; "
            "connect another one"
        )
    return latents


def empty_latents(model: Any, ratio: int, count: int, settings: SamplingSettings) -> torch.Tensor:
    """Zeros (count, C, h, w) for pictures of the size of `settings`; `ratio` as in `pixels_per_latent`."""
    return zeros(model, count, settings.height // ratio, settings.width // ratio)

"""Latents before the first step: their size under a VAE, start images encoded, or zeros."""

from __future__ import annotations

from typing import Any

import comfy.model_management
import comfy.sample
import comfy.utils
import torch

from .settings import SamplingSettings


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


def shrink_ratio(vae: Any) -> int:
    """How many pixels a side of a latent stands for: 8 for SD and SDXL, 16 for Flux.2, 1 for models of pixels."""
    return int(vae.spacial_compression_decode()) if hasattr(vae, "spacial_compression_decode") else 8


def check_size(settings: SamplingSettings, vae: Any) -> None:
    """Refuse sides that the VAE cannot draw.

    Raises:
        ValueError: a side is no multiple of the VAE's ratio.
    """
    ratio = shrink_ratio(vae)
    for name, side in (("width", settings.width), ("height", settings.height)):
        if side % ratio:
            raise ValueError(
                f"{name} is {side}; expected a multiple of {ratio} for this VAE; try {max(1, side // ratio) * ratio}"
            )


def empty_latents(model: Any, vae: Any, count: int, settings: SamplingSettings) -> torch.Tensor:
    """Zeros (count, C, h, w) with the model's own number of channels C."""
    ratio = shrink_ratio(vae)
    shape = (count, 4, settings.height // ratio, settings.width // ratio)
    empty = torch.zeros(shape, device=comfy.model_management.intermediate_device())
    return comfy.sample.fix_empty_latent_channels(model, empty)  # (count, 4, h, w) -> (count, C, h, w)

"""Latents to pixels without ComfyUI's silent fall-back to tiles.

Reads latents and a VAE; writes nothing.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from typing import Any

import torch

logger = logging.getLogger("hyponet")


class _NeedsTiles(RuntimeError):
    """The VAE ran out of memory on several pictures at once."""


def tiling_methods(vae: Any) -> list[str]:
    """The methods by which a VAE decodes in tiles; ComfyUI has no public sign that one of them was used.

    By their common name, since which of them `VAE.decode` falls back to depends on the model and the version
    (0.3.75: decode_tiled_ for pictures, decode_tiled_1d for sound, decode_tiled_3d for video).
    """
    return [name for name in dir(vae) if "decode_tiled" in name]


def decode(vae: Any, latents: torch.Tensor, release_memory: Callable[[], None]) -> tuple[torch.Tensor, int]:
    """Pictures (B, H, W, C) in 0..1, and how many of them had to be decoded in tiles.

    ComfyUI's VAE falls back to tiles by itself when memory is short, and tiles show; here a batch that does not fit
    is halved first, and tiles are only used for a single picture, and counted.

    Args:
        latents: (B, C, h, w).
        release_memory: frees what the failed decoding held.

    Raises:
        ValueError: a video VAE took the batch for the frames of one video, or gives several frames a picture.
    """
    watched = copy.copy(vae)
    is_batch = latents.shape[0] > 1
    tiled = 0

    def watch(decode_in_tiles: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        def watching(samples: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
            nonlocal tiled
            if is_batch:
                raise _NeedsTiles
            tiled += 1
            size = tuple(samples.shape)
            logger.warning("no memory to decode one picture of latent size %s; decoding it in tiles", size)
            return decode_in_tiles(samples, *args, **kwargs)

        return watching

    for name in tiling_methods(vae):  # on the copy: the user's VAE stays as it is
        setattr(watched, name, watch(getattr(vae, name)))
    fits = True
    try:
        pixels = watched.decode(latents)  # (B, H, W, C), of a video VAE (B, 1, H, W, C)
    except _NeedsTiles:
        fits = False
    if not fits:  # out of the except clause, whose exception refers to the memory that is to be released
        release_memory()
        half = latents.shape[0] // 2
        first, first_tiled = decode(vae, latents[:half], release_memory)
        second, second_tiled = decode(vae, latents[half:], release_memory)
        return torch.cat([first, second]), first_tiled + second_tiled
    if pixels.ndim == 5:
        if pixels.shape[:2] != (latents.shape[0], 1):
            raise ValueError(
                f"the VAE gives videos of the shape {tuple(pixels.shape)} for {latents.shape[0]} pictures; expected "
                "one frame each; connect the VAE that belongs to the model"
            )
        pixels = pixels.reshape(-1, *pixels.shape[-3:])  # -> (B, H, W, C)
    return pixels, tiled

"""Latents to pixels without ComfyUI's silent fall-back to tiles.

Reads latents and a VAE; writes nothing.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from typing import Any

import torch

_log = logging.getLogger("hyponet")


class _NeedsTiles(RuntimeError):
    """The VAE ran out of memory on several pictures at once."""


def decode(vae: Any, latents: torch.Tensor, recover: Callable[[], None]) -> tuple[torch.Tensor, int]:
    """Pictures (B, H, W, C) in 0..1, and how many of them had to be decoded in tiles.

    ComfyUI's VAE falls back to tiles by itself when memory is short, and tiles show; here a batch that does not fit
    is halved first, and tiles are only used for a single picture, and counted.

    Args:
        latents: (B, C, h, w).
        recover: frees what the failed decoding held.
    """
    watched = copy.copy(vae)
    several = latents.shape[0] > 1
    tiled = 0

    def tiles(samples: torch.Tensor) -> torch.Tensor:
        nonlocal tiled
        if several:
            raise _NeedsTiles
        tiled += 1
        _log.warning("no memory to decode one picture of latent size %s; decoding it in tiles", tuple(samples.shape))
        pictures: torch.Tensor = vae.decode_tiled_(samples)
        return pictures

    watched.decode_tiled_ = tiles
    fits = True
    try:
        pixels = watched.decode(latents)
    except _NeedsTiles:
        fits = False
    if not fits:
        recover()
        half = latents.shape[0] // 2
        first, some = decode(vae, latents[:half], recover)
        second, more = decode(vae, latents[half:], recover)
        return torch.cat([first, second]), some + more
    if pixels.ndim == 5:  # video VAEs: (B, 1, H, W, C)
        pixels = pixels.reshape(-1, *pixels.shape[-3:])
    return pixels, tiled

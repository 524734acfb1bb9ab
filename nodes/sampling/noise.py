"""Noise made one image at a time, so that an image does not depend on its batch.

Reads seeds in [0, 2**32); writes tensors shaped like latents: (B, C, h, w), with video models (B, C, frames, h, w).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch


def check_seeds(latents: torch.Tensor, seeds: Sequence[int]) -> None:
    """Refuse a batch of latents (B, ...) that has not one seed an image; one seed's noise would go to all of them.

    Raises:
        ValueError: there are not as many seeds as latents.
    """
    if len(seeds) != latents.shape[0]:
        raise ValueError(
            f"the latent batch has {latents.shape[0]} images and the plan batch has {len(seeds)}; expected equal "
            "numbers; connect Plan Batch's count to the empty latent's batch size"
        )


def start_noise(latents: torch.Tensor, seeds: Sequence[int]) -> torch.Tensor:
    """Noise of the shape of `latents`; image i is what ComfyUI's own KSampler draws for a batch of one at `seeds[i]`.

    Raises:
        ValueError: there are not as many seeds as latents.
    """
    check_seeds(latents, seeds)
    shape = (1, *latents.shape[1:])  # one image's: (1, C, h, w)
    generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
    # drawn on the CPU, as ComfyUI's prepare_noise does, so that every device starts from the same noise
    draws = [torch.randn(shape, dtype=latents.dtype, generator=generator, device="cpu") for generator in generators]
    return torch.cat(draws)  # (B, C, h, w)


def generator_noise(x: torch.Tensor, seeds: Sequence[int]) -> Callable[[object, object], torch.Tensor]:
    """A k-diffusion noise sampler: each call draws the next noise of each image from the image's own generator."""
    generators = [torch.Generator(x.device).manual_seed(seed) for seed in seeds]
    shape = (1, *x.shape[1:])

    def draw(sigma: object, sigma_next: object) -> torch.Tensor:
        draws = [torch.randn(shape, dtype=x.dtype, device=x.device, generator=generator) for generator in generators]
        return torch.cat(draws)  # (B, C, h, w)

    return draw


@dataclass(frozen=True, slots=True)
class PerImageNoise:
    """A NOISE for SamplerCustomAdvanced.

    Args:
        seeds: one an image.
    """

    seeds: tuple[int, ...]

    @property
    def seed(self) -> int:
        """What the sampler is told; exact for a batch of one."""
        return self.seeds[0]

    def generate_noise(self, input_latent: dict[str, Any]) -> torch.Tensor:
        """Noise for `input_latent["samples"]` (B, C, h, w), one image after the other."""
        return start_noise(input_latent["samples"], self.seeds)

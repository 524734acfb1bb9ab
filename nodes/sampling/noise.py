"""Noise made one image at a time, so that an image does not depend on its batch.

Reads seeds in [0, 2**32); writes tensors shaped like latents: (B, C, h, w), with video models (B, C, frames, h, w).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

NoiseSampler = Callable[[Any, Any], torch.Tensor]  # from one sigma to the next


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


def each_with_its_own(new_sampler: Callable[..., NoiseSampler], x: torch.Tensor, seeds: Sequence[int]) -> NoiseSampler:
    """A k-diffusion noise sampler for a batch: each image's noise is that of a sampler of its own.

    Args:
        new_sampler: makes the noise sampler of one image, (1, ...) and its seed in: the engine's own, which is not the
            same in all versions.
        x: the batch (B, ...).
        seeds: one an image.
    """
    samplers = [new_sampler(x[i : i + 1], seed=seed) for i, seed in enumerate(seeds)]
    return lambda sigma, sigma_next: torch.cat([draw(sigma, sigma_next) for draw in samplers])  # (B, ...)


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

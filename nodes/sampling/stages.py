"""One model's part of the denoising of a batch, by ComfyUI's own samplers.

Reads a MODEL, conditionings and noise; writes latents. No latent depends on which others share its batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import comfy.model_management
import comfy.samplers
import torch

from .generate import StepCallback
from .noise import check_seeds
from .settings import SamplingSettings
from .step_noise import StepNoise, check_batch, new_noise, step_noise


@dataclass(frozen=True)
class Stage:
    """One model's part of the denoising of a batch: all of it, the base's, or the refiner's.

    Three devices meet in it: latents stand on the intermediate device (the CPU as a rule), noise on the CPU, and the
    callback gets x0 on the model's; the sampler moves what it is given by itself.

    Args:
        guider: the model with the texts of the batch.
        sigmas: (steps + 1), the noise that each step starts from, and the last one's end.
        seeds: one an image.
        noise: (B, C, h, w), added at the first sigma; zeros when the latents are noisy already.
        latents: (B, C, h, w).
    """

    guider: Any
    sigmas: torch.Tensor
    seeds: Sequence[int]
    noise: torch.Tensor
    latents: torch.Tensor


def run_stage(stage: Stage, sampler: Any, callback: StepCallback) -> torch.Tensor:
    """Latents (B, C, h, w) after the stage's steps: KSampler (Advanced), with step noise of each image's own.

    Args:
        sampler: ComfyUI's name of one, or a SAMPLER.
    """
    # as ComfyUI's own noise does, which it draws from the global generator: some samplers go on drawing from that
    torch.manual_seed(stage.seeds[0])
    torch.randn(stage.noise[:1].shape, dtype=stage.noise.dtype)
    samples = stage.guider.sample(
        stage.noise,
        stage.latents,
        per_image_sampler(sampler, stage.seeds),
        stage.sigmas,
        callback=callback,
        disable_pbar=True,
        seed=stage.seeds[0],  # of noise that custom nodes draw; ours has its own generators
    )
    return samples.to(comfy.model_management.intermediate_device())


def make_sigmas(model: Any, sampler: str, settings: SamplingSettings) -> torch.Tensor:
    """KSampler's own noise levels, (steps + 1)."""
    names = (sampler, settings.scheduler, settings.denoise)
    native = comfy.samplers.KSampler(model, settings.steps, model.load_device, *names, model.model_options)
    return native.sigmas


def per_image_sampler(sampler: Any, seeds: Sequence[int]) -> Any:
    """A SAMPLER, or ComfyUI's of that name, drawing the step noise of each image of a batch from that image's seed.

    Raises:
        ValueError: the sampler has to run one image at a time and there are several seeds.
    """
    check_batch(sampler, len(seeds))
    native = comfy.samplers.sampler_object(sampler) if isinstance(sampler, str) else sampler
    kind = step_noise(sampler)
    if kind in (StepNoise.NONE, StepNoise.ALONE):
        return native
    new_noise_sampler = new_noise(kind)

    def function(
        model: Any, x: torch.Tensor, sigmas: torch.Tensor, extra_args: Any, callback: Any, disable: Any, **options: Any
    ) -> torch.Tensor:
        if len(sigmas) <= 1:
            return x
        check_seeds(x, seeds)
        noise_sampler = new_noise_sampler(x, sigmas, seeds)
        arguments = {"extra_args": extra_args, "callback": callback, "disable": disable, **options}
        return native.sampler_function(model, x, sigmas, **{**arguments, "noise_sampler": noise_sampler})

    return comfy.samplers.KSAMPLER(function, native.extra_options, native.inpaint_options)

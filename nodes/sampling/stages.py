"""One model's part of the denoising of a batch, by ComfyUI's own samplers.

Reads a MODEL, conditionings and noise; writes latents. No latent depends on which others share its batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import comfy.model_management
import comfy.samplers
import torch

from ..engine import comfyui_internals
from .conditioning import Conditioning
from .generate import StepCallback
from .noise import check_seeds, generator_noise
from .samplers import StepNoise, check_batch, step_noise
from .settings import SamplingSettings


@dataclass(frozen=True)
class Stage:
    """One model's part of the denoising of a batch: all of it, the base's, or the refiner's.

    Three devices meet in it: latents stand on the intermediate device (the CPU as a rule), noise on the CPU, and the
    callback gets x0 on the model's; the sampler moves what it is given by itself.

    Args:
        positive, negative: one conditioning for the whole batch, see `conditioning.merge`.
        seeds: one an image.
        noise: (B, C, h, w), added at the first sigma; zeros when the latents are noisy already.
        latents: (B, C, h, w).
        first_step, last_step: of the whole schedule's steps, as in KSampler Advanced; None for its end.
    """

    model: Any
    positive: Conditioning
    negative: Conditioning
    seeds: Sequence[int]
    noise: torch.Tensor
    latents: torch.Tensor
    first_step: int = 0
    last_step: int | None = None


def run_stage(stage: Stage, settings: SamplingSettings, callback: StepCallback) -> torch.Tensor:
    """Latents (B, C, h, w) after the stage's steps: KSampler (Advanced), with step noise of each image's own."""
    model = stage.model
    names = (settings.sampler, settings.scheduler, settings.denoise)
    native = comfy.samplers.KSampler(model, settings.steps, model.load_device, *names, model.model_options)
    # one more sigma than steps: sigmas[k] is the noise that step k starts from
    end = None if stage.last_step is None else stage.last_step + 1
    samples = comfy.samplers.sample(
        model,
        stage.noise,
        stage.positive,
        stage.negative,
        settings.cfg,
        model.load_device,
        per_image_sampler(settings.sampler, stage.seeds),
        native.sigmas[stage.first_step : end],
        model.model_options,
        latent_image=stage.latents,
        callback=callback,
        disable_pbar=True,
        seed=stage.seeds[0],  # of noise that custom nodes draw; ours has its own generators
    )
    return samples.to(comfy.model_management.intermediate_device())


def per_image_sampler(name: str, seeds: Sequence[int]) -> comfy.samplers.Sampler:
    """ComfyUI's sampler `name`, drawing the step noise of each image of a batch from that image's seed.

    Raises:
        ValueError: the sampler has to run one image at a time and there are several seeds.
        RuntimeError: this ComfyUI has other samplers inside.
    """
    check_batch(name, len(seeds))
    native = comfy.samplers.sampler_object(name)
    kind = step_noise(name)
    if kind in (StepNoise.NONE, StepNoise.ALONE):
        return native
    with comfyui_internals(f"sampler {name} for several images at once"):
        from comfy.k_diffusion.sampling import BrownianTreeNoiseSampler

        native_function = native.sampler_function

    def function(
        model: Any, x: torch.Tensor, sigmas: torch.Tensor, extra_args: Any, callback: Any, disable: Any
    ) -> torch.Tensor:
        if len(sigmas) <= 1:
            return x
        check_seeds(x, seeds)
        if kind is StepNoise.GENERATOR:
            noise_sampler: Callable[..., torch.Tensor] = generator_noise(x, seeds)
        else:
            low, high = sigmas[sigmas > 0].min(), sigmas.max()
            on_cpu = kind is StepNoise.TREE
            noise_sampler = BrownianTreeNoiseSampler(x, low, high, seed=list(seeds), cpu=on_cpu)
        arguments = {"extra_args": extra_args, "callback": callback, "disable": disable}
        return native_function(model, x, sigmas, **arguments, noise_sampler=noise_sampler)

    return comfy.samplers.KSAMPLER(function)

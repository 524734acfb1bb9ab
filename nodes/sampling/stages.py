"""One model's part of the denoising of a batch, by ComfyUI's own samplers.

Reads a MODEL, conditionings and noise; writes latents. No latent depends on which others share its batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import comfy.model_management
import comfy.samplers
import torch

from ..engine import comfyui_internals
from .generate import StepCallback
from .noise import NoiseSampler, check_seeds, each_with_its_own
from .samplers import StepNoise, check_batch, sampler_name, step_noise
from .settings import SamplingSettings


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
    torch.manual_seed(stage.seeds[0])  # as ComfyUI's own noise does: some samplers draw from the global generator
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
        RuntimeError: this ComfyUI has other samplers inside.
    """
    name = sampler_name(sampler)
    check_batch(name, len(seeds))
    native = comfy.samplers.sampler_object(sampler) if isinstance(sampler, str) else sampler
    kind = step_noise(name)
    if kind in (StepNoise.NONE, StepNoise.ALONE):
        return native
    with comfyui_internals(f"sampler {name} for several images at once"):
        native_function = native.sampler_function
        new_noise = _new_noise(kind)

    def function(
        model: Any, x: torch.Tensor, sigmas: torch.Tensor, extra_args: Any, callback: Any, disable: Any, **options: Any
    ) -> torch.Tensor:
        if len(sigmas) <= 1:
            return x
        check_seeds(x, seeds)
        noise_sampler = new_noise(x, sigmas, seeds)
        arguments = {"extra_args": extra_args, "callback": callback, "disable": disable, **options}
        return native_function(model, x, sigmas, **{**arguments, "noise_sampler": noise_sampler})

    return comfy.samplers.KSAMPLER(function, native.extra_options, native.inpaint_options)


def step_noise_version(name: str) -> str:
    """Another text where this ComfyUI, or this device, draws other noise in the steps of sampler `name`; "" for none.

    Versions since 0.8 add 1 to the seed on a CPU, for one.
    """
    kind = step_noise(name)
    if kind is StepNoise.NONE:
        return ""
    x = torch.zeros(1, 1, 2, 2, device=comfy.model_management.get_torch_device())
    sigmas = torch.tensor([1.0, 0.5, 0.25], device=x.device)
    with comfyui_internals(f"sampler {name}"):
        noise = _new_noise(kind)(x, sigmas, [0])(sigmas[0], sigmas[1])
    # rounded: the last bits of a logarithm are another processor's own
    return hashlib.sha256(repr((100 * noise).round().flatten().tolist()).encode()).hexdigest()[:12]


def _new_noise(kind: StepNoise) -> Callable[[torch.Tensor, torch.Tensor, Sequence[int]], NoiseSampler]:
    """The engine's own noise of samplers of that kind: from (B, C, h, w), sigmas and a seed an image.

    Raises:
        ImportError: this ComfyUI has none of that name.
    """
    from comfy.k_diffusion.sampling import BrownianTreeNoiseSampler, default_noise_sampler

    def new_tree(x: torch.Tensor, sigmas: torch.Tensor, seeds: Sequence[int]) -> NoiseSampler:
        low, high = sigmas[sigmas > 0].min(), sigmas.max()
        tree: NoiseSampler = BrownianTreeNoiseSampler(x, low, high, seed=list(seeds), cpu=kind is StepNoise.TREE)
        return tree

    if kind in (StepNoise.TREE, StepNoise.TREE_ON_DEVICE):
        return new_tree
    return lambda x, sigmas, seeds: each_with_its_own(default_noise_sampler, x, seeds)

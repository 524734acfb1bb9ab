"""What noise a sampler draws while it runs, found by running it on a toy model: one that is not known by name is known
by what it does.

Reads samplers of ComfyUI and of packs; writes nothing, and leaves torch's global generator as it was.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import comfy.model_base
import comfy.model_management
import comfy.samplers
import torch

from .noise import NoiseSampler, each_with_its_own
from .samplers import sampler_name

logger = logging.getLogger("hyponet")

NewNoise = Callable[[torch.Tensor, torch.Tensor, Sequence[int]], NoiseSampler]


class StepNoise(Enum):
    """What a sampler draws while it runs, and so how an image is kept free of the others in its batch."""

    NONE = auto()  # nothing that shows: runs as one batch
    GENERATOR = auto()  # torch.randn at each step: each image gets a generator of its own
    TREE = auto()  # a Brownian tree on the CPU: each image gets its own
    TREE_ON_DEVICE = auto()  # a Brownian tree on the model's device: each image gets its own
    ALONE = auto()  # its steps depend on the whole batch, or on noise that cannot be given: one image at a time


_STEPS = 8
_SEEDS = (5, 6)
_HIGHEST = 1e4  # noise level that a model may begin at; those with a zero terminal SNR begin at 4,518
_EQUAL = (
    1e-5  # on 0.3.75 and 0.33.0, samplers whose images are independent differ by 1e-6 at most, dpm_adaptive by 6e-4
)
_of_samplers: weakref.WeakKeyDictionary[Any, StepNoise] = weakref.WeakKeyDictionary()


def step_noise(sampler: Any) -> StepNoise:
    """The step noise of a SAMPLER, or of ComfyUI's of that name; each is tried once.

    Two small images are drawn one by one, as ComfyUI draws them, and then as a batch with noise of each kind: the kind
    is the one by which both come out the same. None does where images of a batch act on each other. Steps lie wherever
    the SAMPLER's options may name a noise level, so that what it does between two of them, as by s_tmin and s_tmax,
    shows; what a pack's code does in a narrow band of its own may not.
    """
    if isinstance(sampler, str):
        return _of_name(sampler)
    if sampler not in _of_samplers:
        _of_samplers[sampler] = _tried(sampler)
    return _of_samplers[sampler]


def check_batch(sampler: Any, images: int) -> None:
    """Refuse several images at once for a sampler that has to run one at a time.

    Raises:
        ValueError: the sampler is one of those, and there are several images.
    """
    if images > 1 and step_noise(sampler) is StepNoise.ALONE:
        raise ValueError(
            f"sampler is {sampler_name(sampler)} for {images} images; it runs one image at a time, since an image "
            "would come out otherwise beside others; use a batch of 1"
        )


def new_noise(kind: StepNoise) -> NewNoise:
    """The engine's own noise of samplers of that kind: from (B, C, h, w), sigmas and a seed an image.

    Raises:
        ImportError: this ComfyUI has none of that name.
    """
    if kind in (StepNoise.TREE, StepNoise.TREE_ON_DEVICE):
        from comfy.k_diffusion.sampling import BrownianTreeNoiseSampler

        def new_tree(x: torch.Tensor, sigmas: torch.Tensor, seeds: Sequence[int]) -> NoiseSampler:
            low, high = sigmas[sigmas > 0].min(), sigmas.max()
            tree: NoiseSampler = BrownianTreeNoiseSampler(x, low, high, seed=list(seeds), cpu=kind is StepNoise.TREE)
            return tree

        return new_tree
    from comfy.k_diffusion.sampling import default_noise_sampler

    return lambda x, sigmas, seeds: each_with_its_own(default_noise_sampler, x, seeds)


def step_noise_version(sampler: Any) -> str:
    """Another text where this ComfyUI, or this device, draws other noise in the steps of a sampler; "" for none.

    Versions since 0.8 add 1 to the seed on a CPU, for one.
    """
    kind = step_noise(sampler)
    if kind is StepNoise.NONE:
        return ""
    x = torch.zeros(1, 1, 2, 2, device=comfy.model_management.get_torch_device())
    sigmas = torch.tensor([1.0, 0.5, 0.25], device=x.device)
    try:
        noise = new_noise(kind)(x, sigmas, [0])(sigmas[0], sigmas[1])
    except RuntimeError:  # a device without generators: what runs there draws by none
        return ""
    # rounded: the last bits of a logarithm are another processor's own
    return hashlib.sha256(repr((100 * noise).round().flatten().tolist()).encode()).hexdigest()[:12]


@functools.cache
def _of_name(name: str) -> StepNoise:
    return _tried(comfy.samplers.sampler_object(name))


def _tried(sampler: Any) -> StepNoise:
    if type(sampler) is not comfy.samplers.KSAMPLER:  # others bring a loop of their own
        return StepNoise.ALONE
    device = comfy.model_management.get_torch_device()
    of_device = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=of_device), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of Brownian trees, of which the pictures say nothing
        levels = _named_levels(sampler.extra_options)
        tried = [_kind_on(sampler, model, device) for model in (_noise_model(levels), _flow_model(levels))]
    kinds = {kind for kind in tried if kind is not None}
    kinds = kinds - {StepNoise.NONE} or kinds  # one that draws on the other kind of model can be given noise on both
    return kinds.pop() if len(kinds) == 1 else StepNoise.ALONE


class _ToyModel:
    """What a sampler is given as a model, with arithmetic pixel by pixel in place of a network."""

    def __init__(self, kind: Any, sigmas: torch.Tensor) -> None:
        sampling = comfy.model_base.model_sampling(None, kind)
        patcher = SimpleNamespace(get_model_object={"model_sampling": sampling}.__getitem__, model_options={})
        base = SimpleNamespace(model_sampling=sampling)
        self.inner_model = SimpleNamespace(inner_model=base, model_patcher=patcher, cfg=4.0)
        self.sigmas = sigmas

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor, model_options: Any = None, **_: Any) -> torch.Tensor:
        scaled = x / (1 + sigma.reshape(-1, *[1] * (x.ndim - 1)))
        denoised: torch.Tensor = comfy.samplers.cfg_function(
            self, scaled.tanh(), scaled.tanh() / 2, 2.0, x, sigma, model_options=model_options or {}
        )
        return denoised


def _noise_model(levels: Sequence[float]) -> _ToyModel:
    """Of SD's kind."""
    sigmas = torch.logspace(1.16, -1.5, _STEPS).tolist()  # 14.5 to 0.03
    return _ToyModel(comfy.model_base.ModelType.EPS, _schedule(sigmas, levels))


def _flow_model(levels: Sequence[float]) -> _ToyModel:
    """Of the kind of FLUX and its like."""
    sigmas = torch.linspace(0.98, 0.0, _STEPS + 1).tolist()[:-1]
    return _ToyModel(comfy.model_base.ModelType.FLOW, _schedule(sigmas, [level for level in levels if level < 1]))


def _named_levels(options: Mapping[str, Any]) -> list[float]:
    """The noise levels that a SAMPLER's options may name, and one between each two: what they begin or end, a step at
    them shows."""
    numbers = sorted({float(value) for value in options.values() if isinstance(value, (int, float))})
    ends = [number for number in numbers if 0 < number <= _HIGHEST]
    return sorted({*ends, *(low + (high - low) / 2 for low, high in pairwise(ends))})


def _schedule(sigmas: Sequence[float], levels: Sequence[float]) -> torch.Tensor:
    """`sigmas` and `levels` from high to low, and 0; of the former without those that lie close to one of the latter:
    methods of several steps divide by the distance."""
    distinct = [sigma for sigma in sigmas if all(abs(sigma - level) > 0.02 * sigma for level in levels)]
    return torch.tensor([*sorted({*distinct, *levels}, reverse=True), 0.0])


def _kind_on(sampler: Any, model: _ToyModel, device: torch.device) -> StepNoise | None:
    """The sampler's kind on one model; None where it cannot run on that."""
    sigmas = model.sigmas.to(device)
    model.inner_model.inner_model.model_sampling.to(device)
    x = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(0)).to(device) * sigmas[0]
    x[1] *= 3  # so that an error norm over both is not that of one
    drawn = [_drawn(sampler, model, x[i : i + 1], sigmas, [seed]) for i, seed in enumerate(_SEEDS)]
    natives = [latent for latent in drawn if latent is not None]
    if len(natives) < len(drawn):
        return None
    for kind in (StepNoise.NONE, StepNoise.GENERATOR, StepNoise.TREE, StepNoise.TREE_ON_DEVICE):
        together = _drawn(sampler, model, x, sigmas, _SEEDS, kind)
        if together is not None and torch.allclose(together, torch.cat(natives), rtol=_EQUAL, atol=_EQUAL):
            return kind
    return StepNoise.ALONE


def _drawn(
    sampler: Any,
    model: _ToyModel,
    x: torch.Tensor,
    sigmas: torch.Tensor,
    seeds: Sequence[int],
    kind: StepNoise = StepNoise.NONE,
) -> torch.Tensor | None:
    """What the sampler makes of noisy latents, given noise of that kind; None where it fails, as it may on a toy."""
    torch.manual_seed(seeds[0])
    options = {"extra_args": {"model_options": {}, "seed": seeds[0]}, "callback": lambda _: None, "disable": True}
    options |= sampler.extra_options
    try:
        if kind is not StepNoise.NONE:
            options["noise_sampler"] = new_noise(kind)(x, sigmas, seeds)  # not on every device
        result = sampler.sampler_function(model, x.clone(), sigmas, **options)
    except comfy.model_management.InterruptProcessingException:
        raise
    except Exception as error:  # noqa: BLE001 - it may be any pack's
        logger.debug("sampler %s on a toy model: %r", sampler_name(sampler), error)
        return None
    return result if isinstance(result, torch.Tensor) and result.shape == x.shape else None

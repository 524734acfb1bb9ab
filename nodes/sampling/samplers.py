"""Which samplers give an image the same picture in any batch, and what the others need for it.

Reads nothing and writes nothing: names of ComfyUI's samplers in, the kind of their step noise out.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any


class StepNoise(Enum):
    """What a sampler draws while it runs, and so how an image is kept free of the others in its batch."""

    NONE = auto()  # draws nothing: runs as one batch
    GENERATOR = auto()  # torch.randn at each step: each image gets a generator of its own
    TREE = auto()  # a Brownian tree on the CPU: each image gets its own
    TREE_ON_DEVICE = auto()  # a Brownian tree on the model's device: each image gets its own
    ALONE = auto()  # its steps depend on the whole batch, or are not known: runs one image at a time


_NONE = (
    "euler euler_cfg_pp heun heunpp2 dpm_2 lms dpm_fast dpmpp_2m dpmpp_2m_cfg_pp ipndm ipndm_v deis res_multistep "
    "res_multistep_cfg_pp gradient_estimation gradient_estimation_cfg_pp ddim uni_pc uni_pc_bh2 "
    "exp_heun_2_x0"  # newer than 0.3.75
)
_GENERATOR = (
    "euler_ancestral euler_ancestral_cfg_pp dpm_2_ancestral dpmpp_2s_ancestral dpmpp_2s_ancestral_cfg_pp ddpm lcm "
    "res_multistep_ancestral res_multistep_ancestral_cfg_pp er_sde seeds_2 seeds_3 sa_solver sa_solver_pece "
    "exp_heun_2_x0_sde"  # newer than 0.3.75
)
_TREE = "dpmpp_sde dpmpp_2m_sde dpmpp_2m_sde_heun dpmpp_3m_sde"
_TREE_ON_DEVICE = "dpmpp_sde_gpu dpmpp_2m_sde_gpu dpmpp_2m_sde_heun_gpu dpmpp_3m_sde_gpu"

# dpm_adaptive is left out on purpose: it chooses its step from an error norm over the whole batch
STEP_NOISE: dict[str, StepNoise] = {
    **dict.fromkeys(_NONE.split(), StepNoise.NONE),
    **dict.fromkeys(_GENERATOR.split(), StepNoise.GENERATOR),
    **dict.fromkeys(_TREE.split(), StepNoise.TREE),
    **dict.fromkeys(_TREE_ON_DEVICE.split(), StepNoise.TREE_ON_DEVICE),
}


# functions of ComfyUI's that are not named after their sampler
_FUNCTIONS = {"dpm_fast_function": "dpm_fast", "sample_unipc": "uni_pc", "sample_unipc_bh2": "uni_pc_bh2"}


# options by which a method draws noise for a batch at once, or measures it over the batch
_OVER_THE_BATCH = ("noise_clip_std", "s_churn")


def sampler_name(sampler: Any) -> str:
    """ComfyUI's name of a SAMPLER's method; one that is not known here, or that mixes the images of a batch by one of
    its options, gets a name of its own.

    Args:
        sampler: a SAMPLER, or the name of one.
    """
    if isinstance(sampler, str):
        return sampler
    function = getattr(sampler, "sampler_function", type(sampler))
    name = str(getattr(function, "__name__", type(function).__name__))
    if str(getattr(function, "__module__", "")).split(".")[0] != "comfy":
        return f"custom {name}"
    options = getattr(sampler, "extra_options", None) or {}
    if any(options.get(option) for option in _OVER_THE_BATCH):
        return f"{name} with noise of the whole batch"
    return _FUNCTIONS.get(name, name.removeprefix("sample_"))


def step_noise(sampler: str) -> StepNoise:
    """The step noise of a sampler; one that is not known here (a newer one, another pack's) runs alone."""
    return STEP_NOISE.get(sampler, StepNoise.ALONE)


def check_batch(sampler: str, images: int) -> None:
    """Refuse several images at once for a sampler that has to run one at a time.

    Raises:
        ValueError: the sampler is one of those, and there are several images.
    """
    if step_noise(sampler) is StepNoise.ALONE and images > 1:
        raise ValueError(
            f"sampler is {sampler} for {images} images; its steps depend on the whole batch, or are not known: it runs "
            "one image at a time; use a batch of 1"
        )

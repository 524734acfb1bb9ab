"""The UNet of a MODEL for training: what kind it is, which layers are trained, and its life on the device meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import comfy.lora
import comfy.model_management
import comfy.supported_models
import numpy as np
import torch

from ..engine import comfyui_internals
from .adapter import LoraLayer, attached, checkpointed, frozen, make_layers, usable_in_autograd
from .denoiser import EPSILON, UNetDenoiser, V
from .examples import Example
from .settings import LoraSettings
from .train import TIMESTEPS

_ZERO_SNR = 1000.0  # SD's own schedule ends at sigma 14.6; ComfyUI's of zero terminal SNR at 4,519


class Family(NamedTuple):
    """What kind of model a LoRA is for.

    Attributes:
        name: "sd1" or "sdxl".
        prediction: what the UNet says: EPSILON (the noise) or V.
        schedule: hash of the noise schedule.
        has_zero_snr: whether nothing of the picture is left at the last timestep.
    """

    name: str
    prediction: str
    schedule: str
    has_zero_snr: bool


def family_of(model: Any) -> Family:
    """The family of a MODEL, as it will be sampled: with what a node such as ModelSamplingDiscrete changed.

    Raises:
        ValueError: it is neither SD 1.x nor SDXL, or an inpainting or editing form of them, or is sampled otherwise.
        RuntimeError: this ComfyUI has other names for its models.
    """
    config = model.model.model_config
    with comfyui_internals("LoRA Training"):
        families = {"sdxl": comfy.supported_models.SDXL, "sd1": comfy.supported_models.SD15}
        # subclasses of the two that take a picture beside the latents
        edits = (comfy.supported_models.SD15_instructpix2pix, comfy.supported_models.SDXL_instructpix2pix)
    has_plain_input = config.unet_config.get("in_channels") == 4 and not isinstance(config, edits)
    for name, config_class in families.items():
        if has_plain_input and isinstance(config, config_class):
            return Family(name, *_sampling_of(model))
    raise ValueError(
        f"model is {type(config).__name__} ({model.model.model_type.name}); expected SD 1.x or SDXL base for text to "
        "image; load such a checkpoint (a LoRA for another family is trained with another tool, and used by Load LoRA "
        "in front of Generate Dataset as any other)"
    )


def check_weights(model: Any) -> None:
    """Refuse a UNet whose weights are no plain numbers, but packed by a quantisation that has no gradient.

    Raises:
        ValueError: one of them is such a tensor.
    """
    for name, weight in model.model.diffusion_model.named_parameters():
        if type(weight.data) is not torch.Tensor:
            raise ValueError(
                f"model has quantised weights ({type(weight.data).__name__} in {name}); expected float32, float16, "
                "bfloat16 or float8; load a checkpoint that is not quantised"
            )


def plain_clone(model: Any) -> Any:
    """A clone of a MODEL whose weights are loaded whole.

    With dynamic memory, the usual case on NVIDIA GPUs from about 0.16 on, each weight comes to the device when its
    layer runs and may go again, which autograd cannot follow; such a model is read from its file anew.

    Raises:
        ValueError: its loader did not say which file that is.
    """
    if not (hasattr(model, "is_dynamic") and model.is_dynamic()):
        return model.clone()
    try:
        return model.clone(disable_dynamic=True)
    except RuntimeError as error:
        raise ValueError(
            f"model cannot be loaded whole ({error}); expected one of ComfyUI's own loaders; use Load Checkpoint, or "
            "start ComfyUI with --disable-dynamic-vram"
        ) from error


def _sampling_of(model: Any) -> tuple[str, str, bool]:
    """A model's prediction, the hash of its noise schedule, and whether that ends without any signal."""
    with comfyui_internals("LoRA Training"):
        from comfy.model_sampling import EPS, V_PREDICTION, ModelSamplingDiscrete

        predictions = {EPS.calculate_denoised: EPSILON, V_PREDICTION.calculate_denoised: V}
        discrete = ModelSamplingDiscrete.timestep
    sampling = model.get_model_object("model_sampling")
    prediction = predictions.get(type(sampling).calculate_denoised)
    sigmas = sampling.sigmas.detach().float().cpu().numpy()
    is_known = prediction is not None and type(sampling).timestep is discrete and len(sigmas) == TIMESTEPS
    if prediction is None or not is_known or not np.isfinite(sigmas).all():
        raise ValueError(
            f"model is sampled by {type(sampling).__name__} of {len(sigmas)} timesteps; expected one that predicts the "
            f"noise or v at {TIMESTEPS} timesteps; take away the node that changes its sampling"
        )
    return prediction, hashlib.blake2b(sigmas.tobytes(), digest_size=8).hexdigest(), bool(sigmas[-1] > _ZERO_SNR)


def trainable_modules(model: Any) -> dict[str, torch.nn.Module]:
    """Every Linear and 1x1 Conv2d of the UNet's spatial transformers, by name below diffusion_model.

    The layers that kohya's networks.lora trains by default.
    """
    with comfyui_internals("LoRA Training"):
        from comfy.ldm.modules.attention import SpatialTransformer
    modules: dict[str, torch.nn.Module] = {}
    for name, module in model.model.diffusion_model.named_modules():
        if isinstance(module, SpatialTransformer):
            for part, layer in module.named_modules():
                pointwise = isinstance(layer, torch.nn.Conv2d) and layer.kernel_size == (1, 1)
                if isinstance(layer, torch.nn.Linear) or pointwise:
                    modules[f"{name}.{part}"] = layer
    return modules


def key_map(model: Any) -> dict[str, Any]:
    """ComfyUI's table from names in LoRA files to the UNet's weights."""
    with comfyui_internals("LoRA Training"):
        keys: dict[str, Any] = comfy.lora.model_lora_keys_unet(model.model, {})
    return keys


@contextmanager
def training(
    model: Any, examples: Sequence[Example], settings: LoraSettings, generator: torch.Generator, target: str
) -> Iterator[tuple[UNetDenoiser, dict[str, LoraLayer]]]:
    """The UNet on its device with a new LoRA attached, outside inference mode; afterwards it is unloaded, as it was.

    Args:
        target: what the loss compares, see UNetDenoiser.
    """
    with comfyui_internals("LoRA Training"):
        from comfy.ldm.modules.attention import BasicTransformerBlock
        from comfy.ldm.modules.diffusionmodules.openaimodel import ResBlock
    patcher = plain_clone(model)
    patcher.set_model_compute_dtype(torch.bfloat16)
    # all other models leave the device: what training needs is not known beforehand
    comfy.model_management.load_models_gpu([patcher], memory_required=1e20, force_full_load=True)
    device, unet = patcher.load_device, patcher.model
    blocks = [module for module in unet.modules() if isinstance(module, (BasicTransformerBlock, ResBlock))]
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode(False))
            stack.enter_context(torch.enable_grad())
            stack.enter_context(torch.backends.cudnn.flags(deterministic=True, benchmark=False))
            stack.enter_context(usable_in_autograd(unet))
            stack.enter_context(frozen(unet))
            modules = trainable_modules(patcher)
            layers = {
                name: layer.to(device)
                for name, layer in make_layers(modules, settings.rank, settings.alpha, generator).items()
            }
            stack.enter_context(attached(modules, layers))
            if settings.gradient_checkpointing:
                stack.enter_context(checkpointed(blocks))
            yield UNetDenoiser(unet, examples, device, target), layers
    finally:
        patcher.detach()
        comfy.model_management.soft_empty_cache()

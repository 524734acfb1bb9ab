"""Whole models: checkpoints, a LoRA and an upscaler."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .encoders import clip_g, clip_l, taesd
from .unet import UNET, unet
from .weights import Tensors, Weights, Zeros


def sd15(multipliers: Sequence[int], middle: bool, seed: int = 0) -> Weights:
    weights, levels = Weights(seed), len(multipliers)
    depth_in = [1] + [0] * (levels - 1)
    depth_out = [1, 1] + [0] * 2 * (levels - 1)
    unet(weights, 320, multipliers, 1, depth_in, depth_out, 768, middle=middle)
    clip_l(weights)
    taesd(weights)
    return weights


def sdxl(seed: int = 1) -> Weights:
    weights = Weights(seed)
    unet(weights, 320, (1, 1, 1), 2, (0, 0, 1, 1, 2, 2), [0] * 9, 2048, linear=True, vector=2816)
    clip_l(weights, "conditioner.embedders.0.transformer.text_model.")
    clip_g(weights, "conditioner.embedders.1.model.")
    taesd(weights, scale=0.13025)
    return weights


def sdxl_refiner(seed: int = 2) -> Weights:
    weights = Weights(seed)
    unet(weights, 384, (1, 1, 1, 1), 2, (0, 0, 4, 4, 4, 4, 0, 0), [0] * 12, 1280, linear=True, vector=2560)
    clip_g(weights, "conditioner.embedders.0.model.")
    taesd(weights, scale=0.13025)
    return weights


def lora(base: Tensors, encoder: str, encoder_key: str, rank: int = 4, seed: int = 3) -> dict[str, np.ndarray]:
    """A LoRA under kohya's names over the attention of the UNet and the first layer of CLIP-L."""
    generator, tensors = np.random.default_rng(seed), {}

    def add(name: str, shape: tuple[int, ...]) -> None:
        down = (generator.standard_normal((rank, math.prod(shape[1:]))) * 0.05).astype(np.float16)
        up = (generator.standard_normal((shape[0], rank)) * 0.05).astype(np.float16)
        if len(shape) == 4:
            down, up = down.reshape(rank, *shape[1:]), up.reshape(shape[0], rank, 1, 1)
        tensors[f"{name}.lora_down.weight"], tensors[f"{name}.lora_up.weight"] = down, up
        tensors[f"{name}.alpha"] = np.array(rank, np.float16)

    for key, value in base.items():
        shape = tuple(value) if isinstance(value, Zeros) else value.shape
        inside = key.removesuffix(".weight")
        if inside == key:
            continue
        if key.startswith(UNET) and ".transformer_blocks." in key and ".norm" not in key:
            add("lora_unet_" + inside.removeprefix(UNET).replace(".", "_"), shape)
        elif key.startswith(f"{encoder}encoder.layers.0.") and ("self_attn" in key or "mlp" in key):
            add(encoder_key + inside.removeprefix(encoder).replace(".", "_"), shape)
    return tensors


def real_esrgan(features: int = 8, growth: int = 32, seed: int = 4) -> Tensors:
    """RealESRGAN x4 (RRDBNet) with one block."""
    weights = Weights(seed, np.float32)
    weights.conv("conv_first", features, 3)
    for part in (1, 2, 3):
        for k in range(5):
            out = growth if k < 4 else features
            weights.conv(f"body.0.rdb{part}.conv{k + 1}", out, features + k * growth, gain=0.5)
    for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
        weights.conv(name, features, features)
    weights.conv("conv_last", 3, features, gain=0.3)
    weights.tensors["conv_last.bias"][:] = 0.5
    return weights.tensors

"""ComfyUI's model classes without its server: the UNet, the TAESD autoencoder, the CLIP tokenizer.

Reads a ComfyUI folder (argument or HYPONET_COMFYUI); writes nothing. `use_comfyui` has to run first.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

UNET = {
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 320,
    "num_res_blocks": [1],
    "channel_mult": (1,),
    "num_heads": 8,
    "use_spatial_transformer": True,
    "transformer_depth": [1],
    "transformer_depth_output": [1, 0],
    "transformer_depth_middle": 1,
    "context_dim": 768,
    "use_linear_in_transformer": False,
    "legacy": False,
}


def use_comfyui(folder: Path) -> None:
    """Put ComfyUI on the import path and set its options for a process that is no server."""
    if not (folder / "comfy" / "sd.py").is_file():
        raise ValueError(f"ComfyUI is {folder}; expected a folder with comfy/sd.py; name it by --comfyui")
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    from comfy.cli_args import args

    args.cpu = not torch.cuda.is_available()
    args.use_pytorch_cross_attention = True
    if args.cpu:
        from comfy.ldm.modules import attention

        attention.optimized_attention = plain_attention


def plain_attention(q: Tensor, k: Tensor, v: Tensor, heads: int, **_: object) -> Tensor:
    """Attention in three steps: for 64 places and 77 tokens on a CPU a quarter of a training step faster than torch's.

    Args:
        q, k, v: (B, N, C), (B, M, C), (B, M, C).
    """
    batch, _places, channels = q.shape
    width = channels // heads
    q, k, v = (projection.view(batch, -1, heads, width).transpose(1, 2) for projection in (q, k, v))
    shares = ((q @ k.mT) * width**-0.5).softmax(-1)
    return (shares.to(v.dtype) @ v).transpose(1, 2).reshape(batch, -1, channels)


def tokenizer() -> Any:
    """ComfyUI's CLIP-L tokenizer: text with (word:1.4) to sections of 77 (token, weight)."""
    from comfy.sd1_clip import SDTokenizer

    return SDTokenizer()


def new_unet(generator: torch.Generator) -> nn.Module:
    """The UNet with fresh weights; ComfyUI's layers leave theirs uninitialised."""
    import comfy.ops
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

    unet: nn.Module = UNetModel(**UNET, dtype=torch.float32, device="cpu", operations=comfy.ops.disable_weight_init)
    for name, parameter in unet.named_parameters():
        _initialise(name, parameter, generator, math.sqrt(1 / 3))
        if name.startswith("out.2.") or "proj_out" in name or "out_layers.3" in name:
            nn.init.zeros_(parameter)  # every block starts as an identity
    return unet


def new_vae(generator: torch.Generator) -> nn.Module:
    """TAESD's encoder and decoder with fresh weights; state-dict names as in a checkpoint's first_stage_model."""
    from comfy.taesd.taesd import TAESD

    vae: nn.Module = TAESD(latent_channels=4)
    for name, parameter in vae.named_parameters():
        if not name.startswith("vae_"):
            _initialise(name, parameter, generator, 0.7 * math.sqrt(2))
    return vae


def _initialise(name: str, parameter: nn.Parameter, generator: torch.Generator, gain: float) -> None:
    with torch.no_grad():
        if parameter.ndim == 1:
            parameter.fill_(float(name.endswith("weight")))  # normalisations 1, biases 0
        else:
            spread = gain / math.sqrt(parameter[0].numel())
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)


def sampling_sigmas() -> Tensor:
    """SD's own 1,000 noise levels (scaled linear betas), as ComfyUI's ModelSamplingDiscrete has them.  # (1000,)"""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    alphas = torch.cumprod(1 - betas, 0)
    return ((1 - alphas) / alphas).sqrt().float()

"""The single-file checkpoint that ComfyUI's CheckpointLoaderSimple detects as SD 1.5.

Reads the UNet's weights, the autoencoder and the text table; writes NAME.safetensors (float16). ComfyUI takes its text
encoder in full shape alone, so the twelve layers are in the file, all zero: an identity.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from .state import write_whole
from .text_table import LENGTH, WIDTH, TextTable
from .vae import SCALE_FACTOR

TEXT = "cond_stage_model.transformer.text_model."


def text_weights(table: TextTable) -> dict[str, Tensor]:
    """CLIP-L's state dict whose output is the layer norm of the token's row."""
    weights = {
        "embeddings.token_embedding.weight": table.rows.half(),
        "embeddings.position_embedding.weight": torch.zeros(LENGTH, WIDTH),
        "embeddings.position_ids": torch.arange(LENGTH)[None],
        "final_layer_norm.weight": torch.ones(WIDTH),
        "final_layer_norm.bias": torch.zeros(WIDTH),
    }
    for number in range(12):
        layer = f"encoder.layers.{number}."
        for name in ("layer_norm1", "layer_norm2"):
            weights[f"{layer}{name}.weight"] = torch.ones(WIDTH)
            weights[f"{layer}{name}.bias"] = torch.zeros(WIDTH)
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            weights |= _zero_linear(f"{layer}self_attn.{name}", WIDTH, WIDTH)
        weights |= _zero_linear(f"{layer}mlp.fc1", 4 * WIDTH, WIDTH)
        weights |= _zero_linear(f"{layer}mlp.fc2", WIDTH, 4 * WIDTH)
    return {TEXT + name: weight for name, weight in weights.items()}


def _zero_linear(name: str, outputs: int, inputs: int) -> dict[str, Tensor]:
    return {f"{name}.weight": torch.zeros(outputs, inputs), f"{name}.bias": torch.zeros(outputs)}


def export(unet: dict[str, Tensor], vae: Path, latent_std: float, table: TextTable, target: Path) -> None:
    """Write the checkpoint."""
    weights = {f"model.diffusion_model.{name}": weight for name, weight in unet.items()}
    weights |= {
        f"first_stage_model.{name}": weight for name, weight in load_file(vae).items() if name.startswith("taesd_")
    }
    weights["first_stage_model.vae_scale"] = torch.tensor(SCALE_FACTOR * latent_std)
    weights["first_stage_model.vae_shift"] = torch.tensor(0.0)
    weights |= text_weights(table)
    halves = {
        name: (weight.half() if weight.is_floating_point() else weight).contiguous() for name, weight in weights.items()
    }
    write_whole(target, lambda half: save_file(halves, half, {"format": "pt"}))

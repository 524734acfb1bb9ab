"""Text encoders and the small autoencoder, under the names of their checkpoints."""

from __future__ import annotations

import math

import numpy as np

from .weights import Weights, Zeros

TEXT_L = "cond_stage_model.transformer.text_model."


def token_table(weights: Weights, tokens: int, width: int) -> np.ndarray:
    """A row of its own for every token, as the sum of two short random tables whose lengths share no factor."""
    a, b, ids = weights.random((997, width), 0.014), weights.random((991, width), 0.014), np.arange(tokens)
    return a[ids % 997] + b[ids % 991]


def clip_l(weights: Weights, prefix: str = TEXT_L) -> None:
    width = 768
    weights.tensors[f"{prefix}embeddings.token_embedding.weight"] = token_table(weights, 49408, width)
    weights.tensors[f"{prefix}embeddings.position_embedding.weight"] = weights.random((77, width), 0.02)
    weights.tensors[f"{prefix}embeddings.position_ids"] = np.arange(77, dtype=np.int64)[None]
    for i in range(12):
        layer, zero = f"{prefix}encoder.layers.{i}", i not in (0, 11)
        weights.norm(f"{layer}.layer_norm1", width)
        weights.norm(f"{layer}.layer_norm2", width)
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            weights.linear(f"{layer}.self_attn.{name}", width, width, zero=zero)
        weights.linear(f"{layer}.mlp.fc1", 4 * width, width, zero=zero)
        weights.linear(f"{layer}.mlp.fc2", width, 4 * width, zero=zero)
    weights.norm(f"{prefix}final_layer_norm", width)


def clip_g(weights: Weights, prefix: str) -> None:
    width = 1280
    weights.tensors[f"{prefix}token_embedding.weight"] = token_table(weights, 49408, width)
    weights.tensors[f"{prefix}positional_embedding"] = weights.random((77, width), 0.02)
    for i in range(32):
        layer, zero = f"{prefix}transformer.resblocks.{i}", i not in (0, 31)
        weights.norm(f"{layer}.ln_1", width)
        weights.norm(f"{layer}.ln_2", width)
        shape = (3 * width, width)
        weight = Zeros(shape) if zero else weights.random(shape, 1 / math.sqrt(width))
        weights.tensors[f"{layer}.attn.in_proj_weight"] = weight
        weights.tensors[f"{layer}.attn.in_proj_bias"] = np.zeros(3 * width, weights.dtype)
        weights.linear(f"{layer}.attn.out_proj", width, width, zero=zero)
        weights.linear(f"{layer}.mlp.c_fc", 4 * width, width, zero=zero)
        weights.linear(f"{layer}.mlp.c_proj", width, 4 * width, zero=zero)
    weights.norm(f"{prefix}ln_final", width)
    weights.tensors[f"{prefix}text_projection"] = weights.random((width, width), 1 / math.sqrt(width))
    weights.tensors[f"{prefix}logit_scale"] = np.array(4.6055, weights.dtype)


def taesd(weights: Weights, prefix: str = "first_stage_model.", scale: float = 0.18215, channels: int = 4) -> None:
    """The small autoencoder's shape, which ComfyUI takes for a VAE inside a checkpoint as well.

    Args:
        channels: of the latents.
    """
    encoder, decoder = f"{prefix}taesd_encoder.", f"{prefix}taesd_decoder."

    def blocks(side: str, *indices: int) -> None:
        for index in indices:
            for layer in (0, 2, 4):
                weights.conv(f"{side}{index}.conv.{layer}", 64, 64)

    weights.conv(f"{encoder}0", 64, 3)
    blocks(encoder, 1)
    for index in (2, 6, 10):
        weights.conv(f"{encoder}{index}", 64, 64, bias=False)
        blocks(encoder, index + 1, index + 2, index + 3)
    weights.conv(f"{encoder}14", channels, 64)
    weights.conv(f"{decoder}1", 64, channels)
    blocks(decoder, 3, 4, 5, 8, 9, 10, 13, 14, 15, 18)
    for index in (7, 12, 17):
        weights.conv(f"{decoder}{index}", 64, 64, bias=False)
    weights.conv(f"{decoder}19", 3, 64, gain=0.5)
    weights.tensors[f"{decoder}19.bias"][:] = 0.5
    weights.tensors[f"{prefix}vae_scale"] = np.array(scale, weights.dtype)
    weights.tensors[f"{prefix}vae_shift"] = np.array(0, weights.dtype)

"""Writes what lies in data/small_model in 8 bits a weight as files that ComfyUI loads.

    python -m tools.small_model.expand MODELS_DIR

    checkpoints/hyponet-small.safetensors        the model, for CheckpointLoaderSimple
    classifiers/hyponet-small-judge.safetensors  the judge, for Open Trained Classifier and Load Classifier
    loras/hyponet-small-lora.safetensors         a LoRA, for LoraLoader

ComfyUI takes CLIP's text encoder in full shape alone, so its twelve layers are in the checkpoint, all zero: an identity
in the residual stream, and holes in the file. The rows of its tokens are computed here, the same to the bit everywhere.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import sys
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from ..dev.places import ROOT
from ..stand_ins.files import save_sparse
from ..stand_ins.weights import Tensors, Zeros

DATA = ROOT / "data" / "small_model"
SCALE = ".scale"  # behind the name of a weight in 8 bits: what each of its output channels is multiplied by
TEXT = "cond_stage_model.transformer.text_model."
WIDTH = 768
TOKENS = 49408
START, END = 49406, 49407  # END also pads
LENGTH = 77
NEAR = 0.8  # share of a noun's squared norm along its class's direction

Arrays = dict[str, np.ndarray]


def in_8_bits(weights: Arrays) -> Arrays:
    """The weights, those of more than one dimension as int8 with a float32 scale an output channel, rounded."""
    packed: Arrays = {}
    for name, weight in weights.items():
        packed[name] = weight
        if weight.ndim > 1:
            rows = weight.astype(np.float32).reshape(len(weight), -1)
            scales = np.maximum(np.abs(rows).max(1), 1e-12) / np.float32(127)
            packed[name] = np.rint(rows / scales[:, None]).astype(np.int8).reshape(weight.shape)
            packed[name + SCALE] = scales
    return packed


def restored(packed: Arrays) -> Arrays:
    """What `in_8_bits` was given, but for the rounding; float32 where there was a scale."""
    weights: Arrays = {}
    for name, weight in packed.items():
        if name + SCALE in packed:
            scales = packed[name + SCALE].reshape(-1, *(1,) * (weight.ndim - 1))
            weights[name] = weight.astype(np.float32) * scales
        elif not name.endswith(SCALE):
            weights[name] = weight
    return weights


def read_arrays(path: Path) -> tuple[Arrays, dict[str, str]]:
    """The tensors of a safetensors file, and its metadata."""
    with safe_open(path, "np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


def text_rows(directions: Arrays, words: dict[str, dict[str, int]]) -> np.ndarray:
    """A row for every token: nouns near their class's direction, colour words on their own, the others neutral.

    Args:
        directions: classes (5, 768), colours (9, 768), neutral (32, 768), start and end (1, 768), of norm sqrt(768).
        words: for each class and then each colour, in the order of the directions, the tokens that say it.

    Returns:
        (49408, 768) float32.
    """
    rows = directions["neutral"][(np.arange(TOKENS) * 40503 // 7) % len(directions["neutral"])]
    named = np.concatenate([directions["classes"], directions["colours"]])
    for number, (direction, tokens) in enumerate(zip(named, words.values(), strict=True)):
        for token in tokens.values():
            is_noun = number < len(directions["classes"])
            rows[token] = near(direction, token) if is_noun else direction
    rows[START], rows[END] = directions["start"][0], directions["end"][0]
    return rows


def near(direction: np.ndarray, token: int) -> np.ndarray:
    """The row of a noun: its class's direction and a part of its own, 768 signs drawn from the token's number."""
    bits = np.frombuffer(hashlib.shake_256(str(token).encode()).digest(WIDTH // 8), np.uint8)
    signs = np.unpackbits(bits).astype(np.float32) * 2 - 1
    return np.float32(math.sqrt(NEAR)) * direction + np.float32(math.sqrt(1 - NEAR)) * signs


def text_weights(rows: np.ndarray) -> Tensors:
    """CLIP-L's state dict whose output is the layer norm of the token's row."""
    weights: Tensors = {
        "embeddings.token_embedding.weight": rows.astype(np.float16),
        "embeddings.position_embedding.weight": Zeros((LENGTH, WIDTH)),
        "embeddings.position_ids": np.arange(LENGTH)[None],
        **_layer_norm("final_layer_norm"),
    }
    for number in range(12):
        layer = f"encoder.layers.{number}."
        weights |= _layer_norm(f"{layer}layer_norm1") | _layer_norm(f"{layer}layer_norm2")
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            weights |= _zero_linear(f"{layer}self_attn.{name}", WIDTH, WIDTH)
        weights |= _zero_linear(f"{layer}mlp.fc1", 4 * WIDTH, WIDTH)
        weights |= _zero_linear(f"{layer}mlp.fc2", WIDTH, 4 * WIDTH)
    return {TEXT + name: weight for name, weight in weights.items()}


def _layer_norm(name: str) -> Tensors:
    return {f"{name}.weight": np.ones(WIDTH, np.float16), f"{name}.bias": Zeros((WIDTH,))}


def _zero_linear(name: str, outputs: int, inputs: int) -> Tensors:
    return {f"{name}.weight": Zeros((outputs, inputs)), f"{name}.bias": Zeros((outputs,))}


def checkpoint(data: Path) -> Tensors:
    """The whole model, in the single-file form that ComfyUI detects as Stable Diffusion 1.5."""
    unet, vae, directions = (read_arrays(data / f"{name}.safetensors") for name in ("unet", "vae", "directions"))
    words = json.loads((data / "words.json").read_text("utf-8"))
    weights: Tensors = {}
    for prefix, (packed, _) in (("model.diffusion_model.", unet), ("first_stage_model.", vae)):
        weights |= {prefix + name: weight.astype(np.float16) for name, weight in restored(packed).items()}
    for name, number in (("vae_scale", vae[1]["vae_scale"]), ("vae_shift", "0")):
        weights[f"first_stage_model.{name}"] = np.float16(number).reshape(())
    return weights | text_weights(text_rows(directions[0], words))


def write_all(data: Path, folder: Path) -> None:
    """Write every file below `folder`, laid out like ComfyUI's models."""
    save_sparse(folder / "checkpoints" / "hyponet-small.safetensors", checkpoint(data), {"format": "pt"})
    judge, about = read_arrays(data / "judge.safetensors")
    for kind in ("classifiers", "loras"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    save_file(restored(judge), folder / "classifiers" / "hyponet-small-judge.safetensors", about)
    shutil.copyfile(data / "lora.safetensors", folder / "loras" / "hyponet-small-lora.safetensors")


if __name__ == "__main__":
    write_all(DATA, Path(sys.argv[1]))

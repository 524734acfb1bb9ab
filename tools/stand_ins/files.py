"""Small files of large tensors: holes in .safetensors, overlapping views in .ckpt."""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path

import numpy as np
import torch

from .weights import Tensors, Weights, Zeros

SAFETENSORS_TYPES = {
    np.dtype("float16"): "F16",
    np.dtype("float32"): "F32",
    np.dtype("int64"): "I64",
    np.dtype("uint8"): "U8",
}


def save_sparse(path: Path, tensors: Tensors, metadata: dict[str, str] | None = None) -> None:
    """A .safetensors file whose all-zero tensors are holes."""
    header: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    positions, offset = [], 0
    for name in sorted(tensors):
        value = tensors[name]
        shape = list(value) if isinstance(value, Zeros) else list(value.shape)
        dtype = np.dtype(np.float16) if isinstance(value, Zeros) else value.dtype
        size = math.prod(shape) * dtype.itemsize
        header[name] = {"dtype": SAFETENSORS_TYPES[dtype], "shape": shape, "data_offsets": [offset, offset + size]}
        positions.append((offset, value))
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        start = file.tell()
        for position, value in positions:
            if not isinstance(value, Zeros):
                file.seek(start + position)
                file.write(np.ascontiguousarray(value).tobytes())
        file.truncate(start + offset)


def save_views(path: Path, weights: Weights, seed: int = 0) -> None:
    """A .ckpt of a few megabytes whose big tensors are overlapping views of one random buffer a scale."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(131_071, generator=generator)
    zero, buffers, out = torch.zeros(1).half(), {}, {}
    for name, value in weights.tensors.items():
        if isinstance(value, Zeros):
            out[name] = zero.expand(value)
            continue
        tensor = torch.from_numpy(np.ascontiguousarray(value))
        if name in weights.exact or "taesd" in name or tensor.numel() < 20_000 or tensor.dtype != torch.float16:
            out[name] = tensor.clone()
            continue
        spread = max(1e-6, float(tensor.flatten()[:4096].float().std()))
        scale = 2.0 ** (round(4 * math.log2(spread)) / 4)  # few scales, so few buffers
        buffer = buffers.setdefault(scale, (noise * scale).half())
        rows, row, offset = tensor.shape[0], tensor[0].numel(), zlib.crc32(name.encode()) % 1000
        step = max(1, min(row, (buffer.numel() - row - offset) // rows))
        strides = [step, *torch.empty(tensor.shape[1:]).stride()]
        out[name] = buffer.as_strided(tensor.shape, strides, offset)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": out}, path)

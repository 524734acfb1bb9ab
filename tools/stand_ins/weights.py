"""The named tensors of one model, random from a seed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

POOL = 2_097_143  # numbers drawn once and repeated; a prime, so that repeats never line up with rows


class Zeros(tuple):
    """The shape of an all-zero half-precision tensor that takes no room in a file."""


Tensors = dict[str, "np.ndarray | Zeros"]


class Weights:
    """Collects the named tensors of one model."""

    def __init__(self, seed: int, dtype: type = np.float16) -> None:
        self.generator = np.random.default_rng(seed)
        self.dtype = dtype
        self.tensors: Tensors = {}
        self.exact: set[str] = set()  # tensors that a .ckpt must hold to the letter
        self.pool = self.generator.standard_normal(POOL, dtype=np.float32)

    def random(self, shape: Sequence[int], std: float) -> np.ndarray:
        offset = int(self.generator.integers(POOL))
        count = min(math.prod(shape), POOL)
        part = np.concatenate((self.pool[offset : offset + count], self.pool[: max(0, offset + count - POOL)]))
        return np.resize((part * np.float32(std)).astype(self.dtype), math.prod(shape)).reshape(shape)

    def linear(self, name: str, out: int, inp: int, bias: bool = True, zero: bool = False) -> None:
        self.tensors[f"{name}.weight"] = Zeros((out, inp)) if zero else self.random((out, inp), 1 / math.sqrt(inp))
        if bias:
            self.tensors[f"{name}.bias"] = np.zeros(out, self.dtype)

    def conv(self, name: str, out: int, inp: int, kernel: int = 3, bias: bool = True, gain: float = 1.0) -> None:
        std = gain / math.sqrt(inp * kernel * kernel)
        self.tensors[f"{name}.weight"] = self.random((out, inp, kernel, kernel), std)
        if bias:
            self.tensors[f"{name}.bias"] = np.zeros(out, self.dtype)

    def norm(self, name: str, size: int) -> None:
        self.tensors[f"{name}.weight"] = np.ones(size, self.dtype)
        self.tensors[f"{name}.bias"] = np.zeros(size, self.dtype)

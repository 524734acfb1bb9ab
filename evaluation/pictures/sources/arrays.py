"""Pictures that lie in one block of bytes, as CIFAR-10 and STL-10 store them."""

from __future__ import annotations

import hashlib

import numpy as np


class PlanarPictures:
    """Pictures as uint8 planes [N,3,H,W] (or [N,3,W,H]) in memory or in a mapped file.

    Args:
        planes: the block.
        name: how messages name the set.
        column_major: rows and columns are swapped (STL-10).
    """

    def __init__(self, planes: np.ndarray, name: str, column_major: bool = False) -> None:
        self._planes = planes
        self._name = name
        self._axes = (2, 1, 0) if column_major else (1, 2, 0)

    def __len__(self) -> int:
        return len(self._planes)

    def read(self, index: int) -> np.ndarray:
        """The picture as uint8 RGB [H,W,3]."""
        return np.ascontiguousarray(self._planes[index].transpose(self._axes))  # (3, H, W) or (3, W, H) -> (H, W, 3)

    def digest(self, index: int) -> bytes:
        """A hash of the picture's planes as they are stored."""
        return hashlib.blake2b(np.ascontiguousarray(self._planes[index]).data, digest_size=20).digest()

    def describe(self, index: int) -> str:
        """The set's name and the picture's number in it."""
        return f"{self._name} number {index}"

"""Pictures in memory as a labelled set: what a graph made, or a change of pictures that a metric is tried on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from .labelled_images import LabelledImages, labelled
from .tensors import check_pixels, to_uint8


def pictures_as_images(pictures: Tensor, name: str = "pictures") -> LabelledImages:
    """A ComfyUI IMAGE as a set with one class.

    Args:
        pictures: [B,H,W,C] float in 0..1; values become uint8 as SaveImage makes them, and grey three channels.

    Raises:
        ValueError: see tensors.check_pixels.
    """
    check_pixels(pictures, name)
    levels = to_uint8(pictures)
    return labelled(name, ("picture",), np.zeros(len(levels), dtype=np.int64), ArrayPictures(levels))


class ArrayPictures:
    """Pictures in memory: uint8 [N,H,W,3], or a list of [H,W,3] of any size."""

    def __init__(self, pictures: np.ndarray | Sequence[np.ndarray]) -> None:
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def read(self, index: int) -> np.ndarray:
        """Picture `index`, uint8 [H,W,3]."""
        return np.asarray(self._pictures[index])

    def digest(self, index: int) -> bytes:
        """16 bytes from shape and pixels: equal pictures have the same."""
        picture = self._pictures[index]
        return hashlib.blake2b(str(picture.shape).encode() + picture.tobytes(), digest_size=16).digest()

    def describe(self, index: int) -> str:
        """The picture's number, for errors."""
        return f"picture {index}"

"""Encoded pictures (PNG, JPEG, ...), wherever their bytes lie."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from ..decode import decode


class EncodedPictures(ABC):
    """Pictures by their names; a subclass says how the bytes of one are read."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._digests: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._names)

    @abstractmethod
    def stored(self, index: int) -> bytes:
        """The bytes of a picture; empty or cut short where they cannot be read, so that decoding names the picture."""

    def read(self, index: int) -> np.ndarray:
        """The picture as uint8 RGB [H,W,3]; raises decode.CorruptPicture naming it."""
        return decode(self.stored(index), self.describe(index))

    def digest(self, index: int) -> bytes:
        """A hash of the picture's bytes, kept for as long as the source is."""
        if index not in self._digests:  # parts of a set ask again, and a set can be larger than the disk cache
            self._digests[index] = hashlib.blake2b(self.stored(index), digest_size=20).digest()
        return self._digests[index]

    def describe(self, index: int) -> str:
        """The picture's name."""
        return self._names[index]

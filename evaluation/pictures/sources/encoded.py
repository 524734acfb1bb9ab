"""Encoded pictures (PNG, JPEG, ...), wherever their bytes lie."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...disk_errors import unreadable
from ..decode import CorruptPicture, decode

MAX_STORED = 1 << 30  # bytes of one picture: PIL opens 179 million pixels at most, which uncompressed are 0.54 GB


class EncodedPictures(ABC):
    """Pictures by their names; a subclass says how the bytes of one are read."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._digests: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._names)

    @abstractmethod
    def stored(self, index: int) -> bytes:
        """The bytes of a picture.

        Raises:
            CorruptPicture: they are missing, or damaged where they lie; the message names the picture.
            UnreadableFile: the disk does not give them; nothing is known of the picture.
        """

    def read(self, index: int) -> np.ndarray:
        """The picture as uint8 RGB [H,W,3]; raises decode.CorruptPicture naming it."""
        return decode(self.stored(index), self.describe(index))

    def digest(self, index: int) -> bytes:
        """A hash of the picture's bytes, kept for as long as the source is."""
        if index not in self._digests:  # parts of a set ask again, and a set can be larger than the disk cache
            try:
                stored = self.stored(index)
            except CorruptPicture:  # the hash of a set is asked for before it is known which pictures are whole
                stored = b""
            self._digests[index] = hashlib.blake2b(stored, digest_size=20).digest()
        return self._digests[index]

    def describe(self, index: int) -> str:
        """The picture's name."""
        return self._names[index]


def read_picture_bytes(path: Path, name: str, offset: int = 0, size: int | None = None) -> bytes:
    """The bytes of picture `name` in a file: all, or `size` of them from `offset`, fewer where the file ends before.

    Raises:
        CorruptPicture: the file is missing, or a picture of so many bytes is none.
        UnreadableFile: the disk does not give it.
    """
    try:
        with open(path, "rb") as file:
            length = os.fstat(file.fileno()).st_size - offset if size is None else size
            if length > MAX_STORED:
                raise CorruptPicture(
                    f"picture {name} has {length:,} bytes; expected {MAX_STORED:,} at most; replace it"
                )
            file.seek(offset)
            return file.read(length)
    except FileNotFoundError:
        raise CorruptPicture(f"picture {name} is missing; load the set again") from None
    except OSError as error:
        raise unreadable(path, error) from error

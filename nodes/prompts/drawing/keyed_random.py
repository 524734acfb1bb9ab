"""Random numbers that depend on a key alone, so that any draw can be made again by itself."""

from __future__ import annotations

import hashlib

_WORD = 64  # bits


class Stream:
    """Random numbers that depend on a key alone, 64 bits at a time (BLAKE2b in counter mode)."""

    def __init__(self, key: str) -> None:
        self._key = hashlib.blake2b(key.encode(), digest_size=32).digest()
        self._words: list[int] = []
        self._blocks = 0

    def below(self, size: int) -> int:
        """A whole number in [0, size), each equally likely up to 2**-63."""
        word, bits = self._next(), _WORD
        while size.bit_length() > bits - _WORD + 1:
            word, bits = (word << _WORD) | self._next(), bits + _WORD
        return word * size >> bits

    def _next(self) -> int:
        if not self._words:
            block = hashlib.blake2b(self._key + self._blocks.to_bytes(8, "little"), digest_size=64).digest()
            self._words = [int.from_bytes(block[start : start + 8], "little") for start in range(0, 64, 8)]
            self._blocks += 1
        return self._words.pop()

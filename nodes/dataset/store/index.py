"""The index of a set: which items have a picture, in two bytes for each rank, so that a million take 2 MB.

Reads and writes nothing; manifest.py fills it.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from ....evaluation.pictures.manifest import Head

NO_PICTURE = -1


class Index:
    """(label, rank) -> number of the attempt whose picture the set has.

    Attributes:
        count: pictures in all.
        fallbacks: keys of the items of which every attempt was rejected and the best one stays.
    """

    def __init__(self) -> None:
        self._attempts: dict[str, array[int]] = {}  # label -> attempt by rank
        self.count = 0
        self.fallbacks: set[tuple[str, int]] = set()

    def attempt(self, label: str, rank: int) -> int:
        """The number of the attempt, NO_PICTURE where the set has none."""
        attempts = self._attempts.get(label)
        return attempts[rank] if attempts is not None and rank < len(attempts) else NO_PICTURE

    def add(self, heads: Sequence[Head]) -> int:
        """Note the pictures of these lines, the last one of an item for good; how many repeat an item.

        All lines of a block at once: a call for each would take a quarter longer to open a set.
        """
        repeats = 0
        for label, rank, attempt, is_fallback, _, _ in heads:
            attempts = self._attempts.get(label)
            if attempts is None or rank >= len(attempts):
                attempts = self._with_room(label, rank)
            if attempts[rank] != NO_PICTURE:
                repeats += 1
            attempts[rank] = attempt
            if is_fallback:
                self.fallbacks.add((label, rank))
        self.count += len(heads) - repeats
        return repeats

    def _with_room(self, label: str, rank: int) -> array[int]:
        """The attempts of `label`, up to `rank` at least; a quarter at a time, so that n ranks cost n steps."""
        attempts = self._attempts.setdefault(label, array("h"))
        length = len(attempts)
        attempts.extend(array("h", [NO_PICTURE]) * (max(rank + 1, length * 5 // 4) - length))
        return attempts

    def is_part_of(self, other: Index) -> bool:
        """Whether `other` has each of these pictures by the same attempt."""
        for label, attempts in self._attempts.items():
            others = other._attempts.get(label, array("h"))
            for rank, attempt in enumerate(attempts):
                if attempt != NO_PICTURE and (rank >= len(others) or attempt != others[rank]):
                    return False
        return True

    def ranks(self, label: str) -> list[int]:
        """The ranks of `label` that have a picture, ascending."""
        return [rank for rank, attempt in enumerate(self._attempts.get(label, ())) if attempt != NO_PICTURE]

    def counts(self) -> dict[str, int]:
        """label -> how many pictures it has."""
        return {label: len(attempts) - attempts.count(NO_PICTURE) for label, attempts in self._attempts.items()}

"""A set divided into train, validation and test sets, by class and by a seed.

Reads a set; writes up to three beside it. Pictures are linked where the disk can, so that a split takes no space.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .store.encode import Encoding
from .store.store import DatasetRef, DatasetStore

Progress = Callable[[int, int], None]
PARTS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Shares:
    """What part of each class goes where; they need not sum to 1, only their ratio counts."""

    train: float
    val: float
    test: float

    def cuts(self, count: int) -> tuple[int, int, int]:
        """How many of `count` pictures go to each part: sums to `count`, each within one of its exact share.

        Raises:
            ValueError: all shares are zero.
        """
        total = self.train + self.val + self.test
        if total <= 0:
            raise ValueError("shares are all 0; expected at least one above 0, such as 0.8, 0.1 and 0.1")
        first = round(count * self.train / total)
        second = round(count * (self.train + self.val) / total)
        return first, second - first, count - second


def split(
    source: DatasetStore,
    base: Path,
    name: str,
    shares: Shares,
    seed: int,
    *,
    kept: bool = False,
    progress: Progress | None = None,
) -> dict[str, DatasetRef]:
    """The parts that have a share, by name of PARTS: sets called <name>-train, <name>-val, <name>-test.

    Splitting again after the source changed puts right what differs; pictures that stay in the source never change
    their part unless their class's number of pictures did.

    Args:
        kept: also pictures that stay although every try was rejected.

    Raises:
        ValueError: no shares, or a set of such a name was not made by splitting this one this way.
    """
    parts: dict[str, list[tuple[str, int]]] = {part: [] for part in PARTS}
    for label in source.labels:
        keys = source.keys(in_turn=False, kept=kept, only_class=label)
        _rng(seed, label).shuffle(keys)
        start = 0
        for part, count in zip(PARTS, shares.cuts(len(keys)), strict=True):
            parts[part] += keys[start : start + count]
            start += count
    wanted = {part: keys for part, keys in parts.items() if getattr(shares, part) > 0}
    total, done = sum(len(keys) for keys in wanted.values()), 0
    made = {}
    for part, keys in wanted.items():
        with _part_store(source, base, f"{name}-{part}", part, shares, seed) as store:
            _fill(store, source, keys)
            made[part] = store.ref()
        done += len(keys)
        if progress is not None:
            progress(done, total)
    return made


def _part_store(source: DatasetStore, base: Path, name: str, part: str, shares: Shares, seed: int) -> DatasetStore:
    return DatasetStore.create_or_open(
        base,
        name,
        plan=source.description["plan"],
        identity={
            "split_of": source.name,
            "part": part,
            "shares": [shares.train, shares.val, shares.test],
            "seed": seed,
            "settings": source.description["identity"],
        },
        provenance=source.description["provenance"],
        classes=source.synsets,
        encoding=Encoding(**source.description["encoding"]),
    )


def _fill(store: DatasetStore, source: DatasetStore, keys: list[tuple[str, int]]) -> None:
    wanted = {line.key: line for line in source.lines_of(keys)}
    stale = {line.key for line in store.lines() if line.key not in wanted or wanted[line.key].sha256 != line.sha256}
    if stale:
        store.drop(stale)
        store.raise_revision()
    for key, line in wanted.items():
        if not store.has(*key):
            store.adopt(line, source.path(line))


def _rng(seed: int, label: str) -> random.Random:
    return random.Random(hashlib.sha256(f"{seed}\0{label}".encode()).digest())

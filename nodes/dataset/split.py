"""A set divided into train, validation and test sets, by class and by a seed.

Reads a set; writes up to three beside it. Pictures are linked where the disk can, so that a split takes no space.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...evaluation.pictures.split import share_of
from ...evaluation.progress import Progress
from .equal_pictures import pixel_digests
from .open import create_or_open
from .store.description import SetSpec
from .store.store import DatasetRef, DatasetStore
from .store.writable_store import WritableStore

Key = tuple[str, int]  # label and rank
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
        first = share_of(count, self.train / total)
        second = share_of(count, (self.train + self.val) / total)
        return first, second - first, count - second


def split(
    source: DatasetStore,
    base: Path,
    name: str,
    shares: Shares,
    seed: int,
    *,
    include_fallbacks: bool = False,
    progress: Progress | None = None,
) -> dict[str, DatasetRef]:
    """The parts that have a share, by name of PARTS: sets called <name>-train, <name>-val, <name>-test.

    Pictures that are equal pixel by pixel stay in one part, whatever their class.

    Splitting again puts right what differs, be it that the source changed or that somebody deleted files of a part;
    what was rejected in a part stays out of it. Pictures that stay in the source never change their part unless their
    class's number of pictures did.

    Args:
        include_fallbacks: also pictures that stay although every attempt was rejected.

    Raises:
        ValueError: no shares, the set has damaged lines, or one of such a name was not made by splitting it this way.
    """
    source.refuse_damage()
    by_label = {
        label: source.keys(in_turn=False, include_fallbacks=include_fallbacks, only_class=label)
        for label in source.labels
    }
    every_key = [key for keys in by_label.values() for key in keys]
    keys_of = _divided(by_label, _equals(source, every_key, progress), shares, seed)
    total, finished = sum(len(keys) for keys in keys_of.values()), 0
    refs = {}
    for part, keys in keys_of.items():
        spec = _part_spec(source, part, shares, seed)
        with create_or_open(base, f"{name}-{part}", spec, has_sources=True) as store:
            _fill(store, source, keys)
            refs[part] = store.ref()
        finished += len(keys)
        if progress is not None:
            progress(finished, total)
    return refs


def _equals(source: DatasetStore, keys: list[Key], progress: Progress | None) -> dict[Key, list[Key]]:
    """Each item -> all items whose pictures are equal to its own, itself among them."""
    records = source.records_of(keys)
    groups: dict[int, list[Key]] = {}
    for record, digest in zip(records, pixel_digests(source, records, progress).tolist(), strict=True):
        groups.setdefault(digest, []).append(record.key)
    return {key: group for group in groups.values() for key in group}


def _divided(
    by_label: Mapping[str, list[Key]], equals: Mapping[Key, list[Key]], shares: Shares, seed: int
) -> dict[str, list[Key]]:
    """The parts' items: each class in the order of its draw, each item with its equals."""
    part_of: dict[Key, str] = {}
    for label, keys in by_label.items():
        _rng(seed, label).shuffle(keys)
        counts = dict(zip(PARTS, shares.cuts(len(keys)), strict=True))
        has = Counter(part_of[key] for key in keys if key in part_of)
        for key in keys:
            if key in part_of:
                continue
            part = next((part for part in PARTS if has[part] < counts[part]), _last(shares))
            part_of.update(dict.fromkeys(equals[key], part))
            has[part] += sum(equal[0] == label for equal in equals[key])
    ordered = [key for keys in by_label.values() for key in keys]
    return {part: [key for key in ordered if part_of[key] == part] for part in PARTS if getattr(shares, part) > 0}


def _last(shares: Shares) -> str:
    return [part for part in PARTS if getattr(shares, part) > 0][-1]


def _part_spec(source: DatasetStore, part: str, shares: Shares, seed: int) -> SetSpec:
    description = source.description
    return SetSpec(
        plan=description.plan,
        identity={
            "split_of": source.name,
            "part": part,
            "shares": [shares.train, shares.val, shares.test],
            "seed": seed,
            "settings": description.identity,
        },
        provenance=description.provenance,
        classes=description.synsets,
        encoding=description.encoding,
        licence=description.licence,
    )


def _fill(store: WritableStore, source: DatasetStore, keys: list[tuple[str, int]]) -> None:
    """Make `store` hold the pictures of `keys` and no others, but for those that were rejected in it."""
    store.forget_lost()
    rejected = {(*rejection.record.key, rejection.record.attempt) for rejection in store.rejections()}
    records = {record.key: record for record in source.records_of(keys)}
    stale = {
        record.key
        for record in store.records()
        if record.key not in records or records[record.key].sha256 != record.sha256
    }
    if stale:
        store.delete(stale)
        store.raise_revision()
    deleted = set(store.deleted())
    for key, record in records.items():
        if key in deleted:
            store.restore_file(store.placed(record), source.path(record))
        elif not store.has(*key) and (*key, record.attempt) not in rejected:
            store.add_file(record, source.path(record))


def _rng(seed: int, label: str) -> random.Random:
    return random.Random(hashlib.sha256(f"{seed}\0{label}".encode()).digest())

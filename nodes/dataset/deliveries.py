"""Shards that were delivered more than once: (plan, label, rank, attempt) names a picture, so one of each is kept.

Reads sets; writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...evaluation.pictures.decode import decode
from ...evaluation.pictures.manifest import Record
from .store.store import DatasetStore

_Item = tuple[object, ...]


def item_of(record: Record) -> _Item:
    """What a record says of its item, but for the picture."""
    return (*record.key, record.attempt, record.seed, record.prompt, record.negative)


def delivered_again(sources: Sequence[DatasetStore]) -> int:
    """How many pictures of the shards of one plan are there before, under the same item.

    Files of equal pixels are one picture: the workflow that a file carries names the set that it was made for.

    Raises:
        ValueError: one item has two pictures; the message says where, and how much they differ.
    """
    first: dict[_Item, tuple[str, int, str]] = {}  # digest of the file, number of its set, name of the file
    count = 0
    for number, source in enumerate(sources):
        for record in source.records():
            digest, holder, name = first.setdefault(item_of(record), (record.sha256, number, record.file_name))
            if holder == number:
                continue
            count += 1
            if digest != record.sha256:
                _refuse_difference(record, sources[holder].root / name, source.path(record))
    return count


def _refuse_difference(record: Record, kept: Path, again: Path) -> None:
    pictures = [decode(path, str(path)) for path in (kept, again)]
    if pictures[0].shape == pictures[1].shape:
        distance = np.abs(pictures[0].astype(np.int16) - pictures[1])
        if not distance.any():
            return
        share = 100 * (distance.max(axis=-1) > 0).mean()
        difference = f"{share:.3g} % of their pixels differ, by {distance.max()} of 255 at most"
    else:
        difference = f"they are {pictures[0].shape[1]}x{pictures[0].shape[0]} and "
        difference += f"{pictures[1].shape[1]}x{pictures[1].shape[0]} pixels"
    raise ValueError(
        f"picture {record.rank} of {record.label!r}, attempt {record.attempt}, is another in {kept} than in {again}: "
        f"{difference}; expected one picture an item, as one kind of machine draws it; leave one of the two sets out; "
        "nothing was changed"
    )

"""Shards of one plan that have pictures of one item: (label, rank) names an item, so one picture of it is kept.

Reads sets; writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...evaluation.pictures.decode import decode
from ...evaluation.pictures.manifest import FALLBACK, Record
from .store.store import DatasetStore

_Key = tuple[str, int]
_MAX_NAMED = 5


@dataclass
class Deliveries:
    """Which set's picture is kept of each item.

    Args:
        holder: (label, rank) -> number of the source that it is taken from; items that the target keeps are not in it.
        again: how many pictures of the sources are there before, under the same item and attempt.
        redrawn: for each item with pictures of several attempts, which is kept.
    """

    holder: dict[_Key, int] = field(default_factory=dict)
    again: int = 0
    redrawn: list[str] = field(default_factory=list)

    def text(self) -> str:
        """What to tell of items that came more than once, a line for each kind; "" if none did."""
        lines = [f"{self.again:,} pictures of the plan were delivered again; one of each was kept."] * (self.again > 0)
        if self.redrawn:
            tail = f"; and {len(self.redrawn) - _MAX_NAMED:,} more" * (len(self.redrawn) > _MAX_NAMED)
            lines.append(f"Of items drawn again, the latest is kept: {'; '.join(self.redrawn[:_MAX_NAMED])}{tail}.")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Pick:
    """A picture that may be kept; `number` is its source, -1 the target."""

    number: int
    record: Record
    is_there: bool

    @property
    def order(self) -> tuple[bool, int]:
        """A picture that passed goes before one that was rejected and stays, then the latest attempt."""
        return self.record.status != FALLBACK, self.record.attempt


def choose_deliveries(
    sources: Sequence[DatasetStore], target: DatasetStore | None, on_compare: Callable[[], None] = lambda: None
) -> Deliveries:
    """Choose one picture for each item: the latest attempt that was not rejected, the first set that has it.

    Files of equal pixels are one picture: the workflow that a file carries names the set that it was made for.

    Args:
        sources: the shards of one plan; what was deleted by hand in one is taken from another.
        target: the merged set that stands, if there is one; its pictures stay.
        on_compare: called before two files are decoded.

    Raises:
        ValueError: an item's attempt has two pictures (the message says where, and how much they differ), or the
            target has another attempt than would be kept.
    """
    stores = {-1: target} if target is not None else {}
    stores |= dict(enumerate(sources))
    picks: dict[_Key, list[_Pick]] = {}
    for number, store in stores.items():
        deleted = set(store.deleted())
        for record in store.records():
            is_there = record.key not in deleted
            if number < 0 or is_there:
                picks.setdefault(record.key, []).append(_Pick(number, record, is_there))
    deliveries = Deliveries()
    for key, candidates in picks.items():
        best = max(candidates, key=lambda pick: pick.order)  # of equals the first
        if candidates[0].number < 0 and best.record.attempt != candidates[0].record.attempt:
            _refuse_other_attempt(candidates[0], best, stores)
        alike = [pick for pick in candidates if pick.record.attempt == best.record.attempt]
        deliveries.again += max(sum(pick.number >= 0 for pick in alike) - 1, 0)
        for pick in alike:
            if pick.record.sha256 != best.record.sha256 and pick.is_there and best.is_there:
                on_compare()
                _refuse_difference(pick.record, *(_file(stores, one) for one in sorted((best, pick), key=_number)))
        if candidates[0].number >= 0:
            deliveries.holder[key] = best.number
        attempts = {pick.record.attempt for pick in candidates}
        if len(attempts) > 1:
            deliveries.redrawn.append(_told(key, best, attempts, stores))
    return deliveries


def _number(pick: _Pick) -> int:
    return pick.number


def _file(stores: dict[int, DatasetStore], pick: _Pick) -> Path:
    return stores[pick.number].path(pick.record)


def _told(key: _Key, best: _Pick, attempts: Collection[int], stores: dict[int, DatasetStore]) -> str:
    others = ", ".join(str(attempt) for attempt in sorted(set(attempts) - {best.record.attempt}))
    return f"{key[0]} {key[1]}: attempt {best.record.attempt} of {stores[best.number].name!r}, not {others}"


def _refuse_other_attempt(standing: _Pick, best: _Pick, stores: dict[int, DatasetStore]) -> None:
    record = standing.record
    raise ValueError(
        f"picture {record.rank} of {record.label!r} is attempt {record.attempt} in the merged set that stands, "
        f"{stores[-1].root}, and attempt {best.record.attempt} in {stores[best.number].root}; expected one picture "
        "an item; merge under a new name, which takes the latest that was not rejected; nothing was changed"
    )


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

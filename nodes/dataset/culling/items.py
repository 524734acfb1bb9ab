"""Which items of a set a text names: numbers and ranges as on a contact sheet, ranks of a class, whole classes.

Reads and writes nothing but the open set's index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..store import DatasetStore

_RANGE = re.compile(r"^(\d{1,9})(?:\s*-\s*(\d{1,9}))?$", re.ASCII)


def number_of(store: DatasetStore, label: str, rank: int) -> int:
    """The number that sheets show for an item: classes take turns, so it stays when pictures go or come."""
    return rank * len(store.labels) + store.labels.index(label)


def select_items(store: DatasetStore, text: str) -> set[tuple[str, int]]:
    """(label, rank) of the items that `text` names and that have a picture.

    Args:
        text: parts divided by commas or line breaks, each one of
            `12` or `12-20`, numbers as a contact sheet shows them;
            `cat: 3` or `cat: 3-7`, ranks within the class `cat`;
            `cat: *`, the whole class.

    Raises:
        ValueError: a part is none of these, names an unknown class, or has no picture.
    """
    chosen: set[tuple[str, int]] = set()
    label = ""
    for part in _parts(text):
        if ":" in part and not _is_label(store, part):
            label, _, part = (piece.strip() for piece in part.rpartition(":"))
            _check_label(store, label)
            chosen |= _of_class(store, label, part)
        else:
            chosen |= _by_number(store, part)
    if not chosen:
        raise ValueError("items is empty; expected numbers such as 3, 12-20, or cat: 5, or cat: *; see a contact sheet")
    return chosen


def _parts(text: str) -> Iterator[str]:
    for part in re.split(r"[,\n]", text):
        if part.strip():
            yield part.strip()


def _is_label(store: DatasetStore, part: str) -> bool:
    return part in store.labels


def _check_label(store: DatasetStore, label: str) -> None:
    if label not in store.labels:
        known = ", ".join(ascii(name) for name in store.labels[:10])
        raise ValueError(f"class is {label!a}; expected one of the set's: {known}; write <class>: <ranks>")


def _of_class(store: DatasetStore, label: str, ranks: str) -> set[tuple[str, int]]:
    if ranks == "*":
        return {(label, rank) for rank in store.manifest.index.ranks(label)}
    first, last = _range(ranks)
    found = {(label, rank) for rank in store.manifest.index.ranks(label) if first <= rank <= last}
    if not found:
        raise ValueError(f"items names {label!a}: {ranks}, which has no picture; expected a rank that the set has")
    return found


def _by_number(store: DatasetStore, part: str) -> set[tuple[str, int]]:
    first, last = _range(part)
    labels = store.labels
    found = {
        (label, rank)
        for place, label in enumerate(labels)
        for rank in store.manifest.index.ranks(label)
        if first <= rank * len(labels) + place <= last
    }
    if not found:
        raise ValueError(f"items names {part}, which has no picture; expected a number that a contact sheet shows")
    return found


def _range(text: str) -> tuple[int, int]:
    match = _RANGE.match(text)
    if match is None:
        raise ValueError(f"items has {text[:60]!a}; expected numbers such as 3 or 12-20, cat: 5, or cat: *")
    first = int(match[1])
    last = int(match[2]) if match[2] else first
    if last < first:
        raise ValueError(f"items has {text!a}, which ends before it begins; expected the smaller number first")
    return first, last

"""Which items of a set a text names: numbers and ranges as on a contact sheet, ranks of a class, whole classes.

Reads the open set's index; rejecting by hand marks what was named.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from ..store.store import DatasetStore
from ..store.writable_store import WritableStore
from .marks import Mark, mark

_RANGE = r"\d{1,9}(?:[ \t]*-[ \t]*\d{1,9})?"


def reject_by_hand(store: WritableStore, text: str, turn: int, attempts: int) -> str:
    """Reject what `text` names, each item once a turn, and say what was done.

    A graph that generates and rejects is queued again and again: without turns each new picture would be rejected too.
    """
    if not text.strip():
        return "Nothing was named, nothing was rejected."
    reason = f"by hand, round {turn}"
    rejected_before = {rejection.record.key for rejection in store.rejections() if rejection.reason == reason}
    chosen = select_items(store, text, rejected_before)
    report = mark(store, {key: Mark(reason) for key in chosen - rejected_before}, attempts).report()
    repeated = len(chosen & rejected_before)
    if not repeated:
        return report
    return (
        f"{report} {repeated} were rejected in round {turn} already and are left alone; "
        "raise round to reject them again."
    )


def number_of(store: DatasetStore, label: str, rank: int) -> int:
    """The number that sheets show for an item: classes take turns, so it stays when pictures go or come."""
    return rank * len(store.labels) + store.labels.index(label)


def select_items(
    store: DatasetStore, text: str, without_picture: Collection[tuple[str, int]] = ()
) -> set[tuple[str, int]]:
    """(label, rank) of the items that `text` names and that have a picture.

    Args:
        text: parts divided by commas or line breaks, each one of
            `12` or `12-20`, numbers as a contact sheet shows them;
            `cat: 3` or `cat: 3-7`, ranks within the class `cat`;
            `cat: *`, the whole class.
        without_picture: items that may be named though they have no picture now.

    Raises:
        ValueError: a part is none of these, names an unknown class, or has no picture.
    """
    class_indices = {label: index for index, label in enumerate(store.labels)}
    keys = set(store.keys()) | set(without_picture)
    chosen: set[tuple[str, int]] = set()
    for label, numbers in _parts(store.labels, text):
        first, last = _range(numbers)
        if label:
            matches = {key for key in keys if key[0] == label and first <= key[1] <= last}
        else:
            matches = {key for key in keys if first <= key[1] * len(class_indices) + class_indices[key[0]] <= last}
        if not matches:
            part = f"{label}: {numbers}" if label else numbers
            raise ValueError(f"selection names {part!r}, which has no picture; expected a number that a sheet shows")
        chosen |= matches
    if not chosen:
        raise ValueError("selection is empty; expected numbers such as 3, 12-20, or cat: 5, or cat: *; see a sheet")
    return chosen


def _parts(labels: Collection[str], text: str) -> Iterator[tuple[str, str]]:
    """(label or "", range) of each part; a label may hold commas and colons itself."""
    names = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    part = re.compile(rf"[\s,]*(?:(?:({names})[ \t]*:[ \t]*)(\*|{_RANGE})|({_RANGE}))[ \t\r]*(?=[,\n]|$)", re.ASCII)
    offset = 0
    while text[offset:].strip(" \t\r\n,"):
        match = part.match(text, offset)
        if match is None:
            classes = ", ".join(repr(label) for label in list(labels)[:10])
            raise ValueError(
                f"selection has {text[offset : offset + 60].strip()!r}; expected numbers such as 3 or 12-20, "
                f"<class>: 5 or <class>: *, divided by commas; the classes are {classes}"
            )
        yield match[1] or "", match[2] or match[3]
        offset = match.end()


def _range(text: str) -> tuple[int, int]:
    if text == "*":
        return 0, 10**9  # above MAX_RANK: every item
    first, _, last = text.partition("-")
    ends = int(first), int(last or first)
    if ends[1] < ends[0]:
        raise ValueError(f"selection has {text!r}, which ends before it begins; expected the smaller number first")
    return ends

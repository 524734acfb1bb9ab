"""The pictures of a set as a list for the page, in which people mark by clicking what Reject Items is to take out.

Reads an open set; writes nothing.
"""

from __future__ import annotations

from typing import Any

from ....evaluation.pictures.manifest import FALLBACK, UNCHECKED, Record
from ..store.store import DatasetStore

MAX_LISTED = 10_000  # pictures, about 5 MB of text; a judgement


def listing(store: DatasetStore, subfolder: str) -> dict[str, Any]:
    """Every picture by its number, and the rejected items that have none now; the first MAX_LISTED of them.

    Args:
        subfolder: the set's folder below output/, for the page to show its pictures.
    """
    indices = {label: index for index, label in enumerate(store.labels)}

    def number(key: tuple[str, int]) -> int:
        label, rank = key
        return rank * len(indices) + indices[label]  # as items.number_of, for all of a large set

    latest = {entry.record.key: entry.record for entry in store.rejections() if entry.record.label in indices}
    gone = {number(key): record for key, record in latest.items() if not store.has(*key)}
    keys = {number(key): key for key in store.keys(in_turn=False)}
    numbers = sorted([*keys, *gone])[:MAX_LISTED]
    records = store.records_of(keys[item] for item in numbers if item in keys)
    entries = {number(record.key): _entry(record) for record in records}
    entries |= {item: {**_entry(gone[item]), "file": ""} for item in numbers if item in gone}
    return {
        "subfolder": subfolder,
        "labels": list(store.labels),
        "total": len(keys) + len(gone),
        "pictures": [{"number": item, **entries[item]} for item in sorted(entries)],
    }


def _entry(record: Record) -> dict[str, Any]:
    """What the page shows of one picture."""
    notes = ["every attempt was rejected; the best stays"] if record.status == FALLBACK else []
    if record.check != UNCHECKED:
        notes.append(f"label check: {record.check}, {100 * record.check_probability:.0f} %, {record.check_predicted}")
    return {
        "file": record.file_name,
        "label": record.label,
        "rank": record.rank,
        "attempt": record.attempt,
        "seed": str(record.seed),  # above 2**53 the page's numbers are not exact
        "prompt": record.prompt,
        "negative": record.negative,
        "picks": [[pick.slot, pick.option] for pick in record.picks if pick.slot],
        "notes": notes,
    }

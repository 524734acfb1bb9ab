"""Pictures of a set as arrays, and what is known of them as a table.

Reads pictures and manifest of a set; writes nothing.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

import numpy as np

from ...evaluation.pictures.decode import CorruptPicture, decode
from ...evaluation.pictures.manifest import Record
from ...evaluation.pictures.resize import resize
from .store.store import DamagedPicture, DatasetStore

MAX_TABLE_ROWS = 10_000  # a judgement: the table is a text for people; exports hold every row
COLUMNS = ("file_name", "label", "rank", "attempt", "status", "check", "seed", "width", "height", "prompt")


@dataclass(frozen=True, slots=True)
class Batch:
    """`images`: [B, H, W, 3] uint8; `records`: what is known of each."""

    images: np.ndarray
    records: tuple[Record, ...]


def load_batch(
    store: DatasetStore, number: int, batch_size: int, size: int = 0, include_fallbacks: bool = False
) -> Batch:
    """Batch `number` of the set, classes in turn.

    Args:
        size: side in pixels that pictures are resized to (bicubic), 0 for their own.
        include_fallbacks: also pictures that stay although every attempt was rejected.

    Raises:
        ValueError: there is no such batch, or the pictures differ in size and `size` is 0.
        DamagedPicture: a picture is missing or corrupt.
    """
    keys = store.keys(include_fallbacks=include_fallbacks)
    batches = -(-len(keys) // batch_size)
    if not keys:
        raise ValueError(f"data set {store.name!r} has no pictures; expected at least one; generate some first")
    if number >= batches:
        raise ValueError(f"batch_number is {number}; expected 0 to {batches - 1} for {len(keys)} pictures")
    records = store.records_of(keys[number * batch_size : (number + 1) * batch_size])
    pictures = [read_picture(store, record) for record in records]
    if size:
        pictures = [resize(picture, size) for picture in pictures]
    sizes = sorted({picture.shape[:2] for picture in pictures})
    if len(sizes) > 1:
        listed = ", ".join(f"{width}x{height}" for height, width in sizes[:4])
        raise ValueError(f"pictures are of sizes {listed}; expected one size for a batch; set size")
    return Batch(np.stack(pictures), tuple(records))


def read_picture(store: DatasetStore, record: Record) -> np.ndarray:
    """The pixels of one picture, uint8 [H, W, 3].

    Raises:
        DamagedPicture: it is missing or corrupt.
        ValueError: it is a link.
    """
    try:
        return decode(store.read(record), record.file_name)
    except CorruptPicture:
        raise DamagedPicture(record.file_name, store.name, "cannot be decoded") from None


def table_of(store: DatasetStore, include_fallbacks: bool = False) -> str:
    """CSV with a head line, classes in turn; the first MAX_TABLE_ROWS pictures of larger sets."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in store.records_of(store.keys(include_fallbacks=include_fallbacks)[:MAX_TABLE_ROWS]):
        writer.writerow([getattr(record, column) for column in COLUMNS])
    return out.getvalue()

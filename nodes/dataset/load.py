"""Pictures of a set as arrays, and what is known of them as a table.

Reads pictures and manifest of a set; writes nothing.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

import numpy as np

from ...evaluation.pictures.decode import decode, resize
from .store.record import Line
from .store.store import DatasetStore

LONGEST_TABLE = 10_000
COLUMNS = ("file_name", "label", "rank", "try", "status", "check", "seed", "width", "height", "prompt")


@dataclass(frozen=True, slots=True)
class Batch:
    """`images`: [B, H, W, 3] uint8; `lines`: what is known of each."""

    images: np.ndarray
    lines: tuple[Line, ...]


def load_batch(store: DatasetStore, number: int, batch_size: int, size: int = 0, kept: bool = False) -> Batch:
    """Batch `number` of the set, classes in turn.

    Args:
        size: side in pixels that pictures are resized to (bicubic), 0 for their own.
        kept: also pictures that stay although every try was rejected.

    Raises:
        ValueError: there is no such batch, or the pictures differ in size and `size` is 0.
        evaluation.pictures.decode.CorruptPicture: a picture is missing or torn.
    """
    keys = store.keys(kept=kept)
    batches = -(-len(keys) // batch_size)
    if not keys:
        raise ValueError(f"data set {store.name!r} has no pictures; expected at least one; generate some first")
    if number >= batches:
        raise ValueError(f"batch_number is {number}; expected 0 to {batches - 1} for {len(keys)} pictures")
    lines = store.lines_of(keys[number * batch_size : (number + 1) * batch_size])
    pictures = [decode(store.path(line), line.file_name) for line in lines]
    if size:
        pictures = [resize(picture, size) for picture in pictures]
    sizes = sorted({picture.shape[:2] for picture in pictures})
    if len(sizes) > 1:
        shown = ", ".join(f"{width}x{height}" for height, width in sizes[:4])
        raise ValueError(f"pictures are of sizes {shown}; expected one size for a batch; set size")
    return Batch(np.stack(pictures), tuple(lines))


def table_of(store: DatasetStore, kept: bool = False) -> str:
    """CSV with a head line, classes in turn; the first LONGEST_TABLE pictures of larger sets."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in store.lines_of(store.keys(kept=kept)[:LONGEST_TABLE]):
        known = (line.file_name, line.label, line.rank, line.attempt, line.status, line.check, line.seed)
        writer.writerow([*known, line.width, line.height, line.prompt])
    return out.getvalue()

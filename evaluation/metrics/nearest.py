"""Of each picture of a set the nearest of another one, by the difference hash and by the cosine of features.

Reads pictures; writes nothing. Small changes (another size, another compression, a mirror) are found by the hash, which
the grey copies confirm; what a network sees alike by its features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..pictures.labelled_images import LabelledImages
from ..pictures.perceptual import MAX_DIFFERENT_BITS, bit_count, hash_and_mirrored
from ..pictures.threads import in_threads
from ..progress import Progress

BITS = (
    0,
    MAX_DIFFERENT_BITS,
    8,
)  # of 64, at which copies are counted; the last are near
TOLERANCE = 4.0  # mean difference of the grey copies, 0..255, as Verify Dataset's
_BLOCK = 4_000_000  # comparisons at once: 32 MB


@dataclass(frozen=True, eq=False)
class Nearest:
    """Of each picture of the first set the nearest of the second.

    Args:
        index: int64 [N], its number in the second set; -1 where none is near.
        value: float64 [N]: differing bits (64 where none is near), or the cosine.
    """

    index: np.ndarray
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class Hashes:
    """bits uint64 [N], mirrored uint64 [N] of the picture seen in a mirror, grey and mirrored_grey uint8 [N,256]."""

    bits: np.ndarray
    mirrored: np.ndarray
    grey: np.ndarray
    mirrored_grey: np.ndarray


def hash_pictures(images: LabelledImages, progress: Progress | None = None) -> Hashes:
    """The difference hash of every picture, as it is and mirrored.

    Args:
        progress: called with (done, total) from the calling thread; what it raises stops the work.
    """

    def both(i: int) -> tuple[int, int, np.ndarray, np.ndarray]:
        plain, mirrored = hash_and_mirrored(images.read(i))
        return plain.bits, mirrored.bits, plain.grey.reshape(-1), mirrored.grey.reshape(-1)

    bits, mirrored, grey, mirrored_grey = zip(*in_threads(both, len(images), progress), strict=True)
    return Hashes(np.array(bits, np.uint64), np.array(mirrored, np.uint64), np.stack(grey), np.stack(mirrored_grey))


def nearest_by_hash(first: Hashes, second: Hashes, progress: Progress | None = None) -> Nearest:
    """The nearest by differing bits, of the mirrored as of the plain picture, that the grey copies confirm.

    Up to the last of BITS may differ, and the grey copies by TOLERANCE in the mean: what is flat has few bits that
    mean something, and its grey copy tells it from others.
    """
    index = np.full(len(first.bits), -1, dtype=np.int64)
    value = np.full(len(first.bits), 64.0)
    for rows, columns, bits in _near_pairs(first, second, progress):
        order = np.lexsort((columns, bits, rows))  # of each row the fewest bits first, of equal ones the first picture
        nearest_of, places = np.unique(rows[order], return_index=True)
        columns, bits = columns[order][places], bits[order][places]
        nearer = bits < value[nearest_of]
        value[nearest_of[nearer]], index[nearest_of[nearer]] = bits[nearer], columns[nearer]
    return Nearest(index, value)


def repeats_by_hash(hashes: Hashes, progress: Progress | None = None) -> np.ndarray:
    """bool [N]: pictures with a near copy by hash before them in their own set, equal ones included."""
    repeats = np.zeros(len(hashes.bits), dtype=bool)
    for rows, columns, _ in _near_pairs(hashes, hashes, progress):
        repeats[rows[columns < rows]] = True
    return repeats


def _near_pairs(
    first: Hashes, second: Hashes, progress: Progress | None
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Block by block the pairs [pairs] that hash and grey copies confirm: rows, columns, and their differing bits."""
    step = max(1, _BLOCK // len(second.bits))
    for start in range(0, len(first.bits), step):
        for bits, grey in ((second.bits, second.grey), (second.mirrored, second.mirrored_grey)):
            different = bit_count(first.bits[start : start + step, None] ^ bits[None, :])  # [rows, M]
            near, columns = np.nonzero(different <= BITS[-1])
            confirmed = _grey_gaps(first.grey, near + start, grey, columns) <= TOLERANCE
            near, columns = near[confirmed], columns[confirmed]
            yield near + start, columns, different[near, columns]
        if progress is not None:
            progress(min(start + step, len(first.bits)), len(first.bits))


def _grey_gaps(first: np.ndarray, rows: np.ndarray, second: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Mean differences of pairs of grey copies [pairs], a few thousand pairs at a time."""
    gaps = np.empty(len(rows))
    for start in range(0, len(rows), 4096):
        part = slice(start, start + 4096)
        pair = first[rows[part]].astype(np.int16) - second[columns[part]]
        gaps[part] = np.abs(pair).mean(axis=1)
    return gaps


def nearest_by_features(first: np.ndarray, second: np.ndarray | None, progress: Progress | None = None) -> Nearest:
    """The nearest by the cosine of features [N,d] and [M,d]; a picture without features (all 0) is near to none.

    Args:
        second: None compares the first set with itself, each picture with all others.
    """
    x = unit_rows(first)
    y = x if second is None else unit_rows(second)
    index, value = np.empty(len(x), dtype=np.int64), np.empty(len(x))
    step = max(1, _BLOCK // len(y))
    for start in range(0, len(x), step):
        cosines = x[start : start + step] @ y.T  # [rows, M]
        rows = np.arange(len(cosines))
        if second is None:
            cosines[rows, start + rows] = -1
        index[start : start + step] = best = cosines.argmax(axis=1)
        value[start : start + step] = cosines[rows, best]
        if progress is not None:
            progress(min(start + step, len(x)), len(x))
    return Nearest(index, value)


def unit_rows(features: np.ndarray) -> np.ndarray:
    """The rows of features [N,d] at length 1, float32; a row of zeros stays one."""
    x = np.asarray(features, dtype=np.float32)
    unit: np.ndarray = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return unit

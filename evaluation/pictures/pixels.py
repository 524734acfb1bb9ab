"""Digests of pixels: equal pictures have equal ones, whatever files or formats they lie in. Counting what sets share.

A digest is known once the picture was decoded for anything, for as long as its source is in use; a picture whose small
copy was kept from before is decoded for it. The digests of a whole set are kept beside its small copies.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import MutableMapping
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np

from ..files import replacing

logger = logging.getLogger("hyponet")

_known: WeakKeyDictionary[object, dict[int, int]] = WeakKeyDictionary()
_lock = threading.Lock()


def pixel_digest(picture: np.ndarray) -> int:
    """64 bits of shape and pixels of a uint8 picture [H,W,3]; two of a million others agree with a chance of 3e-8."""
    digest = hashlib.blake2b(str(picture.shape).encode(), digest_size=8)
    digest.update(np.ascontiguousarray(picture).data)
    return int.from_bytes(digest.digest(), "little")


def known_digests(source: object) -> MutableMapping[int, int]:
    """Index -> digest of the pictures of a source that were decoded so far; kept for as long as the source is."""
    with _lock:
        return _known.setdefault(source, {})


def count_shared(digests: np.ndarray, others: np.ndarray) -> int:
    """How many pictures of one set are in another: uint64 [N] and [M]; one that is twice in the first counts twice."""
    return int(np.isin(digests, others).sum())


def count_repeated(digests: np.ndarray) -> int:
    """How many pictures of a set, uint64 [N], are there before."""
    return len(digests) - len(np.unique(digests))


def overlap_text(shared: int | None, count: int, what: str, where: str) -> str:
    """`12 of 24 test pictures are of its training set`; nothing where none is shared or nobody knows."""
    return f"{shared:,} of {count:,} {what} {where}" if shared else ""


def stored_digests(path: Path, count: int) -> np.ndarray | None:
    """The digests that were kept at `path`, uint64 [count]; None where they are not there or not whole."""
    try:
        if path.stat().st_size == 8 * count:
            return np.fromfile(path, np.uint64)
    except FileNotFoundError:
        return None
    except OSError as error:
        logger.warning("%s cannot be read: %s", path, error)
        return None
    logger.warning("%s is damaged and is made again", path)
    return None


def store_digests(path: Path, digests: np.ndarray) -> None:
    """Keep digests at `path`; a full disk costs only that they are made again."""
    try:
        with replacing(path) as temporary:
            digests.tofile(temporary)
    except OSError as error:
        logger.warning("the digests of pictures could not be kept in %s: %s", path, error)

"""Which pictures of our sets are equal pixel by pixel, whatever metadata or format their files have.

Reads the pictures; writes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from ...evaluation.disk_errors import reading
from ...evaluation.pictures.decode import CorruptPicture, decode
from ...evaluation.pictures.manifest import Record
from ...evaluation.pictures.pixels import count_repeated, pixel_digest
from ...evaluation.pictures.threads import in_threads
from ...evaluation.progress import Progress
from .store.store import DatasetStore

MAX_KNOWN = 1_000_000  # files, of about 200 bytes each here
_known: dict[tuple[int, int, int, int], int] = {}


def count_repeated_in(stores: Sequence[DatasetStore], progress: Progress | None = None) -> tuple[int, int]:
    """How many pictures the sets have, and how many of them are there before, in the same set or another.

    Args:
        progress: called with (done, total) over all sets; what it raises stops the work.
    """
    total, digests = sum(map(len, stores)), np.empty(0, np.uint64)
    for store in stores:
        before = len(digests)

        def say(done: int, _: int, before: int = before) -> None:
            if progress is not None:
                progress(before + done, total)

        digests = np.concatenate([digests, pixel_digests(store, list(store.records()), say)])
    return len(digests), count_repeated(digests)


def pixel_digests(store: DatasetStore, records: Sequence[Record], progress: Progress | None = None) -> np.ndarray:
    """uint64 [N]: equal for equal pictures; that of a file that is missing or damaged is of its manifest's hash.

    Args:
        progress: called with (done, total); what it raises stops the work.

    Raises:
        UnreadableFile: the disk does not give a file.
    """

    def digest(index: int) -> int:
        record = records[index]
        path = store.path(record)
        try:
            with reading(path):
                status = path.stat()
            file = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)  # links are one file
            if file not in _known:
                _known[file] = pixel_digest(decode(path, record.file_name))
            return _known[file]
        except (CorruptPicture, FileNotFoundError):
            text = record.sha256 or str(path)  # a hash that a person may have changed or emptied
            return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little")

    if len(_known) > MAX_KNOWN:
        _known.clear()
    return np.fromiter(in_threads(digest, len(records), progress), np.uint64)

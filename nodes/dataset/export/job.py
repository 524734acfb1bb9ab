"""What every export is given: the set, the lines that go out, where to, and how to report.

Reads pictures of the set; writes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ....evaluation.pictures.manifest import Record
from ....evaluation.progress import Progress
from ..store.store import DamagedPicture, DatasetStore


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One export under way.

    Args:
        store: the set, open for reading.
        name: how files are called.
        folder: where they go; empty.
        records: what is exported, classes in turn, so that every shard holds all classes.
        shard_size: pictures in one tar or Parquet file.
    """

    store: DatasetStore
    name: str
    folder: Path
    records: tuple[Record, ...]
    shard_size: int
    progress: Progress

    def pictures(self) -> Iterator[tuple[int, Record, bytes]]:
        """(number from 0, record, file's bytes) of each picture.

        Raises:
            DamagedPicture: a picture is missing, which is noticed before the first is read, or is not the one that
                was written.
            OSError: a picture cannot be read.
        """
        for record in self.records:
            if not self.store.path(record).exists():
                raise DamagedPicture(record.file_name, self.store.name, "is missing")
        for number, record in enumerate(self.records):
            content = self.store.read(record)
            if hashlib.sha256(content).hexdigest() != record.sha256:
                raise DamagedPicture(record.file_name, self.store.name, "was changed (its sha256 is another)")
            yield number, record, content
            self.progress(number + 1, len(self.records))

    def shards(self) -> int:
        """How many files of `shard_size` pictures the export fills."""
        return -(-len(self.records) // self.shard_size)

    def label_numbers(self) -> dict[str, int]:
        """label -> number, in the set's order of classes."""
        return {label: number for number, label in enumerate(self.store.labels)}

"""What every export is given: the set, the lines that go out, where to, and how to report.

Reads pictures of the set; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ....evaluation.pictures.manifest import Record
from ....evaluation.progress import Progress
from ..store.store import DatasetStore


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
            ValueError: a picture is missing.
        """
        for number, record in enumerate(self.records):
            try:
                content = self.store.path(record).read_bytes()
            except FileNotFoundError:
                raise ValueError(
                    f"picture {record.file_name} is missing; expected every listed picture; run Verify Dataset first"
                ) from None
            yield number, record, content
            self.progress(number + 1, len(self.records))

    def shards(self) -> int:
        """How many files of `shard_size` pictures the export fills."""
        return -(-len(self.records) // self.shard_size)

    def label_numbers(self) -> dict[str, int]:
        """label -> number, in the set's order of classes."""
        return {label: number for number, label in enumerate(self.store.labels)}

"""What every export is given: the set, the lines that go out, where to, and how to report.

Reads pictures of the set; writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..store.record import Line
from ..store.store import DatasetStore


@dataclass(frozen=True, slots=True)
class Job:
    """One export under way.

    Args:
        store: the set, open for reading.
        name: how files are called.
        folder: where they go; empty.
        lines: what is exported, classes in turn, so that every shard holds all classes.
        shard_size: pictures in one tar or Parquet file.
        progress: called with (done, total).
    """

    store: DatasetStore
    name: str
    folder: Path
    lines: tuple[Line, ...]
    shard_size: int
    progress: Callable[[int, int], None]

    def pictures(self) -> Iterator[tuple[int, Line, bytes]]:
        """(place, line, file's bytes) of each picture.

        Raises:
            ValueError: a picture is missing.
        """
        for place, line in enumerate(self.lines):
            try:
                data = self.store.path(line).read_bytes()
            except FileNotFoundError:
                raise ValueError(
                    f"picture {line.file_name} is missing; expected every listed picture; run Verify Dataset first"
                ) from None
            yield place, line, data
            self.progress(place + 1, len(self.lines))

    def shards(self) -> int:
        return -(-len(self.lines) // self.shard_size)

    def label_numbers(self) -> dict[str, int]:
        """label -> number, in the set's order of classes."""
        return {label: number for number, label in enumerate(self.store.labels)}

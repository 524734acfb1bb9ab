"""What every export is given: the set, the lines that go out, where to, how to report, and what an earlier try left.

Reads pictures of the set; writes notes on finished files, which are gone when the export is.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ....evaluation.disk_errors import refuse_to_go_on
from ....evaluation.files import delete_file, file_sha256, is_there, read_file
from ....evaluation.pictures.manifest import Record
from ....evaluation.progress import Progress
from ..store.store import DamagedPicture, DatasetStore

_NOTE = ".finished"  # behind the name of a file: the note that it is whole, and of what


@dataclass(frozen=True, slots=True)
class Shard:
    """Part of the pictures, for one file; `start` is the number of its first."""

    index: int
    start: int
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One export under way.

    Args:
        store: the set, open for reading.
        name: how files are called.
        folder: where they go; holds what an earlier try left, of whatever it was.
        records: what is exported, classes in turn, so that every shard holds all classes.
        shard_size: pictures in one tar or Parquet file.

    Attributes:
        placed: the files of this export.
        kept: the pictures that need not be written, as an earlier try left them.
        digests: the hashes of finished files that are known already.
    """

    store: DatasetStore
    name: str
    folder: Path
    records: tuple[Record, ...]
    shard_size: int
    progress: Progress
    placed: set[Path] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    digests: dict[Path, str] = field(default_factory=dict)

    def place(self, file_name: str) -> Path:
        """The file <folder>/<file_name> of this export, which may be there already; its folder is made."""
        path = self.folder / file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.placed.add(path)
        return path

    def keep(self, records: Iterable[Record]) -> None:
        """Note that these pictures are out already, compared with the set."""
        self.kept.update(record.file_name for record in records)

    def remove_others(self) -> None:
        """Delete what an earlier try left in the folder and this one did not place."""
        for folder, folders, names in os.walk(self.folder, topdown=False, onerror=refuse_to_go_on):
            for path in (Path(folder, name) for name in (*folders, *names)):
                if path.is_dir() and not path.is_symlink():
                    if not os.listdir(path):
                        path.rmdir()
                elif path not in self.placed:
                    delete_file(path)

    def refuse_missing(self) -> None:
        """Raise DamagedPicture where a picture is missing, before the first goes out."""
        for record in self.records:
            if not is_there(self.store.path(record)):
                raise DamagedPicture(record.file_name, self.store.name, "is missing")

    def read(self, record: Record) -> bytes:
        """The bytes of a picture.

        Raises:
            DamagedPicture: it is missing, or not the one that was written.
            OSError: it cannot be read.
        """
        content = self.store.read(record)
        if hashlib.sha256(content).hexdigest() != record.sha256:
            raise DamagedPicture(record.file_name, self.store.name, "was changed (its sha256 is another)")
        return content

    def say(self, count: int) -> None:
        """Report that `count` pictures are out, of all; it may raise to stop the export."""
        self.progress(count, len(self.records))

    def shards(self) -> list[Shard]:
        """The pictures in parts of `shard_size`."""
        starts = range(0, len(self.records), self.shard_size)
        return [Shard(n, start, self.records[start : start + self.shard_size]) for n, start in enumerate(starts)]

    def unfinished(self, places: Sequence[Path]) -> Iterator[tuple[Shard, Path]]:
        """(shard, its file) of those that have to be written; each is noted as finished when the next is asked for.

        Args:
            places: a file for each of `shards`.
        """
        for shard, path in zip(self.shards(), places, strict=True):
            note = path.with_name(path.name + _NOTE)
            key = self._key(shard)
            if self._is_whole(path, note, key):
                self.keep(shard.records)
                self.say(shard.start + len(shard.records))
                continue
            note.unlink(missing_ok=True)
            self.digests.pop(path, None)  # of what lies there until now
            yield shard, path
            note.write_text(f"{key} {self.digest(path)}", "ascii")

    def digest(self, path: Path, progress: Progress | None = None) -> str:
        """The SHA-256 of a finished file, which is read once.

        Args:
            progress: called with (bytes read, bytes in all); what it raises stops the work.

        Raises:
            OSError: it cannot be read.
        """
        if path not in self.digests:
            self.digests[path] = file_sha256(path, progress)
        return self.digests[path]

    def _is_whole(self, path: Path, note: Path, key: str) -> bool:
        """Whether an earlier try finished this file from the same records, and it is as it was then."""
        try:
            return read_file(note).decode("ascii", "replace") == f"{key} {self.digest(path)}"
        except FileNotFoundError:
            return False

    def _key(self, shard: Shard) -> str:
        """A hash over all that decides a shard's file, but for the form, which the file's name tells."""
        total = hashlib.sha256(f"{shard.start}\n{json.dumps(self.label_numbers())}\n".encode())
        for record in shard.records:
            total.update(record.to_bytes())
        return total.hexdigest()

    def label_numbers(self) -> dict[str, int]:
        """label -> number, in the set's order of classes."""
        return {label: number for number, label in enumerate(self.store.labels)}

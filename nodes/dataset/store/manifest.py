"""The manifest `metadata.jsonl` of one set: which pictures it has. Appending a line is what commits a picture.

Reads and writes that one file, and a new copy of it in the work folder when lines have to change.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from ....evaluation.disk_errors import reading, writing
from ....evaluation.files import is_there, replacing
from ....evaluation.pictures.manifest import (
    MANIFEST,
    Record,
    is_torn,
    misplaced,
    parse,
)
from ....evaluation.pictures.placed_lines import Starts, placed_heads
from .damage import salvage
from .index import Index

logger = logging.getLogger("hyponet")

_BLOCK_BYTES = 256 << 10  # read at once while scanning; eight megabytes, which no cache holds, take a quarter longer
_SYNC_SECONDS = 5.0  # at most so much is lost when the power fails; a sync a picture would halve the speed


class ChangedMeanwhile(OSError):
    """The manifest was changed by another program while this one was writing it."""


class Manifest:
    """The file, its index, and what a scan saw wrong.

    Args:
        root: the set's folder; the file need not exist.
        work: where a new copy is written, on the same disk.
        rejected: (label, rank) -> highest rejected attempt. A line of just that is superfluous: a crash left it
            behind while items were being rejected.
        folders: label -> class folder, as dataset.json has them.

    Attributes:
        folders: as given; to be replaced when a class is added.
        index: which item has which attempt.
        damage: line number -> what is wrong with the line, as the file was when it was opened.
        superfluous: lines that repeat an item, or whose attempt was rejected.
        end: length in bytes up to the end of the last whole line.
    """

    def __init__(
        self, root: Path, work: Path, rejected: Mapping[tuple[str, int], int], folders: Mapping[str, str]
    ) -> None:
        self.path = root / MANIFEST
        self.folders = folders
        self.index = Index()
        self.damage: dict[int, str] = {}
        self.superfluous = 0
        self.end = 0
        self._work = work
        self._rejected = rejected
        self._file: int | None = None
        self._has_torn_end = False
        self._synced = time.monotonic()
        self._scan()

    def records(self) -> Iterator[Record]:
        """Every picture's record, in the order of the file; of lines for one item the first of its attempt counts."""
        yielded: set[tuple[str, int]] | None = set() if self.superfluous else None
        for line in self._lines():
            record = self._usable(line)
            if record is None or self.index.attempt(*record.key) != record.attempt:
                continue
            if yielded is not None:
                if record.key in yielded:
                    continue
                yielded.add(record.key)
            yield record

    def recover(self) -> None:
        """Make a file without damaged lines fit to be appended to: a torn last line goes, so do superfluous ones."""
        if not is_there(self.path):
            return
        if self.path.stat().st_size > self.end:
            logger.warning("dropped an incomplete last line of %s", self.path)
            with writing(self.path), open(self.path, "r+b") as file:
                file.truncate(self.end)
        with reading(self.path), open(self.path, "rb") as file:
            file.seek(max(0, self.end - 1))
            lacks_line_break = self.end > 0 and file.read(1) != b"\n"
        if self.superfluous or lacks_line_break:
            logger.warning("%s has %d superfluous lines; rewriting it", self.path, self.superfluous)
            self.rewrite(lambda record: record)

    def mend(self) -> None:
        """Take damaged lines out, but for what can still be read of them."""
        if is_there(self.path):
            records = salvage(self._lines(), Record.from_columns)
            self._replace(record for record in records if not misplaced(record, self.folders))

    def append(self, record: Record) -> None:
        """Commit `record`: after a failure the file is as before.

        Raises:
            ChangedMeanwhile: another program wrote the file or put another in its place.
            OSError: the disk is full or cannot be written; the message names the folder.
        """
        with writing(self.path):
            if self._file is None:
                self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
            self._refuse_another_writers_file()
            self._write(self._file, record.to_bytes())
            self.index.add([record.head()])
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(self._file)
                self._synced = time.monotonic()

    def _write(self, file: int, line: bytes) -> None:
        os.lseek(file, self.end, os.SEEK_SET)
        try:
            written = 0
            while written < len(line):
                written += os.write(file, line[written:])
        except OSError:
            self._has_torn_end = True  # unless it can be cut off; else the next line is written over it
            with contextlib.suppress(OSError):
                os.ftruncate(file, self.end)
                self._has_torn_end = False
            raise
        self.end += len(line)

    def rewrite(self, change: Callable[[Record], Record | None]) -> None:
        """Replace the file by one with `change(record)` for every record; None drops it.

        Raises:
            ChangedMeanwhile: as `append` does.
        """
        self._refuse_another_writers_file()
        changed = map(change, self.records())
        self._replace(record for record in changed if record is not None)

    def is_unchanged(self) -> bool:
        """Whether no other program wrote the file since it was opened."""
        try:
            self._refuse_another_writers_file()
        except ChangedMeanwhile:
            return False
        return True

    def _refuse_another_writers_file(self) -> None:
        """Raise where lines would be lost: editors save by renaming, or cut the file and write it again."""
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            status = None
        is_ours = self._file is None or (status is not None and os.path.samestat(os.fstat(self._file), status))
        size = 0 if status is None else status.st_size
        if not is_ours or size < self.end or (size > self.end and not self._has_torn_end):
            raise ChangedMeanwhile(
                f"{self.path} was changed by another program while the set was being written; expected nobody else to "
                "write it; close the editor or the other program and queue again: what is missing is made anew"
            )

    def _replace(self, records: Iterable[Record]) -> None:
        self.close()
        with replacing(self.path, work=self._work, durable=True, make_folder=False) as part, open(part, "wb") as file:
            file.writelines(record.to_bytes() for record in records)
        self._scan()

    def close(self) -> None:
        """Bring what was appended to the disk, and give the file back."""
        if self._file is not None:
            file, self._file = self._file, None
            try:
                with writing(self.path):
                    os.fsync(file)
            finally:
                os.close(file)

    def _scan(self) -> None:
        self.index, self.superfluous, self.end = Index(), 0, 0
        if not is_there(self.path):
            return
        number = 0
        with reading(self.path), open(self.path, "rb") as file:
            while block := file.read(_BLOCK_BYTES):
                block += file.readline()  # up to the end of a line
                if not block.endswith(b"\n"):
                    break
                number = self._scan_lines(block, number)
                self.end += len(block)
        end = block.rfind(b"\n") + 1
        whole, unfinished = block[:end], block[end:]
        if unfinished and not is_torn(unfinished):  # an editor stripped the last line break
            self._scan_lines(block + b"\n", number)
            self.end += len(block)
        elif whole:
            self._scan_lines(whole, number)
            self.end += len(whole)

    def _scan_lines(self, block: bytes, number: int) -> int:
        """Index the lines of `block`, the first of which is line `number` + 1; the number of the last."""
        usable, damage = placed_heads(block, Starts(self.folders))
        self.damage.update({number + offset + 1: str(error) for offset, error in sorted(damage.items())})
        if self._rejected:
            # a fallback's attempt was rejected before it came back; any other such line is left over from a crash
            scanned = len(usable)
            usable = [head for head in usable if head[3] or head[2] != self._rejected.get(head[:2])]
            self.superfluous += scanned - len(usable)
        self.superfluous += self.index.add(usable)
        return number + block.count(b"\n")

    def _lines(self) -> Iterator[bytes]:
        """The lines up to `end`."""
        if not is_there(self.path):
            return
        remaining = self.end
        with reading(self.path), open(self.path, "rb") as file:
            while remaining > 0 and (line := file.readline()):
                remaining -= len(line)
                yield line

    def _usable(self, line: bytes) -> Record | None:
        record = _parsed(line)
        return None if record is None or misplaced(record, self.folders) else record


def _parsed(line: bytes) -> Record | None:
    try:
        return parse(line)
    except ValueError:
        return None

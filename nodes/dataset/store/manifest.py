"""The manifest `metadata.jsonl` of one set: which pictures it has. Appending a line is what commits a picture.

Reads and writes that one file, and a new copy of it in the work folder when lines have to change.
"""

from __future__ import annotations

import logging
import os
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from ....evaluation.files import replacing
from ....evaluation.pictures.manifest import MANIFEST, Record, heads, is_blank, is_torn, parse
from .index import Index

logger = logging.getLogger("hyponet")

DAMAGED_LINES = "broken-lines.jsonl"  # in the work folder: what a recovery took out of the manifest
_BLOCK_BYTES = 256 << 10  # read at once while scanning; eight megabytes, which no cache holds, take a quarter longer
_SYNC_SECONDS = 5.0  # at most so much is lost when the power fails; a sync a picture would halve the speed


class Manifest:
    """The file, its index, and what a scan saw wrong.

    Args:
        root: the set's folder; the file need not exist.
        work: where a new copy is written, on the same disk.
        rejected: (label, rank) -> highest rejected attempt. A line up to it is superfluous: a crash left it behind
            while items were being rejected.

    Attributes:
        index: which item has which attempt.
        damage: line number -> what is wrong with the line, as the file was when it was opened.
        superfluous: lines that repeat an item, or whose attempt was rejected.
        end: length in bytes up to the end of the last whole line.
    """

    def __init__(self, root: Path, work: Path, rejected: Mapping[tuple[str, int], int]) -> None:
        self.path = root / MANIFEST
        self.index = Index()
        self.damage: dict[int, str] = {}
        self.superfluous = 0
        self.end = 0
        self._work = work
        self._rejected = rejected
        self._sharing: dict[int, str] = {}  # line number -> what is wrong: its picture is that of another item
        self._file: int | None = None
        self._synced = time.monotonic()
        self._scan()

    def records(self) -> Iterator[Record]:
        """Every picture's record, in the order of the file; of lines for one item the first of its attempt counts."""
        yielded: set[tuple[str, int]] | None = set() if self.superfluous else None
        for _, _, record in self._parsed_lines():
            if record is None or self.index.attempt(*record.key) != record.attempt:
                continue
            if yielded is not None:
                if record.key in yielded:
                    continue
                yielded.add(record.key)
            yield record

    def recover(self) -> None:
        """Make the file fit to be appended to: a torn last line goes, so do damaged and superfluous lines.

        Damaged lines are kept in the work folder.
        """
        if not self.path.exists():
            return
        if self.path.stat().st_size > self.end:
            logger.warning("dropped a torn last line of %s", self.path)
            with open(self.path, "r+b") as file:
                file.truncate(self.end)
        with open(self.path, "rb") as file:
            file.seek(max(0, self.end - 1))
            lacks_line_break = self.end > 0 and file.read(1) != b"\n"
        if self.damage or self.superfluous or lacks_line_break:
            for number, reason in list(self.damage.items())[:20]:
                logger.warning("%s, line %d %s", self.path, number, reason)
            logger.warning(
                "%s has %d damaged and %d superfluous lines; rewriting it",
                *(self.path, len(self.damage), self.superfluous),
            )
            with open(self._work / DAMAGED_LINES, "ab") as copy:
                damaged = (line for _, line, record in self._parsed_lines() if record is None)
                # the last one may lack its line break
                copy.writelines(line.removesuffix(b"\n") + b"\n" for line in damaged)
            self.rewrite(lambda record: record)

    def append(self, record: Record) -> None:
        """Commit `record`: after a failure the file is as before."""
        if self._file is None:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        line = record.to_bytes()
        os.lseek(self._file, self.end, os.SEEK_SET)
        try:
            written = 0
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError:
            os.ftruncate(self._file, self.end)
            raise
        self.end += len(line)
        self.index.add([record.head()])
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            os.fsync(self._file)
            self._synced = time.monotonic()

    def rewrite(self, change: Callable[[Record], Record | None]) -> None:
        """Replace the file by one with `change(record)` for every record; None drops it."""
        self.close()
        with replacing(self.path, work=self._work, durable=True, make_folder=False) as part, open(part, "wb") as file:
            for record in self.records():
                changed = change(record)
                if changed is not None:
                    file.write(changed.to_bytes())
        self._scan()

    def close(self) -> None:
        """Bring what was appended to the disk, and give the file back."""
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None

    def _scan(self) -> None:
        self._sharing = {}
        hashes = np.frombuffer(self._scan_file(), np.int64)  # [lines]
        hashes.sort()
        # A million names take a hundred megabytes, their hashes eight: names are compared only where two hashes agree.
        if np.any(hashes[1:] == hashes[:-1]):
            self._sharing = self._lines_sharing_a_file()
        if self._sharing:
            self.damage.update(self._sharing)
            self._scan_file()

    def _scan_file(self) -> array[int]:
        """Index every line but those of `_sharing`; the hashes of their file names."""
        self.index, self.superfluous, self.end = Index(), 0, 0
        hashes = array("q")
        if not self.path.exists():
            return hashes
        number = 0
        with open(self.path, "rb") as file:
            while block := file.read(_BLOCK_BYTES):
                block += file.readline()  # up to the end of a line
                if not block.endswith(b"\n"):
                    break
                number = self._scan_lines(block, number, hashes)
                self.end += len(block)
        end = block.rfind(b"\n") + 1
        whole, unfinished = block[:end], block[end:]
        if unfinished and not is_torn(unfinished):  # an editor stripped the last line break
            self._scan_lines(block + b"\n", number, hashes)
            self.end += len(block)
        elif whole:
            self._scan_lines(whole, number, hashes)
            self.end += len(whole)
        return hashes

    def _lines_sharing_a_file(self) -> dict[int, str]:
        """Line number -> what is wrong, of lines whose file is another item's by an earlier line.

        Else rejecting the one would take the picture of the other.
        """
        owners: dict[str, tuple[str, int]] = {}  # file_name -> (label, rank)
        return {
            number: f"has the file_name {record.file_name[:80]!a} of an earlier line"
            for number, _, record in self._parsed_lines()
            if record is not None and owners.setdefault(record.file_name, record.key) != record.key
        }

    def _scan_lines(self, block: bytes, number: int, hashes: array[int]) -> int:
        """Index the lines of `block`, the first of which is line `number` + 1; the number of the last."""
        if self._sharing:  # blank lines are skipped
            lines = enumerate(block.split(b"\n"), number + 1)
            block = b"\n".join(b"" if position in self._sharing else line for position, line in lines)
        usable, damage = heads(block)
        self.damage.update({number + offset + 1: str(error) for offset, error in damage.items()})
        if self._rejected:
            # a fallback's attempt was rejected before it came back; any other such line is left over from a crash
            scanned = len(usable)
            usable = [head for head in usable if head[3] or head[2] > self._rejected.get(head[:2], -1)]
            self.superfluous += scanned - len(usable)
        self.superfluous += self.index.add(usable)
        hashes.extend([hash(head[4]) for head in usable])
        return number + block.count(b"\n")

    def _parsed_lines(self) -> Iterator[tuple[int, bytes, Record | None]]:
        """Number of each line that is not blank, the line, and its record; None where it is damaged."""
        if not self.path.exists():
            return
        remaining, number = self.end, 0
        with open(self.path, "rb") as file:
            while remaining > 0 and (line := file.readline()):
                remaining, number = remaining - len(line), number + 1
                if not is_blank(line):
                    yield number, line, None if number in self._sharing else _parse(line)


def _parse(line: bytes) -> Record | None:
    try:
        return parse(line)
    except ValueError:
        return None

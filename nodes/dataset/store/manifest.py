"""The manifest `metadata.jsonl`: which pictures a set has. Appending a line is what commits a picture.

Reads and writes that one file, and a new copy of it in the work folder when lines have to change.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

from ....evaluation.files import replacing
from .record import KEPT, Line

logger = logging.getLogger("hyponet")

_TEXT = rb'"([^"\\]*(?:\\.[^"\\]*)*)"'
_HEAD = re.compile(
    rb'^\{"file_name": %b, "label": %b, "rank": (\d{1,9}), "try": (\d{1,4}), "status": "(\w+)"[^\n]*\}$'
    % (_TEXT, _TEXT),
    re.MULTILINE,
)
_BLOCK = 8 << 20
_HIGHEST_RANK = 100_000_000
_SYNC_SECONDS = 5.0


class Index:
    """(label, rank) -> number of the try that the set has, two bytes a picture."""

    def __init__(self) -> None:
        self._tries: dict[str, array[int]] = {}
        self.count = 0
        self.kept: set[tuple[str, int]] = set()

    def get(self, label: str, rank: int) -> int:
        """The try's number, -1 where there is no picture."""
        tries = self._tries.get(label)
        return tries[rank] if tries is not None and rank < len(tries) else -1

    def set(self, label: str, rank: int, attempt: int) -> None:
        if rank > _HIGHEST_RANK or attempt > 32_000:
            raise ValueError(f"rank {rank}, try {attempt} of {label!a}; expected ranks below {_HIGHEST_RANK}")
        tries = self._tries.setdefault(label, array("h"))
        if rank >= len(tries):
            tries.extend(array("h", [-1]) * (max(rank + 1, len(tries) * 5 // 4) - len(tries)))
        self.count += (attempt >= 0) - (tries[rank] >= 0)
        tries[rank] = attempt

    def part_of(self, other: Index) -> bool:
        """Whether `other` has each of these pictures by the same try."""
        for label, tries in self._tries.items():
            theirs = other._tries.get(label, array("h"))
            if any(own >= 0 and (rank >= len(theirs) or own != theirs[rank]) for rank, own in enumerate(tries)):
                return False
        return True

    def ranks(self, label: str) -> list[int]:
        """The ranks of `label` that have a picture, in order."""
        return [rank for rank, attempt in enumerate(self._tries.get(label, ())) if attempt >= 0]

    def counts(self) -> dict[str, int]:
        """label -> how many pictures it has."""
        return {label: len(tries) - tries.count(-1) for label, tries in self._tries.items()}


class Manifest:
    """The file, its index, and what a scan found wrong.

    Args:
        path: of metadata.jsonl; need not exist.
        dropped: (label, rank) -> highest rejected try: lines that a crash left behind while items were rejected.
    """

    def __init__(self, path: Path, dropped: Callable[[str, int], int]) -> None:
        self.path = path
        self.index = Index()
        self.bad_lines = 0
        self.end = 0  # of the last whole line
        self._dropped = dropped
        self._file: int | None = None
        self._synced = time.monotonic()
        self._scan()

    def lines(self) -> Iterator[Line]:
        """Every picture's line, in the order of the file; a line that cannot be read is left out."""
        seen: set[tuple[str, int]] | None = set() if self.bad_lines else None
        for _, line in self._parsed():
            if line is None or self.index.get(*line.key) != line.attempt:
                continue
            if seen is not None:
                if line.key in seen:
                    continue
                seen.add(line.key)
            yield line

    def recover(self, work: Path) -> None:
        """Make the file fit to be appended to: a torn last line goes, so do lines that are broken, double or rejected.

        Lines that cannot be read are kept in the work folder.
        """
        if not self.path.exists():
            return
        if self.path.stat().st_size > self.end:
            logger.warning("dropped a torn last line of %s", self.path)
            with open(self.path, "r+b") as file:
                file.truncate(self.end)
        with open(self.path, "rb") as file:
            file.seek(max(0, self.end - 1))
            unended = self.end > 0 and file.read(1) != b"\n"
        if self.bad_lines or unended:
            logger.warning("%s has %d lines broken, double or rejected; rewriting it", self.path, self.bad_lines)
            with open(work / "broken-lines.jsonl", "ab") as aside:
                aside.writelines(raw for raw, line in self._parsed() if line is None)
            self.rewrite(work, lambda line: line)

    def append(self, line: Line) -> None:
        """Commit `line`: after a failure the file is as before."""
        if self._file is None:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        data = line.to_bytes()
        os.lseek(self._file, self.end, os.SEEK_SET)
        try:
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError:
            os.ftruncate(self._file, self.end)
            raise
        self.end += len(data)
        self._note(line)
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            os.fsync(self._file)
            self._synced = time.monotonic()

    def rewrite(self, work: Path, change: Callable[[Line], Line | None]) -> None:
        """Replace the file by one with `change(line)` for every line; None drops it."""
        self.close()
        with replacing(self.path, work=work, durable=True) as fresh, open(fresh, "wb") as out:
            for line in self.lines():
                changed = change(line)
                if changed is not None:
                    out.write(changed.to_bytes())
        self._scan()

    def close(self) -> None:
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None

    def _note(self, line: Line) -> None:
        self.index.set(line.label, line.rank, line.attempt)
        if line.status == KEPT:
            self.index.kept.add(line.key)

    def _scan(self) -> None:
        self.index, self.bad_lines, self.end = Index(), 0, 0
        if not self.path.exists():
            return
        with open(self.path, "rb") as file:
            rest = b""
            while block := file.read(_BLOCK):
                block = rest + block
                cut = block.rfind(b"\n") + 1
                self._scan_block(block[:cut])
                rest = block[cut:]
        if rest and _parse(rest) is not None:  # an editor that strips the last line break
            self._scan_block(rest)

    def _scan_block(self, block: bytes) -> None:
        self.end += len(block)
        heads = _HEAD.findall(block)
        if len(heads) == block.count(b"\n") and _is_utf8(block):
            for _, label, rank, attempt, status in heads:
                self._index(_decode(label), int(rank), int(attempt), status.decode())
            return
        for raw in block.splitlines(keepends=True):
            line = _parse(raw)
            if line is not None:
                self._index(line.label, line.rank, line.attempt, line.status)
            elif raw.strip():
                self.bad_lines += 1

    def _index(self, label: str, rank: int, attempt: int, status: str) -> None:
        # a kept picture's try was rejected once; any other line whose try was rejected is left over from a crash
        if status != KEPT and attempt <= self._dropped(label, rank):
            self.bad_lines += 1
            return
        if self.index.get(label, rank) >= 0:
            self.bad_lines += 1
        self.index.set(label, rank, attempt)
        if status == KEPT:
            self.index.kept.add((label, rank))

    def _parsed(self) -> Iterator[tuple[bytes, Line | None]]:
        if not self.path.exists():
            return
        left = self.end
        with open(self.path, "rb") as file:
            while left > 0 and (raw := file.readline()):
                left -= len(raw)
                if raw.strip():
                    yield raw, _parse(raw)


def _parse(raw: bytes) -> Line | None:
    try:
        data = json.loads(raw)
        return Line.from_json(data) if isinstance(data, dict) else None
    except ValueError:
        return None


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decode(text: bytes) -> str:
    return str(json.loads(b'"' + text + b'"')) if b"\\" in text else text.decode("utf-8")

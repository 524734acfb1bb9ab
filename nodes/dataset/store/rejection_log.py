"""The attempts that were rejected: `rejected.jsonl` beside the manifest, appended to before anything is moved.

Each line holds the picture's whole record, why it was rejected and how good it was, so that the best of k attempts can
come back.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ....evaluation.pictures.manifest import Record, is_torn

REJECTION_LOG = "rejected.jsonl"

LOST = -2.0  # score of a picture that is not whole any more: never the best
BY_HAND = -1.0  # score of a picture that no check judged: below any probability, above a lost one


@dataclass(frozen=True, slots=True)
class Rejection:
    """One rejected attempt. `score`: the check's probability of the label, BY_HAND without one, LOST without a file."""

    record: Record
    reason: str
    score: float

    def to_bytes(self) -> bytes:
        """The line as it stands in the file."""
        content = {"reason": self.reason, "score": self.score, "record": self.record.columns()}
        return (json.dumps(content, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


class RejectionLog:
    """The file at `path`; a torn last line counts for nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.highest_attempts: dict[tuple[str, int], int] = {}  # (label, rank) -> number of the last rejected attempt
        for rejection in self.read():
            self._note(rejection)

    def highest_attempt(self, label: str, rank: int) -> int:
        """Number of the last rejected attempt, -1 where none was."""
        return self.highest_attempts.get((label, rank), -1)

    def read(self) -> Iterator[Rejection]:
        """Every rejection, in the order of the file; what cannot be read is left out."""
        if not self.path.exists():
            return
        with open(self.path, "rb") as file:
            for line in file:
                rejection = _parse(line)
                if rejection is not None:
                    yield rejection

    def append(self, rejections: Iterable[Rejection]) -> None:
        """Write `rejections` at the end, all on the disk when this returns."""
        appended = list(rejections)
        with open(self.path, "ab") as file:
            file.write(b"".join(rejection.to_bytes() for rejection in appended))
            file.flush()
            os.fsync(file.fileno())
        for rejection in appended:
            self._note(rejection)

    def recover(self) -> None:
        """Cut off a torn last line, so that the next one does not stick to it; a whole one gets its line break."""
        if not self.path.exists():
            return
        with open(self.path, "r+b") as file:
            content = file.read()
            end = content.rfind(b"\n") + 1
            if end < len(content) and not is_torn(content[end:]):  # an editor stripped the line break
                file.write(b"\n")
            else:
                file.truncate(end)

    def _note(self, rejection: Rejection) -> None:
        key = rejection.record.key
        self.highest_attempts[key] = max(self.highest_attempts.get(key, -1), rejection.record.attempt)


def _parse(line: bytes) -> Rejection | None:
    try:
        content = json.loads(line)
        score = float(content["score"])
        if not math.isfinite(score):
            return None  # the best attempt could not be told
        return Rejection(Record.from_columns(content["record"]), str(content["reason"]), score)
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):  # float() of a very long whole number
        return None

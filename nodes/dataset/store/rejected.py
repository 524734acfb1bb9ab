"""The tries that were rejected: `rejected.jsonl` beside the manifest, appended to before anything is moved.

Each line holds the picture's whole manifest line, why it was rejected and how good it was, so that the best of k tries
can come back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .record import Line

LOST = -2.0  # score of a picture that is not whole any more: never the best
BY_HAND = -1.0


@dataclass(frozen=True, slots=True)
class Rejection:
    """One rejected try. `score` is the check's probability of the label, BY_HAND without one, LOST without a file."""

    line: Line
    reason: str
    score: float

    def to_json(self) -> str:
        line = json.loads(self.line.to_json())
        return json.dumps({"reason": self.reason, "score": self.score, "line": line}, ensure_ascii=False)


class Rejected:
    """What `path` says; a torn last line counts for nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._highest: dict[tuple[str, int], int] = {}
        for rejection in self.read():
            self._note(rejection)

    def highest(self, label: str, rank: int) -> int:
        """Number of the last rejected try, -1 where none was."""
        return self._highest.get((label, rank), -1)

    def read(self) -> Iterator[Rejection]:
        if not self.path.exists():
            return
        with open(self.path, "rb") as file:
            for raw in file:
                try:
                    data = json.loads(raw)
                    yield Rejection(Line.from_json(data["line"]), str(data["reason"]), float(data["score"]))
                except (ValueError, KeyError, TypeError):
                    continue

    def append(self, rejections: Iterable[Rejection]) -> None:
        """Write `rejections` at the end, all on the disk when this returns."""
        found = list(rejections)
        with open(self.path, "ab") as file:
            lines = "".join(rejection.to_json() + "\n" for rejection in found)
            file.write(lines.encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())
        for rejection in found:
            self._note(rejection)

    def recover(self) -> None:
        """Cut off a torn last line, so that the next one does not stick to it."""
        if not self.path.exists():
            return
        with open(self.path, "r+b") as file:
            data = file.read()
            file.truncate(data.rfind(b"\n") + 1)

    def _note(self, rejection: Rejection) -> None:
        key = rejection.line.key
        self._highest[key] = max(self._highest.get(key, -1), rejection.line.attempt)

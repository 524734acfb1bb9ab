"""The attempts that were rejected: REJECTION_LOG beside the manifest, appended to before anything is moved.

Each line holds the picture's whole record, why it was rejected and how good it was, so that the best of k attempts can
come back.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....evaluation.disk_errors import reading, writing
from ....evaluation.files import is_there, read_file, replacing
from ....evaluation.pictures.manifest import Record, columns_of, is_blank, is_torn, misplaced
from .damage import salvage

LOST = -2.0  # score of a picture that is not whole any more: never the best
DELETED = "deleted by hand"  # reason of a rejection: the file was gone when Generate Dataset looked
BY_HAND = -1.0  # score of a picture that no check judged: below any probability, above a lost one


@dataclass(frozen=True, slots=True)
class Rejection:
    """One rejected attempt. `score`: the check's probability of the label, BY_HAND without one, LOST without a file."""

    record: Record
    reason: str
    score: float

    @property
    def is_lost(self) -> bool:
        """Whether the picture was missing or damaged, whoever noticed it."""
        return self.score <= LOST

    def to_bytes(self) -> bytes:
        """The line as it stands in the file."""
        content = {"reason": self.reason, "score": self.score, "record": self.record.columns()}
        return (json.dumps(content, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Rejection:
        """The rejection that a JSON object says.

        Raises:
            ValueError: a part is missing or holds what no reader can use.
        """
        score = content.get("score")
        # comparing refuses a NaN, an infinity and a whole number of any length; the best attempt could not be told
        if isinstance(score, bool) or not isinstance(score, (int, float)) or not LOST <= score <= 1:
            raise ValueError(f"has the score {repr(score)[:40]}; expected {LOST:g} to 1")
        if not isinstance(content.get("reason"), str):
            raise ValueError(f"has the reason {repr(content.get('reason'))[:40]}; expected a text")
        return cls(Record.from_columns(content.get("record")), content["reason"], float(score))


class RejectionLog:
    """The file at `path`; a torn last line counts for nothing.

    Args:
        folders: label -> class folder, as dataset.json has them.

    Attributes:
        folders: as given; to be replaced when a class is added.
        damage: line number -> what is wrong with the line, as the file was when it was opened.
        highest_attempts: (label, rank) -> number of the last rejected attempt.
        deleted: the keys of the items whose last rejection has the reason DELETED.
    """

    def __init__(self, path: Path, folders: Mapping[str, str]) -> None:
        self.path = path
        self.folders = folders
        self.damage: dict[int, str] = {}
        self.highest_attempts: dict[tuple[str, int], int] = {}
        self.deleted: set[tuple[str, int]] = set()
        for rejection in self._scan(self.damage):
            self._note(rejection)

    def highest_attempt(self, label: str, rank: int) -> int:
        """Number of the last rejected attempt, -1 where none was."""
        return self.highest_attempts.get((label, rank), -1)

    def read(self) -> Iterator[Rejection]:
        """Every rejection, in the order of the file; damaged lines are left out."""
        return self._scan({})

    def append(self, rejections: Iterable[Rejection]) -> None:
        """Write `rejections` at the end, all on the disk when this returns."""
        appended = list(rejections)
        with writing(self.path), open(self.path, "ab") as file:
            end = file.tell()
            try:
                file.write(b"".join(rejection.to_bytes() for rejection in appended))
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                with contextlib.suppress(OSError):  # what follows must not stick to the half of a line
                    os.truncate(self.path, end)
                raise
        for rejection in appended:
            self._note(rejection)

    def recover(self) -> None:
        """Cut off a torn last line, so that the next one does not stick to it; a whole one gets its line break."""
        if not is_there(self.path):
            return
        with writing(self.path), open(self.path, "r+b") as file:
            content = file.read()
            end = content.rfind(b"\n") + 1
            if end < len(content) and not is_torn(content[end:]):  # an editor stripped the line break
                file.write(b"\n")
            else:
                file.truncate(end)

    def mend(self, work: Path) -> None:
        """Take damaged lines out, but for what can still be read of them."""
        if not self.damage:
            return
        self._replace(list(salvage(read_file(self.path).splitlines(keepends=True), self._from_json)), work)

    def forget_lost(self, keys: Collection[tuple[str, int]], work: Path) -> None:
        """Take out that the pictures of `keys` were lost, so that the same attempts may come back."""
        self._replace([entry for entry in self.read() if not (entry.is_lost and entry.record.key in keys)], work)

    def _replace(self, rejections: Sequence[Rejection], work: Path) -> None:
        with replacing(self.path, work=work, durable=True, make_folder=False) as part:
            part.write_bytes(b"".join(rejection.to_bytes() for rejection in rejections))
        self.highest_attempts.clear()
        self.deleted.clear()
        for rejection in rejections:
            self._note(rejection)

    def _scan(self, damage: dict[int, str]) -> Iterator[Rejection]:
        """The rejections of the usable lines; what is wrong with the others goes into `damage`."""
        if not is_there(self.path):
            return
        with reading(self.path), open(self.path, "rb") as file:
            for number, line in enumerate(file, 1):
                if is_blank(line) or (not line.endswith(b"\n") and is_torn(line)):
                    continue
                try:
                    yield self._from_json(columns_of(line))
                except ValueError as error:
                    damage[number] = str(error)

    def _from_json(self, content: dict[str, Any]) -> Rejection:
        rejection = Rejection.from_json(content)
        if problem := misplaced(rejection.record, self.folders):
            raise ValueError(problem)
        return rejection

    def _note(self, rejection: Rejection) -> None:
        key = rejection.record.key
        self.highest_attempts[key] = max(self.highest_attempts.get(key, -1), rejection.record.attempt)
        if rejection.reason == DELETED:
            self.deleted.add(key)
        else:
            self.deleted.discard(key)

"""What a sweep has done, on disk: one JSON file a row, whole or absent; a lock so that one driver runs a part."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evaluation.files import replacing
from evaluation.json_text import parse_json
from evaluation.lock import FileLock, LockIsHeld

from .disk import naming

WAITING, QUEUED, DONE, FAILED = "waiting", "queued", "done", "failed"


@dataclass
class RowState:
    """Where one row stands.

    Args:
        key: of the row as it was queued; another key means that the row has changed since.
        status: waiting, queued, done or failed.
        prompt_id: written before the server sees it, so that a restarted driver can ask for it.
        worker: to which it was handed.
        losses: how often the server forgot it (it was restarted).
        silences: how often it went to another worker since the one that had it fell silent.
        abandoned: (worker, ticket) of these, and of what ran under another key: not to run there any more.
        message: what went wrong.
        seconds: it took on the server.
        results, texts, files: what it showed.
    """

    key: str = ""
    status: str = WAITING
    prompt_id: str = ""
    worker: str = ""
    losses: int = 0
    silences: int = 0
    abandoned: list[list[str]] = field(default_factory=list)
    message: str = ""
    seconds: float = 0.0
    results: list[dict[str, Any]] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)
    files: list[dict[str, str]] = field(default_factory=list)

    def waiting(self, message: str = "") -> RowState:
        """The state of a row that waits again."""
        return replace(self, status=WAITING, prompt_id="", worker="", message=message)


class State:
    """The state of a sweep in `folder`/rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "rows").mkdir(parents=True, exist_ok=True)

    def read(self, name: str) -> RowState:
        """The row's state; an empty one when there is none.

        Raises:
            ValueError: its file is damaged: whether the row is done is not known.
            OSError: the disk does not give it.
        """
        path = self._path(name)
        try:
            return RowState(**parse_json(path.read_text("utf-8")))
        except FileNotFoundError:
            return RowState()
        except (ValueError, TypeError):
            raise ValueError(
                f"{path} is damaged; expected the state of row {name!r}; delete it to run the row again"
            ) from None

    def write(self, name: str, state: RowState) -> None:
        """Replace the row's file, whole."""
        path = self._path(name)
        with replacing(path, durable=True) as temporary:
            temporary.write_text(json.dumps(vars(state), indent=1, ensure_ascii=False) + "\n", "utf-8")

    @contextlib.contextmanager
    def lock(self, index: int, count: int) -> Iterator[None]:
        """Keep other drivers off part `index` of `count` of the sweep; the lock ends with the process.

        Parts of another count have some of the same rows, so a driver of one of those keeps this one off as well.

        Raises:
            BlockingIOError: another driver holds it.
        """
        lock = self._take(self.folder / f"shard-{index}-of-{count}.lock")
        try:
            # each takes its own lock before it looks at the others': of two that start at once, none goes on unseen
            with naming(self.folder):  # a glob would pass over a folder that the disk does not give
                names = sorted(os.listdir(self.folder))
            for name in fnmatch.filter(names, "shard-*-of-*.lock"):
                if not name.endswith(f"-of-{count}.lock"):
                    self._take(self.folder / name).release()
            yield
        finally:
            lock.release()

    def _take(self, path: Path) -> FileLock:
        try:
            with naming(path):
                return FileLock(path)
        except LockIsHeld as held:
            raise BlockingIOError(
                f"another driver runs {path.stem} of {self.folder}: {held.holder}; wait for it, or stop it"
            ) from None

    def _path(self, name: str) -> Path:
        return self.folder / "rows" / f"{name}.json"

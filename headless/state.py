"""What a sweep has done, on disk: one JSON file a row, whole or absent; a lock so that one driver runs a part."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

WAITING, QUEUED, DONE, FAILED = "waiting", "queued", "done", "failed"


@dataclass
class RowState:
    """Where one row stands.

    Attributes:
        key: of the row as it was queued; another key means that the row has changed since.
        status: waiting, queued, done or failed.
        prompt_id: written before the server sees it, so that a restarted driver can ask for it.
        losses: how often the server forgot it (it was restarted).
        message: what went wrong.
        seconds: it took on the server.
        results, texts, files: what it showed.
    """

    key: str = ""
    status: str = WAITING
    prompt_id: str = ""
    losses: int = 0
    message: str = ""
    seconds: float = 0.0
    results: list[dict[str, Any]] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)
    files: list[dict[str, str]] = field(default_factory=list)


class State:
    """The state of a sweep in `folder`/rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "rows").mkdir(parents=True, exist_ok=True)

    def read(self, name: str) -> RowState:
        """The row's state; an empty one when there is none, or its file is not whole."""
        with contextlib.suppress(OSError, ValueError, TypeError):
            return RowState(**json.loads(self._path(name).read_text("utf-8")))
        return RowState()

    def write(self, name: str, state: RowState) -> None:
        """Replace the row's file, whole."""
        temporary = self._path(name).with_suffix(f".{os.getpid()}.part")
        try:
            temporary.write_text(json.dumps(asdict(state), indent=1, ensure_ascii=False) + "\n", "utf-8")
            temporary.replace(self._path(name))
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    @contextlib.contextmanager
    def lock(self, part: str) -> Iterator[None]:
        """Keep other drivers off this part of the sweep; the lock ends with the process.

        Raises:
            BlockingIOError: another driver holds it.
        """
        with open(self.folder / f"{part}.lock", "a+b") as handle:
            _lock(handle, f"another driver runs {part} of {self.folder}; wait for it, or stop it")
            yield

    def _path(self, name: str) -> Path:
        return self.folder / "rows" / f"{name}.json"


def _lock(handle: BinaryIO, message: str) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise BlockingIOError(message) from None
        # a file system without locks: on with the work, for nobody can be asked (as cargo does)

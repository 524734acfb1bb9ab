"""One writer a data set: a lock file that the operating system frees when its holder dies, and that names the holder.

Reads and writes the file `lock` in the set's work folder.
"""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path

from .folders import unwritable

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

_FAR = 1 << 30  # Windows locks bytes, and a locked byte cannot be read: lock one beyond the text


class SetIsHeld(RuntimeError):
    """Another writer has the set open."""


class SetLock:
    """Exclusive right to write the set whose work folder is `folder`; `release` or the process's end gives it back.

    Raises:
        SetIsHeld: another writer holds it; the message says which process on which machine, and since when.
        OSError: the folder cannot be written.
    """

    def __init__(self, folder: Path, what: str) -> None:
        try:
            self._file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise unwritable(folder, error) from error
        try:
            _take(self._file)
        except OSError:
            holder = _holder(self._file)
            os.close(self._file)
            raise SetIsHeld(
                f"{what} is being written by {holder}; expected one writer at a time; wait for it, stop it, "
                "or write a shard to a set of its own and merge the two"
            ) from None
        text = json.dumps({"pid": os.getpid(), "host": platform.node(), "since": time.strftime("%Y-%m-%d %H:%M:%S")})
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text.encode(), 0) if hasattr(os, "pwrite") else _write_at_start(self._file, text)

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)  # closing frees the lock
            self._file = -1


def _take(file: int) -> None:
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)


def _write_at_start(file: int, text: str) -> None:
    os.lseek(file, 0, os.SEEK_SET)
    os.write(file, text.encode())


def _holder(file: int) -> str:
    try:
        os.lseek(file, 0, os.SEEK_SET)
        found = json.loads(os.read(file, 4096))
        return f"process {found['pid']} on {found['host']} since {found['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process that has not said its name yet"

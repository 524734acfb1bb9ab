"""One holder at a time: a lock file that the operating system frees when its holder dies, and that names the holder.

Where the file system has no locks (Lustre without `-o flock`, some SMB and FUSE mounts) a second file serves, which is
there for as long as its holder is. Standard library only.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import platform
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

logger = logging.getLogger("hyponet")

_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}  # flock(2) and fcntl(2); Windows says EACCES
_UNSUPPORTED = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
_FAR = 1 << 30  # Windows locks bytes, and a locked byte cannot be read: lock one beyond the text
_HOLDER_BYTES = 4096  # more than the name of a host takes
_holder_files: set[Path] = set()  # that this process has made: another one with its id was left by a process before it


class LockIsHeld(RuntimeError):
    """Somebody else holds the lock; `holder` says who, for a message."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"the lock is held by {holder}")
        self.holder = holder


class FileLock:
    """The exclusive right to what the file `path` stands for; `release` or the process's end gives it back.

    Raises:
        LockIsHeld: somebody else has it, in this process or another.
        OSError: the file cannot be made or locked.
    """

    def __init__(self, path: Path) -> None:
        self._holder_file: Path | None = None
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            self._take(path)
            os.ftruncate(self._file, 0)
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, _own_name())
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Give the lock back; a second time does nothing."""
        if self._file >= 0:
            os.close(self._file)  # closing frees the lock
            self._file = -1
        if self._holder_file is not None:
            self._holder_file.unlink(missing_ok=True)
            _holder_files.discard(self._holder_file)
            self._holder_file = None

    def _take(self, path: Path) -> None:
        try:
            if fcntl is not None:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            else:
                os.lseek(self._file, _FAR, os.SEEK_SET)
                msvcrt.locking(self._file, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in _HELD:
                raise LockIsHeld(_name_of(_read(self._file))) from None
            if error.errno not in _UNSUPPORTED:
                raise
            holder_file = path.with_name(f"{path.name}.holder").resolve()
            logger.warning("%s lies where there are no locks (%s); %s serves", path, error.strerror, holder_file.name)
            _make_holder_file(holder_file)
            self._holder_file = holder_file


def _make_holder_file(path: Path) -> None:
    if _is_abandoned(path):
        _remove_abandoned(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        raise LockIsHeld(f"{_name_of(_bytes_of(path))} (if that one is gone, delete {path})") from None
    try:
        os.write(descriptor, _own_name())
    finally:
        os.close(descriptor)
    _holder_files.add(path)


def _is_abandoned(path: Path) -> bool:
    """Whether the process that the file names is known to be gone: one of this machine, and not there."""
    try:
        holder = json.loads(_bytes_of(path))
        process, host = int(holder["pid"]), str(holder["host"])
    except (ValueError, KeyError, TypeError):
        return False
    if host != platform.node():
        return False
    if process == os.getpid():
        return path not in _holder_files
    if fcntl is None:  # Windows ends a process that it is asked about in this way
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _remove_abandoned(path: Path) -> None:
    """Remove the file by renaming it first, so that of two processes that find it abandoned one gets it."""
    before = _bytes_of(path)
    removed = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        os.rename(path, removed)
    except FileNotFoundError:
        return
    if _bytes_of(removed) == before:
        removed.unlink(missing_ok=True)
        return
    os.replace(removed, path)  # the other one was quicker, and this is its own


def _own_name() -> bytes:
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    return json.dumps({"pid": os.getpid(), "host": platform.node(), "since": since}).encode()


def _name_of(stored: bytes) -> str:
    try:
        holder = json.loads(stored)
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process that has not said its name yet"


def _read(file: int) -> bytes:
    with contextlib.suppress(OSError):
        os.lseek(file, 0, os.SEEK_SET)
        return os.read(file, _HOLDER_BYTES)
    return b""


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()[:_HOLDER_BYTES]
    except OSError:
        return b""

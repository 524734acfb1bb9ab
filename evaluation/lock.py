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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .json_text import parse_json

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
    import msvcrt

logger = logging.getLogger("hyponet")

_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}  # flock(2) and fcntl(2); Windows says EACCES
_UNSUPPORTED = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
_FAR = 1 << 30  # Windows locks bytes, and a locked byte cannot be read: lock one beyond the text
_TRIES = 1000  # a holder that takes its file away costs one; each takes a moment
_HOLDER_BYTES = 4096  # more than the name of a host takes


class LockIsHeld(RuntimeError):
    """Somebody else holds the lock; `holder` says who, for a message."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"the lock is held by {holder}")
        self.holder = holder


class AnotherWriter(RuntimeError):
    """Somebody else is writing there; the message says who."""


@contextmanager
def only_writer(target: Path, what: str) -> Iterator[None]:
    """The exclusive right to write the file or folder `target` as long as the context lasts.

    By the lock file <target>.lock beside it, which is gone afterwards: people look into these folders.

    Args:
        target: need not be there; the folder that it lies in is made.
        what: how the message names it, such as "the report 'mine'".

    Raises:
        AnotherWriter: another process, or another call of this one, is writing it.
        OSError: the lock file cannot be made.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(target.with_name(f"{target.name}.lock"))
    except LockIsHeld as held:
        raise AnotherWriter(
            f"{what} is being written by {held.holder}; expected one writer at a time; wait for it, or stop it"
        ) from None
    try:
        yield
    finally:
        lock.remove()


class FileLock:
    """The exclusive right to what the file `path` stands for; `release` or the process's end gives it back.

    Raises:
        LockIsHeld: somebody else has it, in this process or another.
        OSError: the file cannot be made or locked.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._holder_file: Path | None = None
        self._file = -1
        try:
            for _ in range(_TRIES):  # whoever had it may take the file away between opening and locking
                self.release()
                self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
                self._take(path)
                if self._is_at_its_path():
                    break
            else:
                raise OSError(
                    errno.EIO,
                    f"{path} is another file each time that it is opened; expected a file system that knows its files "
                    "again; choose a folder on a disk of this machine",
                )
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
            self._holder_file = None

    def remove(self) -> None:
        """Give the lock back and delete its file."""
        if fcntl is not None:  # while it is held: who has opened it meanwhile notices that it is another file
            self._path.unlink(missing_ok=True)
            self.release()
        else:  # Windows deletes no file that is open, so nobody else's either
            self.release()
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _is_at_its_path(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._file), os.stat(self._path))
        except FileNotFoundError:
            return False

    def _take(self, path: Path) -> None:
        holder_file = path.with_name(f"{path.name}.holder").resolve()
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
            logger.warning("%s lies where there are no locks (%s); %s serves", path, error.strerror, holder_file.name)
            _remove_if_abandoned(holder_file)
            _make_holder_file(holder_file)
            self._holder_file = holder_file
            return
        # locks of some file systems come and go: whoever took it without one holds it still
        _remove_if_abandoned(holder_file)
        if holder_file.exists():
            raise LockIsHeld(_advice(holder_file, _bytes_of(holder_file)))


def _make_holder_file(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        raise LockIsHeld(_advice(path, _bytes_of(path))) from None
    try:
        os.write(descriptor, _own_name())
    finally:
        os.close(descriptor)


def _remove_if_abandoned(path: Path) -> None:
    """Remove the file of a holder that is gone.

    One process at a time judges and removes, by a guard file of its own: nobody else can change the file meanwhile,
    since a new one is only made where there is none.
    """
    if not _is_abandoned(_bytes_of(path)):
        return
    guard = path.with_name(f"{path.name}.guard")
    try:
        os.close(os.open(guard, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
    except FileExistsError:
        raise LockIsHeld(f"a process that is taking it over (if none is, delete {guard})") from None
    try:
        if _is_abandoned(_bytes_of(path)):
            path.unlink(missing_ok=True)
    finally:
        guard.unlink(missing_ok=True)


def _is_abandoned(stored: bytes) -> bool:
    """Whether the process that a holder's file names is known to be gone; what is not known counts as there."""
    try:
        holder = parse_json(stored)
        process, host, birth = int(holder["pid"]), str(holder["host"]), str(holder["birth"])
        where, _, start = birth.rpartition(" ")
    except (ValueError, KeyError, TypeError):
        return False
    if host != platform.node() or not where or where != _birth(os.getpid()).rpartition(" ")[0]:
        return False  # another machine, container or boot: its processes cannot be seen from here
    return _birth(process).rpartition(" ")[2] != start


def _birth(process: int) -> str:
    """What tells a process from all others, before and after it: boot, namespace of process ids, start in clock ticks.

    Ends in "gone" for one that is not there; empty where the system does not say (it is Linux that does).
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
    try:
        # field 22 of proc(5); the second field is a name in brackets that may hold anything
        start = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        start = "gone"
    return f"{boot} {namespace} {start}"


def _own_name() -> bytes:
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    holder = {"pid": os.getpid(), "host": platform.node(), "since": since, "birth": _birth(os.getpid())}
    return json.dumps(holder).encode()


def _advice(path: Path, stored: bytes) -> str:
    return f"{_name_of(stored)} (if that one is gone, delete {path})"


def _name_of(stored: bytes) -> str:
    try:
        holder = parse_json(stored)
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

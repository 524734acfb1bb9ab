"""Files that are there whole or not at all, and what they hash to. Standard library only."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .disk_errors import ONLY_OF_WRITING, UnreadableFile, reading, unwritable
from .progress import Progress

# seconds; together longer than a viewer or a virus scanner has a small file open
_PAUSES = (0.02, 0.1, 0.5)
_BLOCK_BYTES = 1 << 22  # read at once while a file is hashed: 4 MiB, so that an interrupt waits milliseconds
_numbers = itertools.count()  # two threads that write files of one name at once have a temporary file each


@contextmanager
def replacing(
    path: Path, *, work: Path | None = None, durable: bool = False, make_folder: bool = True
) -> Iterator[Path]:
    """A path to write to; the file takes the place of `path` when the block ends well and is gone when it does not.

    A reader of `path` sees the old file or the new one, whole, and so it is after
    a crash of the process, which leaves `<name>.<process>-<number>.part` behind.

    Args:
        path: the file to be.
        work: a folder on the same disk for the temporary file; default: the file's own.
        durable: for what cannot be made again: the bytes are on the disk before they get their name, so that a power
            failure leaves the old file or the new one too. Costs a wait for the disk (fsync).
        make_folder: make the file's folder where it is missing; without it a missing one is an error.

    Raises:
        OSError: the file cannot be written or replaced; the message names the folder, and nothing is left behind.
    """
    temporary = (work or path.parent) / f"{path.name}.{os.getpid()}-{next(_numbers)}.part"
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if durable:
            _sync(temporary)
        replace_file(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):  # what went wrong first is what is said
            temporary.unlink(missing_ok=True)
        disk_error = _disk_error(error)
        if disk_error is not None and _is_of_writing(disk_error, temporary, path):
            raise unwritable(path.parent, disk_error) from error
        raise


def _disk_error(error: BaseException) -> OSError | None:
    """The error of the disk that `error` is or stands for.

    torch's writer raises a RuntimeError of its own over that of the file, and safetensors' has the number in its text.
    """
    if isinstance(error, OSError):
        return error
    if type(error) is RuntimeError and isinstance(error.__context__, OSError):
        return error.__context__
    text = re.search(r"([^:]*) \(os error (\d+)\)$", str(error))
    if text is None:
        return None
    if os.name == "nt":  # there the number is Windows' own, from which Python finds the errno
        return OSError(None, text[1].strip(), None, int(text[2]))
    return OSError(int(text[2]), os.strerror(int(text[2])))


def _is_of_writing(error: OSError, *written: Path) -> bool:
    """Whether `error` arose in writing one of these files, and not in reading what was to be written."""
    if isinstance(error, UnreadableFile) or error.errno is None:
        return False
    if error.errno in ONLY_OF_WRITING or error.filename is None:  # write() and fsync() name no file
        return True
    return os.fspath(error.filename) in {str(name) for path in written for name in (path, *path.parents)}


def replace_file(source: Path, target: Path) -> None:
    """`os.replace` that waits a moment for readers: Windows replaces and moves no file that somebody has open.

    Raises:
        PermissionError: it is still open, or the folder cannot be written.
    """
    _wait_for_readers(lambda: os.replace(source, target))


def delete_file(path: Path) -> None:
    """Delete a file if it is there, waiting a moment for readers as `replace_file` does.

    Raises:
        PermissionError: it is still open, or the folder cannot be written.
    """
    _wait_for_readers(lambda: path.unlink(missing_ok=True))


def _wait_for_readers(change: Callable[[], None]) -> None:
    for pause in _PAUSES:
        try:
            return change()
        except PermissionError:
            time.sleep(pause)
    return change()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)  # Windows syncs only what is open for writing
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_file(path: Path) -> bytes:
    """All bytes of a file.

    Raises:
        FileNotFoundError: it is missing.
        UnreadableFile: it is not, but the disk does not give it; the message names it.
    """
    with reading(path):
        return path.read_bytes()


def is_there(path: Path) -> bool:
    """Whether something lies at `path`; `Path.exists` says no as well where the disk does not tell (Python 3.14).

    Raises:
        UnreadableFile: nobody can say.
    """
    try:
        with reading(path):
            os.stat(path)
    except FileNotFoundError:
        return False
    return True


def file_sha256(path: Path, progress: Progress | None = None) -> str:
    """The file's SHA-256 in hexadecimal digits.

    Args:
        progress: called with (bytes read, bytes in all); what it raises stops the work.

    Raises:
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    digest = hashlib.sha256()
    with reading(path), path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            if progress is not None:
                progress(file.tell(), size)
    return digest.hexdigest()

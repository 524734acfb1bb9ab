"""Errors of the disk: told from damage in a file, and as messages that name the file or folder and say what to do."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeGuard

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_IN_USE = {5, 32, 33}  # Windows: access denied, which it says of a target that is open too; sharing; locking
_MAX_PATH = 260  # of Windows, with the zero at its end: a longer path is "not found" there, whatever lies there
LONGEST_PATH = _MAX_PATH - 1 if os.name == "nt" else sys.maxsize  # others say that a path is too long
_SHORTER = "choose shorter names, or a folder nearer to the root of the disk"
ONLY_OF_WRITING = _FULL | {errno.EROFS}


class UnreadableFile(OSError):
    """A file is there, or may be, and the disk does not give it: it is neither missing nor damaged."""


def is_of_disk(error: Exception) -> TypeGuard[OSError]:
    """Whether the disk failed; else a file's contents are no good.

    Readers of pictures and archives name damage an OSError without a number, or run into EINVAL where damaged contents
    send them to a place in the file that cannot be.
    """
    return isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)


def disk_error_of(error: Exception) -> OSError | None:
    """The disk's error that `error` is, or over which it was raised: zipfile takes what it cannot read for no zip."""
    for cause in (error, error.__context__):
        if isinstance(cause, Exception) and is_of_disk(cause):
            return cause
    return None


def may_be_too_long(path: Path) -> bool:
    """Whether a file that is not found may be there all the same, as its path is too long for Windows."""
    return len(os.path.abspath(path)) > LONGEST_PATH


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Around what reads a file or folder: errors name it, which those of read() do not by themselves.

    Raises:
        FileNotFoundError: it is missing.
        UnreadableFile: it is not, but the disk does not give it.
    """
    try:
        yield
    except OSError as error:
        if _says_where(error, path):
            raise
        raise unreadable(path, error) from error


def refuse_to_go_on(error: OSError) -> NoReturn:
    """For `onerror` of os.walk, which else passes over a folder that the disk does not give, as pathlib's globs do.

    Raises:
        FileNotFoundError: the folder is gone.
        UnreadableFile: it is not, but cannot be listed.
    """
    if isinstance(error, FileNotFoundError):
        raise error
    raise unreadable(Path(error.filename), error) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around what writes the file `path`, or several: errors name the folder of that which fails.

    Those of write() and fsync() name none by themselves; they are taken to be of `path`.
    """
    try:
        yield
    except OSError as error:
        if _says_where(error, path):
            raise
        raise unwritable(Path(error.filename or path).parent, error) from error


def _says_where(error: OSError, path: Path) -> bool:
    """Whether it means something else than that the disk fails, or is said already."""
    if isinstance(error, FileNotFoundError):
        return not may_be_too_long(path)
    return isinstance(error, UnreadableFile) or error.errno is None


def unreadable(path: Path, error: OSError) -> UnreadableFile:
    """`error` with a message that says which file and what to do."""
    advice = "give this user the right to read it" if error.errno in _FORBIDDEN else "check the disk or its connection"
    if error.errno == errno.ENOENT:
        advice = "it was there a moment ago: load the set again"
        if may_be_too_long(path):
            advice = f"its path may be too long for Windows, which takes {_MAX_PATH} characters: {_SHORTER}"
    return UnreadableFile(
        error.errno, f"{path} cannot be read ({error.strerror}); expected a disk that gives it; {advice}"
    )


def unwritable(folder: Path, error: OSError) -> OSError:
    """`error` with a message that says which folder and what to do."""
    advice = "check the disk or its connection"
    if error.errno in _FULL:
        advice = "free some space there, or write elsewhere"
    elif getattr(error, "winerror", None) in _IN_USE:
        advice = "close the program that has the file open, a viewer or a virus scanner, and run this again"
    elif error.errno in _FORBIDDEN:
        advice = "give this user the right to write there, or write elsewhere"
    elif error.errno == errno.ENAMETOOLONG:
        advice = _SHORTER
    elif error.errno == errno.EXDEV:
        advice = "it is another disk than the one that files are written to before they get their place beside it"
    elif error.errno == errno.ENOENT and may_be_too_long(Path(error.filename or folder)):
        advice = f"{_SHORTER}: Windows takes {_MAX_PATH} characters in all"
    return OSError(
        error.errno,
        f"{folder} cannot be written ({error.strerror}); expected a writable disk with free space; {advice}",
    )

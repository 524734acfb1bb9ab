"""Files that are there whole or not at all. Standard library only."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# seconds; together longer than a viewer or a virus scanner has a small file open
_PAUSES = (0.02, 0.1, 0.5)
_numbers = itertools.count()  # two threads that write files of one name at once have a temporary file each


@contextmanager
def replacing(path: Path, *, work: Path | None = None, durable: bool = False) -> Iterator[Path]:
    """A path to write to; the file takes the place of `path` when the block ends well and is gone when it does not.

    Makes the folder where it is missing. A reader of `path` sees the old file or the new one, whole, and so it is after
    a crash of the process, which leaves `<name>.<process>-<number>.part` behind.

    Args:
        path: the file to be.
        work: a folder on the same disk for the temporary file; default: the file's own.
        durable: for what cannot be made again: the bytes are on the disk before they get their name, so that a power
            failure leaves the old file or the new one too. Costs a wait for the disk (fsync).

    Raises:
        OSError: the file cannot be written or replaced; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = (work or path.parent) / f"{path.name}.{os.getpid()}-{next(_numbers)}.part"
    try:
        yield temporary
        if durable:
            _sync(temporary)
        replace_file(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def replace_file(source: Path, target: Path) -> None:
    """`os.replace` that waits a moment for readers: Windows replaces and moves no file that somebody has open.

    Raises:
        PermissionError: it is still open, or the folder cannot be written.
    """
    for pause in _PAUSES:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            time.sleep(pause)
    os.replace(source, target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)  # Windows syncs only what is open for writing
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

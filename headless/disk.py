"""This machine's disk: its errors, which must be told from those of the server and name their file; names for it."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path

from evaluation.file_names import is_device_name


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give an OSError without a file, as writing and flushing raise it, the name of `path`."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def output_path(text: str) -> Path:
    """The path of a file or folder to write, as an option of the command line names it.

    Raises:
        argparse.ArgumentTypeError: it is called as a device of Windows, into which everything vanishes.
    """
    path = Path(text)
    if is_device_name(path.name):
        raise argparse.ArgumentTypeError(f"{text!r} is a device of Windows; expected another name")
    return path


def file_name(name: str) -> str:
    """`name` for a file or folder, another one where Windows takes it for a device."""
    return f"file-{name}" if is_device_name(name) else name

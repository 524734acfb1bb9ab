"""Fetches the files that a run shows, below one folder as the server has them, and replaces nothing there."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from evaluation.file_names import is_device_name

from .client import Client
from .disk import naming

_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]')


def save_files(client: Client, files: Sequence[dict[str, str]], folder: Path) -> Iterator[tuple[Path, Path | None]]:
    """Save `files` below `folder` in the folders that the server has them in, one by one.

    Yields:
        Where each lies now, and where it should have been, when a file of other content has that place; else None.

    Raises:
        client.RunFailed: the server no longer has a file.
        OSError: it cannot be written.
    """
    fetched: set[tuple[str, ...]] = set()
    for file in files:
        identity = tuple(file.get(key, "") for key in ("type", "subfolder", "filename"))
        if identity not in fetched:  # two nodes may show one file
            fetched.add(identity)
            target = folder.joinpath(*_parts(file))
            path = _write(target, client.picture(file))
            yield path, None if path == target else target


def _write(target: Path, content: bytes) -> Path:
    """Write `content` to `target`, or beside it where other content is; the file that holds it now."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        path = target if number == 1 else target.with_name(f"{target.stem}-{number}{target.suffix}")
        try:
            handle = open(path, "xb")  # noqa: SIM115
        except FileExistsError:
            if path.is_file() and path.read_bytes() == content:
                return path
            continue
        try:
            with naming(path), handle:
                handle.write(content)
        except OSError:  # such as a full disk: half a picture is none
            path.unlink(missing_ok=True)
            raise
        return path
    raise AssertionError("numbers do not end")


def _parts(file: dict[str, str]) -> list[str]:
    """Its path in parts, none of which leads out of a folder; a server on Windows joins them by backslashes."""
    parts = f"{file.get('subfolder', '')}/{file['filename']}".replace("\\", "/").split("/")
    return [_legal(part) for part in parts if part.strip(". ")]


def _legal(part: str) -> str:
    """`part` as a name that Windows takes as well: a server on Linux may show files that it could not have."""
    legal = _FORBIDDEN.sub("_", part).rstrip(". ")
    return f"_{legal}" if is_device_name(legal) else legal

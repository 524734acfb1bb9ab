"""Which files of a set that lies in several, such as Parquet files or tar shards, are read."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from .files import files_below


def shards(path: Path, suffix: str, split: str) -> list[Path]:
    """The file at `path`, or those below it that end in `suffix`; with a split those whose name begins with it.

    Raises:
        ValueError: there is none.
        UnreadableFile: a folder cannot be listed.
    """
    names = [name for name in files_below(path)[0] if name.endswith(suffix)] if path.is_dir() else []
    files = [path] if path.is_file() else [path / name for name in names]
    chosen = files if split == "all" else [file for file in files if PurePosixPath(file.name).name.startswith(split)]
    if not chosen:
        which = "" if split == "all" else f" whose name begins with {split}"
        raise ValueError(f"{path.name} holds no {suffix} file{which}; expected one; check path and split")
    return chosen

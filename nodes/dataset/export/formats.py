"""A set in the forms that other tools read, each into a new folder; what is there already is never overwritten.

Reads a set; writes below output/hyponet/exports. Parquet alone needs pyarrow.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from ..store.folders import DESCRIPTION, FORMAT, VERSION, claim, write_json
from ..store.store import DatasetStore
from .files import write_captions, write_csv, write_tars, write_zip
from .job import Job
from .parquet import write_parquet

EXPORTS = (
    "ImageFolder zip",
    "WebDataset tar shards",
    "Parquet (Hugging Face)",
    "CSV table",
    "captions for LoRA trainers",
)
_FOLDERS = ("imagefolder", "webdataset", "parquet", "csv", "captions")
_WRITERS: tuple[Callable[[Job], None], ...] = (write_zip, write_tars, write_parquet, write_csv, write_captions)


def export(
    store: DatasetStore,
    base: Path,
    name: str,
    form: str,
    *,
    shard_size: int,
    kept: bool,
    progress: Callable[[int, int], None],
) -> Path:
    """The folder that the export is in: `base`/<form>, or <form>-2 and so on where that is taken.

    Args:
        base: a folder for exports of this set. name: how files are called.
        form: one of EXPORTS.
        shard_size: pictures in one tar or Parquet file.
        kept: also pictures that stay although every try was rejected.

    Raises:
        ValueError: there is nothing to export, or a picture is missing; nothing is left behind.
        ImportError: what the form needs is not installed.
    """
    lines = tuple(store.lines_of(store.keys(kept=kept)))
    if not lines:
        raise ValueError(
            f"data set {store.name!r} has no pictures to export; expected at least one; generate some first"
        )
    place = EXPORTS.index(form)
    base.mkdir(parents=True, exist_ok=True)
    part = base / f"{_FOLDERS[place]}.part"
    _clear(part)
    claim(part)
    write_json(part, part, {"format": f"{FORMAT}.export", "version": VERSION, "of": store.name})
    try:
        _WRITERS[place](Job(store, name, part, lines, shard_size, progress))
        (part / DESCRIPTION).unlink()
        return part.rename(_free(base, _FOLDERS[place]))
    except BaseException:
        _clear(part)
        raise


def _free(base: Path, name: str) -> Path:
    number = 1
    while (folder := base / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return folder


def _clear(part: Path) -> None:
    """Delete what an export left half-way: only where our own mark says that it is one."""
    if (part / DESCRIPTION).is_file() and not part.is_symlink():
        shutil.rmtree(part)

"""A set in the forms that other tools read, each into a new folder; what is there already is never overwritten.

An export that was stopped leaves what it has in <form>.part, and the next one of that form checks it and goes on.

Reads a set; writes below output/hyponet/exports. Parquet alone needs pyarrow.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ....evaluation.disk_errors import ONLY_OF_WRITING, writing
from ....evaluation.files import delete_file, replace_file
from ....evaluation.lock import only_writer
from ....evaluation.pictures.manifest import DESCRIPTION
from ....evaluation.progress import Progress
from ..croissant.layouts import (
    HASHED_SUFFIXES,
    Layout,
    NamedFile,
    captions_layout,
    csv_layout,
    parquet_layout,
    tars_layout,
    zip_layout,
)
from ..croissant.write import EXPORTED_CROISSANT, export_croissant
from ..facts import SetFacts, facts_of
from ..store.description import mark_folder
from ..store.folders import make_own_folder
from ..store.names import without_split_words
from ..store.store import DatasetStore
from .files import write_captions, write_csv, write_tars, write_zip
from .job import ExportJob
from .parquet import write_parquet


class Format(NamedTuple):
    """One form of export: the folder that it gets, what writes it there, and how Croissant describes its files."""

    folder: str
    write: Callable[[ExportJob], None]
    layout: Callable[[SetFacts, Sequence[NamedFile]], Layout]


class Exported(NamedTuple):
    """A finished export.

    Args:
        folder: that it is in.
        said: what became of what a stopped one had left, for the user; "" where there was none.
    """

    folder: Path
    said: str


_FORMATS = {
    "ImageFolder zip": Format("imagefolder", write_zip, zip_layout),
    "WebDataset tar shards": Format("webdataset", write_tars, tars_layout),
    "Parquet (Hugging Face)": Format("parquet", write_parquet, parquet_layout),
    "CSV table": Format("csv", write_csv, csv_layout),
    "captions for LoRA trainers": Format("captions", write_captions, captions_layout),
}
EXPORTS = tuple(_FORMATS)


def export(
    store: DatasetStore,
    base: Path,
    name: str,
    form: str,
    *,
    shard_size: int,
    include_fallbacks: bool,
    progress: Progress,
) -> Exported:
    """Export a set into the folder `base`/<form>, or <form>-2 and so on where that is taken.

    Args:
        base: a folder for exports of this set.
        name: how files are called; a word in it that Hugging Face takes for a split is lengthened, so that every form
            opens as one split, `train`.
        form: one of EXPORTS.
        shard_size: pictures in one tar or Parquet file.
        include_fallbacks: also pictures that stay although every attempt was rejected.

    Raises:
        ValueError: there is nothing to export, the set has damaged lines, or a picture is missing or changed.
        AnotherWriter: another process is exporting the set in this form.
        ImportError: what the form needs is not installed.
    """
    store.refuse_damage()
    records = tuple(store.records_of(store.keys(include_fallbacks=include_fallbacks)))
    if not records:
        raise ValueError(
            f"data set {store.name!r} has no pictures to export; expected at least one; generate some first"
        )
    folder, write, layout = _FORMATS[form]
    with only_writer(base / folder, f"the export of data set {store.name!r} as {form}"):
        part = base / f"{folder}.part"
        make_own_folder(part)  # nobody is at it: what is there is left by one that was stopped
        was_stopped = any(path.name != DESCRIPTION for path in part.iterdir())
        mark_folder(part, "export", store.name)
        job = ExportJob(store, without_split_words(name, "set"), part, records, shard_size, progress)
        try:
            mark = job.place(DESCRIPTION)
            with writing(mark):
                write(job)
                facts = facts_of(store, records)
                files = layout(facts, _named_files(job))
                export_croissant(job.place(EXPORTED_CROISSANT), facts, files)
                job.remove_others()
                target = _free(base, folder)
                replace_file(part, target)
        except BaseException as error:
            is_full = isinstance(error, OSError) and error.errno in ONLY_OF_WRITING
            if is_full or [path.name for path in part.iterdir()] == [DESCRIPTION]:
                _clear(part)
            raise
        delete_file(target / mark.name)  # last: without it the next export would not know the folder for ours
        return Exported(target, _said(job) if was_stopped else "")


def _named_files(job: ExportJob) -> list[NamedFile]:
    """The files of the export that hold all pictures or lines, with their hashes; single pictures are none of them."""

    def progress(read: int, total: int) -> None:
        job.say(len(job.records))

    paths = sorted(path for path in job.placed if path.suffix in HASHED_SUFFIXES)
    return [
        NamedFile(path.relative_to(job.folder).as_posix(), job.digest(path, progress), path.stat().st_size)
        for path in paths
    ]


def _said(job: ExportJob) -> str:
    if not job.kept:
        return "An export of this form had been stopped; nothing that it left could be used, all was written anew."
    return f"{len(job.kept):,} of them are from an export that had been stopped, compared with the set."


def _free(base: Path, name: str) -> Path:
    """`base`/<name>, or the first of <name>-2, <name>-3 ... that is not there yet."""
    number = 1
    while (folder := base / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return folder


def _clear(part: Path) -> None:
    """Delete what an export left half-way: only where our own mark says that it is one."""
    if (part / DESCRIPTION).is_file() and not part.is_symlink():
        shutil.rmtree(part)

"""Parquet files in Hugging Face's image form, and WebDataset tar shards, as our exports write them and others do.

Reads: *.parquet with a column of encoded pictures ({bytes, path} or bytes) and a column of labels (text, or numbers
named by Hugging Face's metadata); *.tar with <key>.png (jpg, webp) and <key>.cls (a number or a name) or <key>.json
(its "label"). <key>.txt is a caption by convention, ours too, and is never taken for a label.
"""

from __future__ import annotations

import json
import tarfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ..decode import PICTURE_SUFFIXES
from ..labelled_images import LabelledImages, labelled
from .encoded import EncodedPictures
from .folders import OURS

LABEL_COLUMNS = ("label", "labels", "class", "fine_label")
IMAGE_COLUMNS = ("image", "img", "png", "jpg")


class StoredPictures(EncodedPictures):
    """Pictures inside larger files, each by (file, offset, size). Read without a shared file position."""

    def __init__(self, locations: Sequence[tuple[Path, int, int]], names: Sequence[str]) -> None:
        super().__init__(names)
        self._locations = tuple(locations)

    def stored(self, index: int) -> bytes:
        """The picture's bytes; none, or fewer, where the file cannot be read."""
        path, offset, size = self._locations[index]
        try:
            with open(path, "rb") as file:
                file.seek(offset)
                return file.read(size)
        except OSError:
            return b""


class ParquetPictures(EncodedPictures):
    """Pictures in Parquet files. Two row groups stay in memory: reading in order decodes each group once."""

    def __init__(self, files: Sequence[Any], column: str, name: str) -> None:
        self._files = tuple(files)
        self._column = column
        self._groups = [
            (number, group) for number, file in enumerate(files) for group in range(file.metadata.num_row_groups)
        ]
        rows = [self._files[number].metadata.row_group(group).num_rows for number, group in self._groups]
        super().__init__([f"{name} row {row}" for row in range(sum(rows))])
        self._ends = np.cumsum(rows)
        self._columns: dict[int, Any] = {}  # of the last two row groups
        self._lock = threading.Lock()

    def stored(self, index: int) -> bytes:
        """The bytes in the picture's row; none where it holds something else."""
        group_index = int(np.searchsorted(self._ends, index, side="right"))
        row = index - (int(self._ends[group_index - 1]) if group_index else 0)
        with self._lock:
            if group_index not in self._columns:
                number, group = self._groups[group_index]
                table = self._files[number].read_row_group(group, columns=[self._column])
                self._columns = {**dict(list(self._columns.items())[-1:]), group_index: table.column(0)}
            value = self._columns[group_index][row].as_py()
        value = value.get("bytes") if isinstance(value, dict) else value
        return value if isinstance(value, bytes) else b""


def read_parquet(path: Path, split: str = "all", cache: Path | None = None) -> LabelledImages:
    """The pictures of one Parquet file, or of all in a folder (with a split: those whose name begins with it).

    Raises:
        ValueError: pyarrow or a column is missing, or a file is damaged.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise ValueError("reading Parquet needs pyarrow, which is not installed; run: pip install pyarrow") from None
    try:
        files = [parquet.ParquetFile(file) for file in _files(path, ".parquet", split)]
        names_of = [file.schema_arrow.names for file in files]
        image = _column(names_of[0], IMAGE_COLUMNS, path, "pictures")
        label = _column(names_of[0], LABEL_COLUMNS, path, "labels")
        stated = [value for file in files for value in file.read(columns=[label]).column(0).to_pylist()]
    except (arrow.ArrowException, OSError) as error:
        raise ValueError(f"{path.name} cannot be read as Parquet ({error}); get or export it again") from None
    if any(value is None for value in stated):
        raise ValueError(f"{path.name} has rows without a label in column {label}; expected one in each row")
    names = _class_label_names(files[0].schema_arrow.metadata or {}, label)
    if names is None:
        names = sorted({str(value) for value in stated})
        numbers = [names.index(str(value)) for value in stated]
    else:
        numbers = [int(value) for value in stated]
    title = path.stem if split == "all" else f"{path.stem} {split}"
    pictures = ParquetPictures(files, image, path.name)
    synthetic = set(names_of[0]) >= OURS
    return labelled(title, names, numbers, pictures, synthetic=synthetic, cache=cache)


def read_webdataset(path: Path, split: str = "all", cache: Path | None = None) -> LabelledImages:
    """The pictures of one tar shard, or of all in a folder (with a split: those whose name begins with it).

    Raises:
        ValueError: a shard is damaged, or a picture has no label beside it.
    """
    locations: list[tuple[Path, int, int]] = []
    names: list[str] = []
    labels: list[str] = []
    generated: list[bool] = []
    for file in _files(path, ".tar", split):
        pictures: dict[str, tuple[int, int]] = {}
        stated: dict[str, tuple[str, bool]] = {}
        try:
            # uncompressed alone: pictures are read by their offsets
            with tarfile.open(file, "r:") as archive:
                for member in archive:
                    _note(archive, member, pictures, stated)
        except (tarfile.TarError, OSError, EOFError, UnicodeDecodeError, ValueError, KeyError) as error:
            if _is_compressed(file):
                raise ValueError(
                    f"{file.name} is compressed; expected plain .tar shards, whose pictures are read where they lie; "
                    "unpack the compression first, e.g. with gunzip"
                ) from None
            raise ValueError(f"{file.name} is no whole WebDataset shard ({error}); get or export it again") from None
        for key, (offset, size) in pictures.items():
            if key not in stated:
                raise ValueError(
                    f"{file.name} has no label beside picture {key}; expected {key}.cls or a label in {key}.json"
                )
            locations.append((file, offset, size))
            names.append(f"{file.name}: {key}")
            labels.append(stated[key][0])
            generated.append(stated[key][1])
    classes = sorted(set(labels), key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name))
    number = {name: index for index, name in enumerate(classes)}
    title = path.stem if split == "all" else f"{path.stem} {split}"
    data = labelled(title, classes, [number[name] for name in labels], StoredPictures(locations, names), cache=cache)
    return replace(data, synthetic=np.array(generated))


def _note(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    pictures: dict[str, tuple[int, int]],
    stated: dict[str, tuple[str, bool]],
) -> None:
    if not member.isfile():
        return
    folder, _, last = member.name.rpartition("/")
    stem, dot, extension = last.partition(".")  # WebDataset's rule: the key ends at the first dot of the last part
    key = f"{folder}/{stem}" if folder else stem
    extension = extension.lower()
    if f".{extension}" in PICTURE_SUFFIXES:
        pictures[key] = (member.offset_data, member.size)
    elif dot and extension in ("cls", "json"):
        stored = archive.extractfile(member)
        text = stored.read().decode("utf-8").strip() if stored is not None else ""
        if extension == "json":
            record = json.loads(text)
            if isinstance(record, dict) and "label" in record:
                stated[key] = str(record["label"]), set(record) >= OURS  # a name says more than the number in .cls
        else:
            stated.setdefault(key, (text, False))


def _is_compressed(file: Path) -> bool:
    with open(file, "rb") as opened:
        return opened.read(6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"))  # gz bz2 xz zstd


def _files(path: Path, suffix: str, split: str) -> list[Path]:
    files = [path] if path.is_file() else sorted(file for file in path.rglob(f"*{suffix}") if file.is_file())
    chosen = files if split == "all" else [file for file in files if PurePosixPath(file.name).name.startswith(split)]
    if not chosen:
        which = "" if split == "all" else f" whose name begins with {split}"
        raise ValueError(f"{path.name} holds no {suffix} file{which}; expected one; check path and split")
    return chosen


def _column(present: Sequence[str], accepted: Sequence[str], path: Path, what: str) -> str:
    for name in accepted:
        if name in present:
            return name
    raise ValueError(
        f"{path.name} has the columns {', '.join(present)}; expected one of {', '.join(accepted)} for the {what}"
    )


def _class_label_names(metadata: dict[bytes, bytes], column: str) -> list[str] | None:
    try:
        feature = json.loads(metadata[b"huggingface"])["info"]["features"][column]
        return [str(name) for name in feature["names"]] if feature.get("_type") == "ClassLabel" else None
    except (KeyError, ValueError, TypeError):
        return None

"""Parquet files in Hugging Face's image form, as our exports write them and others do.

Reads: *.parquet with a column of encoded pictures ({bytes, path} or bytes) and a column of labels (text, or numbers
named by Hugging Face's metadata).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...disk_errors import is_of_disk, unreadable
from ...json_text import parse_json
from ...unicode_names import composed
from ..decode import CorruptPicture
from ..labelled_images import LabelledImages, labelled
from .encoded import EncodedPictures
from .folders import OURS
from .shards import shards
from .zips import ALWAYS_UNPACKED, MAX_RATIO

LABEL_COLUMNS = ("label", "labels", "class", "fine_label")
IMAGE_COLUMNS = ("image", "img", "png", "jpg")


class ParquetPictures(EncodedPictures):
    """Pictures in Parquet files. Two row groups stay in memory: reading in order decodes each group once."""

    def __init__(self, paths: Sequence[Path], files: Sequence[Any], column: str, name: str) -> None:
        super().__init__(())
        self._paths = tuple(paths)
        self._files = tuple(files)
        self._column = column
        self._name = name
        self._groups = [
            (number, group) for number, file in enumerate(files) for group in range(file.metadata.num_row_groups)
        ]
        self._ends = np.cumsum(
            [self._files[number].metadata.row_group(group).num_rows for number, group in self._groups]
        )
        self._columns: dict[int, Any] = {}  # of the last two row groups
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def describe(self, index: int) -> str:
        """The file or folder, and the picture's row."""
        return f"{self._name} row {index}"

    def stored(self, index: int) -> bytes:
        """The bytes in the picture's row."""
        group_index = int(np.searchsorted(self._ends, index, side="right"))
        row = index - (int(self._ends[group_index - 1]) if group_index else 0)
        with self._lock:
            value = self._read_group(group_index, index)[row].as_py()
        if isinstance(value, dict) and value.get("bytes") is None and value.get("path"):
            raise CorruptPicture(
                f"picture {self.describe(index)} is not in the file, only its path {str(value['path'])[:80]!r}; "
                "expected the pictures themselves; export the set again with them embedded"
            )
        value = value.get("bytes") if isinstance(value, dict) else value
        return value if isinstance(value, bytes) else b""

    def _read_group(self, group_index: int, index: int) -> Any:
        """The pictures' column of a row group; `index` is of the picture that it is read for."""
        if group_index in self._columns:
            return self._columns[group_index]
        number, group = self._groups[group_index]
        import pyarrow as arrow

        try:
            _refuse_swollen(self._files[number].metadata.row_group(group), self._column)
            table = self._files[number].read_row_group(group, columns=[self._column])
        except (arrow.ArrowException, OSError, ValueError) as error:
            if is_of_disk(error):
                raise unreadable(self._paths[number], error) from error
            raise CorruptPicture(
                f"picture {self.describe(index)} cannot be read ({error}), nor those near it; get or export "
                f"{self._paths[number].name} again"
            ) from None
        self._columns = {**dict(list(self._columns.items())[-1:]), group_index: table.column(0)}
        return self._columns[group_index]


def _refuse_swollen(group: Any, column: str) -> None:
    """Raise ValueError where a row group's pictures unpack to a size out of proportion."""
    chunks = [group.column(number) for number in range(group.num_columns)]
    of_pictures = [chunk for chunk in chunks if chunk.path_in_schema.split(".")[0] == column]
    packed, unpacked = (
        sum(getattr(chunk, size) for chunk in of_pictures)
        for size in ("total_compressed_size", "total_uncompressed_size")
    )
    if unpacked > max(ALWAYS_UNPACKED, MAX_RATIO * packed):
        raise ValueError(f"{packed:,} bytes that unpack to {unpacked:,} are no pictures")


def read_parquet(path: Path, split: str = "all", cache: Path | None = None) -> LabelledImages:
    """The pictures of one Parquet file, or of all in a folder (with a split: those whose name begins with it).

    Raises:
        ValueError: pyarrow or a column is missing, or a file is damaged.
        UnreadableFile: the disk does not give a file.
    """
    try:
        import pyarrow as arrow
    except ImportError:
        raise ValueError("reading Parquet needs pyarrow, which is not installed; run: pip install pyarrow") from None
    paths = shards(path, ".parquet", split)
    try:
        files = [_open(file) for file in paths]
        present = files[0].schema_arrow.names
        image = _column(present, IMAGE_COLUMNS, path, "pictures")
        label = _column(present, LABEL_COLUMNS, path, "labels")
        columns = [file.read(columns=[label]).column(0) for file in files]
        if any(column.null_count for column in columns):
            raise ValueError(f"{path.name} has rows without a label in column {label}; expected one in each row")
        stated = [_values(column) for column in columns]
    except (arrow.ArrowException, OSError) as error:
        if is_of_disk(error):
            raise unreadable(path, error) from error
        raise ValueError(f"{path.name} cannot be read as Parquet ({error}); get or export it again") from None
    names = _class_label_names(files[0].schema_arrow.metadata or {}, label)
    if names is None:
        names = sorted({composed(str(value)) for values, _ in stated for value in values})
        number = {name: index for index, name in enumerate(names)}
        numbers_of = [[number[composed(str(value))] for value in values] for values, _ in stated]
    else:
        numbers_of = [[int(value) for value in values] for values, _ in stated]
    numbers = np.concatenate(
        [np.asarray(of_file, np.int64)[rows] for of_file, (_, rows) in zip(numbers_of, stated, strict=True)]
    )
    title = path.stem if split == "all" else f"{path.stem} {split}"
    pictures = ParquetPictures(paths, files, image, path.name)
    return labelled(title, names, numbers, pictures, synthetic=set(present) >= OURS, cache=cache)


def _open(path: Path) -> Any:
    """The open file, of which a value that stands in many rows is read once."""
    import pyarrow.parquet as parquet

    metadata = parquet.read_metadata(path)
    if metadata.num_rows > path.stat().st_size:
        raise ValueError(
            f"{path.name} states {metadata.num_rows:,} rows in {path.stat().st_size:,} bytes, fewer than one for each "
            "picture; expected pictures; get or export it again"
        )
    columns = [metadata.schema.column(number) for number in range(len(metadata.schema))]
    repeated = [
        column.path
        for column in columns
        if column.physical_type == "BYTE_ARRAY" and column.path.split(".")[0] in (*IMAGE_COLUMNS, *LABEL_COLUMNS)
    ]
    return parquet.ParquetFile(path, metadata=metadata, read_dictionary=repeated)


def _values(column: Any) -> tuple[list[Any], np.ndarray]:
    """The different values of a column without empty rows, and for each row the index of its own."""
    values: list[Any] = []
    rows = [np.zeros(0, np.int64)]
    for chunk in column.chunks:
        encoded = chunk if hasattr(chunk, "dictionary") else chunk.dictionary_encode()
        rows.append(encoded.indices.to_numpy().astype(np.int64) + len(values))
        values += encoded.dictionary.to_pylist()
    return values, np.concatenate(rows)


def _column(present: Sequence[str], accepted: Sequence[str], path: Path, what: str) -> str:
    for name in accepted:
        if name in present:
            return name
    raise ValueError(
        f"{path.name} has the columns {', '.join(present)}; expected one of {', '.join(accepted)} for the {what}"
    )


def _class_label_names(metadata: dict[bytes, bytes], column: str) -> list[str] | None:
    try:
        feature = parse_json(metadata[b"huggingface"])["info"]["features"][column]
        return [str(name) for name in feature["names"]] if feature.get("_type") == "ClassLabel" else None
    except (KeyError, ValueError, TypeError):
        return None

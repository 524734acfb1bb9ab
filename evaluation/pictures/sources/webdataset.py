"""WebDataset tar shards, as our exports write them and others do.

Reads: *.tar with <key>.png (jpg, webp) and <key>.cls (a number or a name) or <key>.json (its "label"). <key>.txt is a
caption by convention, ours too, and is never taken for a label.
"""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...disk_errors import is_of_disk, unreadable
from ...json_text import parse_json
from ...unicode_names import composed
from ..decode import PICTURE_SUFFIXES
from ..labelled_images import LabelledImages, labelled
from .archive import open_tar
from .encoded import EncodedPictures, read_picture_bytes
from .folders import OURS
from .shards import shards

_MAX_LABEL = 16 << 20  # bytes of what stands beside a picture; annotations of some sets have a megabyte


class StoredPictures(EncodedPictures):
    """Pictures inside larger files, each by (file, offset, size). Read without a shared file position."""

    def __init__(self, locations: Sequence[tuple[Path, int, int]], names: Sequence[str]) -> None:
        super().__init__(names)
        self._locations = tuple(locations)

    def stored(self, index: int) -> bytes:
        """The picture's bytes; fewer where the file ends before."""
        path, offset, size = self._locations[index]
        return read_picture_bytes(path, self._names[index], offset, size)


def read_webdataset(path: Path, split: str = "all", cache: Path | None = None) -> LabelledImages:
    """The pictures of one tar shard, or of all in a folder (with a split: those whose name begins with it).

    Raises:
        ValueError: a shard is damaged, or a picture has no label beside it.
        UnreadableFile: the disk does not give a shard.
    """
    locations: list[tuple[Path, int, int]] = []
    names: list[str] = []
    labels: list[str] = []
    generated: list[bool] = []
    for file in shards(path, ".tar", split):
        pictures: dict[str, tuple[int, int]] = {}
        stated: dict[str, tuple[str, bool]] = {}
        try:
            # uncompressed alone: pictures are read by their offsets
            with open(file, "rb") as opened, open_tar(opened, _MAX_LABEL) as archive:
                for member in archive:
                    _note(archive, member, pictures, stated)
        except (tarfile.TarError, OSError, EOFError, ValueError) as error:
            if is_of_disk(error):
                raise unreadable(file, error) from error
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
            labels.append(composed(stated[key][0]))
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
            record = parse_json(text)
            if isinstance(record, dict) and "label" in record:
                stated[key] = str(record["label"]), set(record) >= OURS  # a name says more than the number in .cls
        else:
            stated.setdefault(key, (text, False))


def _is_compressed(file: Path) -> bool:
    with open(file, "rb") as opened:
        return opened.read(6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"))  # gz bz2 xz zstd

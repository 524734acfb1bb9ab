"""Image folders: one sub-folder a class, the picture files in it; as a folder, or as a zip of one.

Reads: <root>/<class>/**/<picture>, or <root>/<split>/<class>/... where a split is asked for; <root>/metadata.jsonl, if
it is there and has labels (the zips that we export).
"""

from __future__ import annotations

import json
import threading
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ..data import LabelledImages, labelled
from .encoded import EncodedPictures

_SPLITS = {"train", "test", "val", "valid", "validation"}
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")


class FilePictures(EncodedPictures):
    """Pictures as files below a root."""

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        super().__init__(names)
        self._root = root

    def stored(self, index: int) -> bytes:
        try:
            return (self._root / self._names[index]).read_bytes()
        except OSError:
            return b""


class ZipPictures(EncodedPictures):
    """Pictures as members of one zip file; closed with the last reference to it."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        super().__init__(names)
        self._zip = zipfile.ZipFile(path)
        self._lock = threading.Lock()

    def stored(self, index: int) -> bytes:
        try:
            with self._lock:
                return self._zip.read(self._names[index])
        except (zipfile.BadZipFile, OSError, zlib.error, EOFError):
            return b""


def read_folder(root: Path, *, split: str = "", name: str = "", cache: Path | None = None) -> LabelledImages:
    """The pictures of an image folder, or of a zip of one; classes in alphabetical order, as torchvision has them.

    Args:
        root: the folder that holds the class folders (or the split folders), or a .zip file.
        split: the sub-folder with the class folders, such as `train` (`validation` may be called val or valid); empty
            where the classes lie in the root.
        name: how tables name it; default: the folder's name.

    Raises:
        ValueError: no class folder with a picture is there, a split has to be chosen, or the zip is damaged.
    """
    title = name or (f"{root.stem} {split}" if split else root.stem)
    if root.is_file():
        members = _zip_members(root)
    else:
        members = sorted(
            path.relative_to(root).as_posix()
            for path in root.rglob("*")
            if path.suffix.lower() in PICTURES and path.is_file() and not _hidden(path.relative_to(root).parts)
        )
    found = _by_class(members, split)
    if not split and all(label in _SPLITS and member.count("/") > 1 for label, member in found):
        raise ValueError(
            f"{root.name} holds the folders {', '.join(sorted({label for label, _ in found}))}, which look like splits "
            "with class folders inside, not like classes; choose the split"
        )
    if not found:
        where = f"{root.name}/{split}" if split else root.name
        raise ValueError(
            f"{where} holds no class folder with pictures; expected <class>/<picture>.png and the like "
            f"({', '.join(PICTURES)}); give the folder above the class folders, or another split"
        )
    real = {} if split else _listed_labels(root)
    found = [(real.get(member, label), member) for label, member in found]
    classes = sorted({label for label, _ in found})
    number = {label: place for place, label in enumerate(classes)}
    found.sort(key=lambda pair: (number[pair[0]], pair[1]))
    names = [member for _, member in found]
    source = ZipPictures(root, names) if root.is_file() else FilePictures(root, names)
    return labelled(title, classes, [number[label] for label, _ in found], source, cache=cache)


def _by_class(members: Sequence[str], split: str) -> list[tuple[str, str]]:
    """(class, member) of the members in class folders below the split's folder, under the first of its usual names."""
    for name in ("validation", "val", "valid") if split == "validation" else (split,):
        start = f"{name}/" if name else ""
        inside = [member for member in members if member.startswith(start) and "/" in member[len(start) :]]
        if inside:
            return [(member[len(start) :].split("/")[0], member) for member in inside]
    return []


def _listed_labels(root: Path) -> dict[str, str]:
    """File -> label, where a metadata.jsonl in the root says it: names that no folder can have (our zips hold one)."""
    try:
        if root.is_file():
            with zipfile.ZipFile(root) as archive:
                text = archive.read("metadata.jsonl").decode("utf-8")
        else:
            text = (root / "metadata.jsonl").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines() if line.strip()]
        return {str(line["file_name"]): line["label"] for line in lines if isinstance(line.get("label"), str)}
    except (OSError, KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile):
        return {}


def _hidden(parts: Sequence[str]) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in parts)


def _zip_members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise ValueError(f"{path.name} is no whole zip file ({error}); expected a zip of class folders") from None
    parts = [name for name in names if PurePosixPath(name).suffix.lower() in PICTURES]
    return sorted(name for name in parts if not _hidden(PurePosixPath(name).parts))

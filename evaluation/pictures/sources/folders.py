"""Image folders: one sub-folder a class, the picture files in it; as a folder, or as a zip of one.

Reads: <root>/<class>/**/<picture>, or <root>/<split>/<class>/... where a split is asked for, also where a lone folder
lies around them; metadata.jsonl beside the class folders, if it is there and has labels (the zips that we export).
Files may be links; folders that are links are skipped with a warning.
"""

from __future__ import annotations

import logging
import lzma
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from ..decode import PICTURE_SUFFIXES, has_picture_suffix
from ..labelled_images import LabelledImages, labelled
from ..manifest import MANIFEST, columns_of, is_blank
from .encoded import EncodedPictures

logger = logging.getLogger("hyponet")

_SPLITS = {"train", "test", "val", "valid", "validation"}  # in small letters; folders may have capitals (Kaggle's do)
# pictures that people have and Pillow does not read by itself: a class of them is no class without pictures
_FOREIGN = (".heic", ".heif", ".jxl", ".svg", ".psd", ".exr", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf")
# a member's size unpacked, against its size packed: deflate packs zeros 1,000 to one, pictures hardly at all, and what
# is small may be as flat as it likes
_MAX_RATIO, _ALWAYS_UNPACKED = 100, 16 << 20
_UTF8_FLAG = 0x800  # of a zip's member: its name is UTF-8
OURS = {"prompt", "seed", "attempt"}  # what only the manifest of a generated set has
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
# what zipfile raises for damage, for encryption (RuntimeError) and for methods it lacks (NotImplementedError, one too)
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
)


class FilePictures(EncodedPictures):
    """Pictures as files below a root."""

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        super().__init__(names)
        self._root = root

    def stored(self, index: int) -> bytes:
        """The file's bytes; none where it cannot be read."""
        try:
            return (self._root / self._names[index]).read_bytes()
        except OSError:
            return b""


class ZipPictures(EncodedPictures):
    """Pictures as members of one zip file; closed with the last reference to it."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        super().__init__(names)
        self._zip = zipfile.ZipFile(path)
        self._entries = _entries(self._zip)
        self._lock = threading.Lock()

    def stored(self, index: int) -> bytes:
        """The member's bytes; none where it is damaged, or states a size that no picture has."""
        entry = self._entries[self._names[index]]
        if entry.file_size > _ALWAYS_UNPACKED and entry.file_size > _MAX_RATIO * entry.compress_size:
            logger.warning(
                "%s: %d bytes that unpack to %d are no picture",
                self._names[index],
                entry.compress_size,
                entry.file_size,
            )
            return b""
        try:
            with self._lock:
                return self._zip.read(entry)  # zipfile reads no more than the size that the entry states
        except _UNREADABLE:
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
    files = _zip_members(root) if root.is_file() else _folder_members(root)
    members = [member for member in files if has_picture_suffix(member)]
    foreign_members = [member for member in files if not has_picture_suffix(member)]
    listed = {} if split else _listed(root, "")
    start = "" if listed else _wrapper(members)
    if start and not split:
        listed = _listed(root, start)
    entries = _by_class(members, start, split)
    if entries and not split and all(label.casefold() in _SPLITS and "/" in path for label, path, _ in entries):
        raise ValueError(
            f"{root.name} holds the folders {', '.join(sorted({label for label, _, _ in entries}))}, which look like "
            "splits with class folders inside, not like classes; choose the split"
        )
    if not entries:
        raise ValueError(_no_class_folder(root, members, split))
    readable = {label for label, _, _ in entries}
    foreign = sorted({label for label, _, _ in _by_class(foreign_members, start, split)} - readable)
    if foreign:
        raise ValueError(
            f"{root.name} holds class folders without a readable picture ({', '.join(foreign[:5])}), only files "
            f"such as {foreign_members[0]}; expected PNG, JPEG, WebP and the like; convert them, or take the folder out"
        )
    pictures = [(*listed.get(member, (label, False)), member) for label, _, member in entries]
    classes = sorted({label for label, _, _ in pictures})
    number = {label: index for index, label in enumerate(classes)}
    pictures.sort(key=lambda entry: (number[entry[0]], entry[2]))
    names = [member for _, _, member in pictures]
    source = ZipPictures(root, names) if root.is_file() else FilePictures(root, names)
    data = labelled(title, classes, [number[label] for label, _, _ in pictures], source, cache=cache)
    return replace(data, synthetic=np.array([generated for _, generated, _ in pictures]))


def _wrapper(members: Sequence[str]) -> str:
    """`pets/` where one folder lies around all others, as zips often have it: pets/cat/..., pets/dog/...; else nothing.

    A lone folder with pictures directly in it, or with one folder of pictures below it, is a class.
    """
    inside = [member for member in members if "/" in member]
    tops = {member.split("/")[0] for member in inside}
    folders = {member.rpartition("/")[0] for member in inside}
    if len(tops) != 1 or len(folders) < 2 or tops & folders or {top.casefold() for top in tops} & _SPLITS:
        return ""
    return f"{tops.pop()}/"


def _by_class(members: Sequence[str], start: str, split: str) -> list[tuple[str, str, str]]:
    """(class, path below its folder, member) of the members below the split's folder, under the first of its names."""
    for name in ("validation", "val", "valid") if split == "validation" else (split,):
        prefix = f"{start}{_spelled(members, start, name)}/" if name else start
        inside = [(member[len(prefix) :], member) for member in members if member.startswith(prefix)]
        parted = [(*below.partition("/"), member) for below, member in inside]
        entries = [(label, path, member) for label, slash, path, member in parted if slash]
        if entries:
            return entries
    return []


def _spelled(members: Sequence[str], start: str, name: str) -> str:
    """The split's folder as it is spelled there: `train`, else Train, TRAIN ..."""
    folders = {member[len(start) :].split("/")[0] for member in members if member.startswith(start)}
    if name in folders:
        return name
    return next((folder for folder in sorted(folders) if folder.casefold() == name), name)


def _no_class_folder(root: Path, members: Sequence[str], split: str) -> str:
    where = f"{root.name}/{split}" if split else root.name
    start = f"{split}/" if split else ""
    if any(member.startswith(start) and "/" not in member[len(start) :] for member in members):
        return (
            f"{where} holds no class folder: its pictures lie directly in it; expected one folder per class; put them "
            f"into {where}/<class>/"
        )
    return (
        f"{where} holds no class folder with pictures; expected <class>/<picture>.png and the like "
        f"({', '.join(PICTURE_SUFFIXES)}); give the folder above the class folders, or another split"
    )


def _listed(root: Path, start: str) -> dict[str, tuple[str, bool]]:
    """File -> (label, whether it is generated), where a metadata.jsonl beside the class folders has labels.

    Labels can be names that no folder can have; our zips hold such a file.
    """
    try:
        if root.is_file():
            with zipfile.ZipFile(root) as archive:
                content = archive.read(f"{start}{MANIFEST}")
        else:
            content = (root / start / MANIFEST).read_bytes()
        rows = [columns_of(line) for line in content.split(b"\n") if not is_blank(line)]
        labels = [columns for columns in rows if isinstance(columns.get("label"), str)]
        return {start + str(columns["file_name"]): (columns["label"], set(columns) >= OURS) for columns in labels}
    except (KeyError, *_UNREADABLE):
        return {}


def _hidden(parts: Sequence[str]) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in parts)


def _is_picture_of_any_kind(name: str) -> bool:
    return has_picture_suffix(name) or name.lower().endswith(_FOREIGN)


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members by their names with / between the parts, as old .NET does not write them, and in their own letters.

    A name without the flag for UTF-8 is IBM's code page 437 by the standard, which is what zipfile takes it for. macOS
    leaves the flag out of UTF-8, and Korean Windows writes its own code page: names are taken for the first that fits
    all of them (EUC-KR is the part of code page 949 that no western name fits by chance).
    """
    unflagged = {entry.filename: entry for entry in archive.infolist() if not entry.flag_bits & _UTF8_FLAG}
    codec = next((codec for codec in ("utf-8", "euc_kr") if _fits(unflagged, codec)), "cp437")
    names = {
        (entry.filename.encode("cp437").decode(codec) if entry.filename in unflagged else entry.filename): entry
        for entry in archive.infolist()
    }
    return {name.replace("\\", "/").lstrip("/"): entry for name, entry in names.items()}


def _fits(names: Iterable[str], codec: str) -> bool:
    try:
        for name in names:
            name.encode("cp437").decode(codec)
    except UnicodeError:
        return False
    return True


def _folder_members(root: Path) -> list[str]:
    """The pictures below a folder, foreign ones too; a folder that is a link is not entered: it may lead anywhere."""
    members, links = [], []
    for path in root.rglob("*"):
        name = path.relative_to(root)
        if _hidden(name.parts):
            continue
        if _is_picture_of_any_kind(path.name) and path.is_file():
            members.append(name.as_posix())
        elif path.is_symlink() and not path.is_file():
            links.append(name.as_posix())
    if links:
        logger.warning(
            "%s: %d links to folders or to nothing are skipped (%s); put the folders themselves there",
            root.name,
            len(links),
            ", ".join(sorted(links)[:5]),
        )
    return sorted(members)


def _zip_members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _entries(archive)
    except _UNREADABLE as error:
        raise ValueError(f"{path.name} is no whole zip file ({error}); expected a zip of class folders") from None
    pictures = {name: entry for name, entry in entries.items() if _is_picture_of_any_kind(name)}
    members = sorted(name for name in pictures if not _hidden(PurePosixPath(name).parts))
    for name in members:
        if pictures[name].flag_bits & 1:
            raise ValueError(f"{path.name}: {name} is encrypted; expected a zip without a password; unpack it first")
        method = pictures[name].compress_type
        if method not in _METHODS:
            raise ValueError(
                f"{path.name}: {name} is packed by method {method} (9 is Deflate64), which Python cannot read; "
                "expected stored or deflated pictures; unpack the zip, or pack it again"
            )
    return members

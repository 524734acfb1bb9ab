"""Image folders: one sub-folder a class, the picture files in it; as a folder, or as a zip of one.

Reads: <root>/<class>/**/<picture>, or <root>/<split>/<class>/... where a split is asked for, also where a lone folder
lies around them; metadata.jsonl beside the class folders, if it is there and has labels (the zips that we export).
Files may be links; folders that are links are skipped with a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from ...files import read_file
from ...unicode_names import composed
from ..decode import PICTURE_SUFFIXES, has_picture_suffix
from ..labelled_images import LabelledImages, labelled
from ..manifest import MANIFEST, columns_of, is_blank
from .files import FilePictures, files_below
from .zips import ZipPictures, read_zip_member, zip_members

logger = logging.getLogger("hyponet")

# what people call the folder of a split, in small letters; folders may have capitals (Kaggle's do)
_SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid"),
    "test": ("test", "testing"),
}
_SPLIT_OF = {spelling: split for split, spellings in _SPLITS.items() for spelling in spellings}
# pictures that people have and Pillow does not read by itself: a class of them is no class without pictures
_FOREIGN = (".heic", ".heif", ".jxl", ".svg", ".psd", ".exr", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf")
_MAX_LINE = 1 << 20  # bytes of a line with a picture's label; ours have some hundreds, mostly of the prompt
OURS = {"prompt", "seed", "attempt"}  # what only the manifest of a generated set has


def read_folder(root: Path, *, split: str = "", name: str = "", cache: Path | None = None) -> LabelledImages:
    """The pictures of an image folder, or of a zip of one; classes in alphabetical order, as torchvision has them.

    Files of kinds that cannot be read are listed in `skipped`, and folders without a picture. Two folders whose names
    differ in Unicode's form alone, as a Mac and others write one name, are one class.

    Args:
        root: the folder that holds the class folders (or the split folders), or a .zip file.
        split: the sub-folder with the class folders, such as `train` (`validation` may be called val or valid); empty
            where the classes lie in the root.
        name: how tables name it; default: the folder's name.

    Raises:
        ValueError: no class folder with a picture is there, a class folder has pictures of a foreign kind alone, a
            split has to be chosen or is none, the labels beside the folders or the zip are damaged.
        UnreadableFile: the disk does not give a folder or the zip.
    """
    if split and split not in _SPLITS:
        raise ValueError(f"split is {split[:40]!r}; expected one of: {', '.join(_SPLITS)}; choose one, or none")
    title = name or (f"{root.stem} {split}" if split else root.stem)
    folders: list[str] = []
    files = zip_members(root, _is_picture_of_any_kind) if root.is_file() else _folder_members(root, folders)
    members = [member for member in files if has_picture_suffix(member)]
    foreign_members = [member for member in files if not has_picture_suffix(member)]
    listed = {} if split else _listed(root, "", members)
    start = "" if listed else _wrapper(members)
    if start and not split:
        listed = _listed(root, start, members)
    below = _split_folder(members, start, split) if split else start
    entries = _by_class(members, below)
    splits = [] if split else _split_folders(entries)
    if splits:
        raise ValueError(
            f"{root.name} holds the folders {', '.join(splits)}, which look like splits with class folders inside, not "
            "like classes; choose the split"
        )
    if not entries:
        raise ValueError(_no_class_folder(root, members, split))
    foreign = _by_class(foreign_members, below)
    without = sorted({label for label, _, _ in foreign} - {label for label, _, _ in entries})
    if without:
        raise ValueError(
            f"{root.name} holds class folders without a readable picture ({', '.join(without[:5])}), only files "
            f"such as {foreign_members[0]}; expected PNG, JPEG, WebP and the like; convert them, or take the folder out"
        )
    pictures = [(*listed.get(composed(member), (label, False)), member) for label, _, member in entries]
    classes = sorted({label for label, _, _ in pictures})
    number = {label: index for index, label in enumerate(classes)}
    pictures.sort(key=lambda entry: (number[entry[0]], entry[2]))
    names = [member for _, _, member in pictures]
    source = ZipPictures(root, names) if root.is_file() else FilePictures(root, names)
    data = labelled(title, classes, [number[label] for label, _, _ in pictures], source, cache=cache)
    synthetic = np.array([generated for _, generated, _ in pictures])
    candidates = [folder for folder in folders if not split or folder.startswith(below)]  # not those of other splits
    bare = _without_picture(root, candidates, files)
    skipped = [*(member for _, _, member in foreign), *(f"{folder}/ (no picture)" for folder in bare)]
    return replace(data, synthetic=synthetic, skipped=tuple(skipped))


def _wrapper(members: Sequence[str]) -> str:
    """`pets/` where one folder lies around all others, as zips often have it: pets/cat/..., pets/dog/...; else nothing.

    A lone folder with pictures directly in it, or with one folder of pictures below it, is a class.
    """
    inside = [member for member in members if "/" in member]
    tops = {member.split("/")[0] for member in inside}
    folders = {member.rpartition("/")[0] for member in inside}
    if len(tops) != 1 or len(folders) < 2 or tops & folders or any(top.casefold() in _SPLIT_OF for top in tops):
        return ""
    return f"{tops.pop()}/"


def _split_folder(members: Sequence[str], start: str, split: str) -> str:
    """`train/` for the split train: the first folder of its names that holds a class folder."""
    spelled = [f"{start}{_spelled(members, start, name)}/" for name in _SPLITS[split]]
    return next((folder for folder in spelled if _by_class(members, folder)), spelled[0])


def _by_class(members: Sequence[str], folder: str) -> list[tuple[str, str, str]]:
    """(class, path below its folder, member) of the members below `folder`, which is empty or ends in a slash."""
    inside = [(member[len(folder) :], member) for member in members if member.startswith(folder)]
    parted = [(*below.partition("/"), member) for below, member in inside]
    return [(composed(label), path, member) for label, slash, path, member in parted if slash]


def _split_folders(entries: Sequence[tuple[str, str, str]]) -> list[str]:
    """The classes that are rather splits: folders of folders called train and test, or nothing but one called so."""
    flat = {label for label, path, _ in entries if "/" not in path}
    splits = sorted({label for label, _, _ in entries if label.casefold() in _SPLIT_OF} - flat)
    is_all = {label for label, _, _ in entries} == set(splits)
    return splits if is_all or len({_SPLIT_OF[label.casefold()] for label in splits}) > 1 else []


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


def _listed(root: Path, start: str, members: Sequence[str]) -> dict[str, tuple[str, bool]]:
    """Composed path -> (label, whether it is generated), where a metadata.jsonl beside the class folders has labels.

    Labels can be names that no folder can have; our zips hold such a file. Lines about other things say nothing here.

    Raises:
        ValueError: a line cannot be read, so that the label of some picture is not known.
    """
    try:
        where = f"{start}{MANIFEST}"
        content = read_zip_member(root, where) if root.is_file() else read_file(root / where)
    except FileNotFoundError:
        return {}
    composed_members = {composed(member) for member in members}
    labels: dict[str, tuple[str, bool]] = {}
    is_read, damage = False, ""
    for number, line in enumerate(content.split(b"\n"), 1):
        if is_blank(line):
            continue
        try:
            if len(line) > _MAX_LINE:
                raise ValueError(f"has {len(line):,} bytes")
            columns = columns_of(line)
        except ValueError as error:
            damage = damage or f"line {number} {error}"
            continue
        is_read = True
        path, label = composed(f"{start}{columns.get('file_name')}"), columns.get("label")
        if path in composed_members and isinstance(label, str):
            labels[path] = composed(label), set(columns) >= OURS
    if damage and (labels or not is_read):
        raise ValueError(
            f"{where} in {root.name}, {damage}; expected the label of a picture in each line; mend the line, or delete "
            "the file: then the folders name the classes"
        )
    return labels


def _is_picture_of_any_kind(name: str) -> bool:
    return has_picture_suffix(name) or name.lower().endswith(_FOREIGN)


def _folder_members(root: Path, folders: list[str]) -> list[str]:
    """The pictures below a folder, foreign ones too; links that may be one and are left out are said.

    Args:
        folders: gets all folders below it.
    """
    files, links, below = files_below(root)
    folders += below
    if links:
        logger.warning(
            "%s: %d links to folders or to nothing are skipped (%s); put the folders themselves there",
            root.name,
            len(links),
            ", ".join(links[:5]),
        )
    return [file for file in files if _is_picture_of_any_kind(file)]


def _without_picture(root: Path, folders: Sequence[str], members: Sequence[str]) -> list[str]:
    """The folders that hold no picture of any kind, which is said."""
    with_pictures = {parent.as_posix() for member in members for parent in PurePosixPath(member).parents}
    bare = [folder for folder in folders if folder not in with_pictures]
    if bare:
        logger.warning("%s: %d folders hold no picture (%s)", root.name, len(bare), ", ".join(bare[:5]))
    return bare

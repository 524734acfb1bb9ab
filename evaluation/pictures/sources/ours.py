"""Our own data sets: what metadata.jsonl lists, and dataset.json's order of the classes.

Reads: <set>/dataset.json, metadata.jsonl, rejected.jsonl, the pictures. Lines count as they do for the set itself: a
torn last one and one that was rejected before a crash do not, a whole one without a line break does. Pictures that no
try could make right (status `fallback`) are left out, as exports leave them out.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ...disk_errors import reading
from ...files import read_file
from ...unicode_names import composed
from ..description import class_entries, read_content
from ..labelled_images import LabelledImages, labelled
from ..making import Making
from ..manifest import (
    DESCRIPTION,
    FAILED,
    MANIFEST,
    PASSED,
    REJECTION_LOG,
    Head,
    Record,
    columns_of,
    is_blank,
    is_torn,
)
from ..placed_lines import Starts, placed_heads
from ..unlisted import rank_in_name, refuse_lost_lines
from .files import FilePictures

Key = tuple[str, int]  # label, rank

_BLOCK_BYTES = 256 << 10  # of lines that are checked at once


def is_ours(path: Path) -> bool:
    """True for a folder that our Generate Dataset or Save to Dataset made."""
    return (path / MANIFEST).is_file() and (path / DESCRIPTION).is_file()


def read_ours(path: Path, name: str = "", cache: Path | None = None) -> LabelledImages:
    """The good pictures of one of our sets, in the manifest's order within each class.

    Pictures that no line names, as a crash leaves some, are listed in `skipped`.

    Raises:
        ValueError: it is not a HypoNet set, of another version, damaged, lost lines, or has no good picture.
        UnreadableFile: the disk does not give one of its files.
    """
    if not is_ours(path):
        raise ValueError(
            f"{path.name} is not a HypoNet set: it has no {DESCRIPTION} and {MANIFEST}; expected a set of Generate "
            "Dataset; for others choose the source `image folder`"
        )
    content = read_content(path)
    folders = {entry.label: entry.folder for entry in class_entries(content)}
    on_disk = _names_on_disk(path)
    files = _files_of_classes(path, folders, on_disk)
    rejected = _rejected_attempts(path)
    pictures = _pictures(path, folders, on_disk, rejected)
    unlisted = _unlisted(files, {*pictures, *rejected})
    refuse_lost_lines(path.name, unlisted, len(pictures), content["pictures"])
    _refuse_links(path, pictures, files)
    keys = [key for key, picture in pictures.items() if not picture.is_fallback]
    if not keys:
        raise ValueError(f"{path.name} has no good picture; expected at least one; run Generate Dataset again")
    used = {label for label, _ in keys}
    classes = [label for label in folders if label in used]
    numbers = {label: number for number, label in enumerate(classes)}
    keys.sort(key=lambda key: (numbers[key[0]], key[1]))
    source = FilePictures(path, [pictures[key].file_name for key in keys])  # hashed as they lie there
    labels = [numbers[label] for label, _ in keys]
    verdicts = Counter(pictures[key].check for key in keys)
    making = Making.of_set(path.name, content, len(keys), verdicts[PASSED], verdicts[FAILED])
    data = labelled(name or path.name, classes, labels, source, synthetic=making.is_generated, cache=cache)
    return replace(data, skipped=tuple(unlisted), makings=(making,))


class _Picture(NamedTuple):
    """What is needed of a line; `file_name` as it is spelled on the disk."""

    attempt: int
    is_fallback: bool
    file_name: str
    check: str


def _pictures(
    path: Path, folders: Mapping[str, str], on_disk: Mapping[str, Sequence[str]], rejected: Mapping[Key, int]
) -> dict[Key, _Picture]:
    """The picture of each item; of lines for one the last attempt counts, by its first line."""
    pictures: dict[Key, _Picture] = {}
    for label, rank, attempt, is_fallback, file_name, check in _heads(path / MANIFEST, folders):
        key = (label, rank)
        if not is_fallback and attempt == rejected.get(key):
            continue  # a crash left the line behind while the item was being rejected
        if key not in pictures or pictures[key].attempt != attempt:
            spelled = _as_spelled(path, file_name.decode("utf-8", "surrogatepass"), on_disk)
            pictures[key] = _Picture(attempt, is_fallback, spelled, check)
    return pictures


def _heads(file: Path, folders: Mapping[str, str]) -> Iterator[Head]:
    """The heads of all lines but for blank ones and a torn last one; a damaged line is an error."""
    content = read_file(file)
    end = content.rfind(b"\n") + 1
    content = content[:end] if is_torn(content[end:]) else content + b"\n"  # an editor strips the last line break
    starts, number, start = Starts(folders), 0, 0
    while start < len(content):
        end = content.find(b"\n", start + _BLOCK_BYTES) + 1 or len(content)
        block = content[start:end]
        heads, damage = placed_heads(block, starts)
        if damage:
            offset = min(damage)
            raise _damage(file, number + offset + 1, str(damage[offset]))
        yield from heads
        number, start = number + block.count(b"\n"), end


def _files_of_classes(
    path: Path, folders: Mapping[str, str], on_disk: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, list[os.DirEntry[str]]]]:
    """label -> class folder, as it is spelled on the disk -> what lies in it.

    Raises:
        ValueError: a class folder is a link, which could lead anywhere.
    """
    files: dict[str, dict[str, list[os.DirEntry[str]]]] = {}
    for label, folder in folders.items():
        files[label] = {}
        for name in on_disk.get(composed(folder), []):
            if (path / name).is_symlink():
                raise ValueError(f"{path.name}/{name} is a link; expected a folder in the set; copy it there")
            if (path / name).is_dir():
                with reading(path / name), os.scandir(path / name) as entries:
                    files[label][name] = list(entries)
    return files


def _unlisted(files: Mapping[str, Mapping[str, Sequence[os.DirEntry[str]]]], known: Collection[Key]) -> list[str]:
    """Pictures that are called as the set calls its own and are of no item of `known`; see `DatasetStore.unlisted`."""
    return sorted(
        f"{folder}/{entry.name}"
        for label, in_folders in files.items()
        for folder, entries in in_folders.items()
        for entry in entries
        if (rank := rank_in_name(entry.name)) >= 0 and (label, rank) not in known
    )


def _refuse_links(
    root: Path, pictures: Mapping[Key, _Picture], files: Mapping[str, Mapping[str, Sequence[os.DirEntry[str]]]]
) -> None:
    """Raise ValueError for a picture that is a link: it could be any file of the machine."""
    links = {
        f"{folder}/{entry.name}"
        for in_folders in files.values()
        for folder, entries in in_folders.items()
        for entry in entries
        if entry.is_symlink()
    }
    for picture in pictures.values() if links else ():
        if picture.file_name in links:
            raise ValueError(f"{root.name}/{picture.file_name} is a link; expected a file in the set; copy it there")


def _rejected_attempts(path: Path) -> dict[Key, int]:
    """(label, rank) -> number of the last attempt that was rejected."""
    attempts: dict[Key, int] = {}
    for number, line in _lines(path / REJECTION_LOG):
        try:
            record = Record.from_columns(columns_of(line).get("record"))
        except ValueError as error:
            raise _damage(path / REJECTION_LOG, number, str(error)) from None
        attempts[record.key] = max(record.attempt, attempts.get(record.key, -1))
    return attempts


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """(number, line) but for blank lines and a torn last one; none where there is no such file."""
    try:
        lines = read_file(file).split(b"\n")
    except FileNotFoundError:
        return
    for number, line in enumerate(lines, 1):
        if not is_blank(line) and (number < len(lines) or not is_torn(line)):
            yield number, line


def _damage(file: Path, number: int, problem: str) -> ValueError:
    return ValueError(f"{file.parent.name}/{file.name}, line {number} {problem}; run Verify Dataset")


def _names_on_disk(path: Path) -> dict[str, list[str]]:
    """Composed name -> the names, in either form of letters, that folders of the set have."""
    names: dict[str, list[str]] = {}
    for entry in os.scandir(path):
        names.setdefault(composed(entry.name), []).append(entry.name)
    return names


def _as_spelled(path: Path, file_name: str, on_disk: Mapping[str, Sequence[str]]) -> str:
    """`file_name` with its folder as it is called on disk; where two are called so, that which has the file."""
    folder, _, file = file_name.partition("/")
    names = on_disk.get(composed(folder), [])
    if len(names) > 1:
        names = [name for name in sorted(names, key=folder.__ne__) if (path / name / file).exists()]
    return f"{names[0]}/{file}" if names else file_name

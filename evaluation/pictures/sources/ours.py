"""Our own data sets: what metadata.jsonl lists, and dataset.json's order of the classes.

Reads: <set>/dataset.json, metadata.jsonl, rejected.jsonl, the pictures. Lines count as they do for the set itself: a
torn last one and one that was rejected before a crash do not, a whole one without a line break does. Pictures that no
try could make right (status `fallback`) are left out, as exports leave them out.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...disk_errors import reading
from ...files import read_file
from ...unicode_names import composed
from ..description import class_entries, read_content
from ..labelled_images import LabelledImages, labelled
from ..manifest import (
    DESCRIPTION,
    GOOD,
    MANIFEST,
    REJECTION_LOG,
    Record,
    columns_of,
    is_blank,
    is_torn,
    misplaced,
    parse,
)
from ..unlisted import rank_in_name, refuse_lost_lines
from .files import FilePictures


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
    folders = {entry.label: entry.folder for entry in class_entries(read_content(path))}
    on_disk, rejected = _names_on_disk(path), _rejected_attempts(path)
    all_records = _records(path, folders, on_disk, rejected)
    unlisted = _unlisted(path, folders, on_disk, {*all_records, *rejected})
    refuse_lost_lines(path.name, unlisted)
    records = [record for record in all_records.values() if record.status == GOOD]
    if not records:
        raise ValueError(f"{path.name} has no good picture; expected at least one; run Generate Dataset again")
    used = {record.label for record in records}
    classes = [label for label in folders if label in used]
    numbers = {label: number for number, label in enumerate(classes)}
    records.sort(key=lambda record: (numbers[record.label], record.rank))
    file_names = [record.file_name for record in records]
    labels = [numbers[record.label] for record in records]
    pictures = FilePictures(path, file_names)  # hashed as they lie there: the manifest knows what was written once
    data = labelled(name or path.name, classes, labels, pictures, synthetic=True, cache=cache)
    return replace(data, skipped=tuple(unlisted))


def _records(
    path: Path,
    folders: Mapping[str, str],
    on_disk: Mapping[str, Sequence[str]],
    rejected: Mapping[tuple[str, int], int],
) -> dict[tuple[str, int], Record]:
    """(label, rank) -> its record; of lines for one item the last attempt counts, by its first line."""
    records: dict[tuple[str, int], Record] = {}
    for number, line in _lines(path / MANIFEST):
        try:
            record = parse(line)
            problem = misplaced(record, folders)
        except ValueError as error:
            problem = str(error)
        if problem:
            raise _damage(path / MANIFEST, number, problem)
        if record.status == GOOD and record.attempt == rejected.get(record.key):
            continue  # a crash left the line behind while the item was being rejected
        if record.key not in records or records[record.key].attempt != record.attempt:
            spelled = _as_spelled(path, record.file_name, on_disk)
            records[record.key] = record if spelled == record.file_name else replace(record, file_name=spelled)
    _refuse_links(path, records.values())
    return records


def _unlisted(
    path: Path, folders: Mapping[str, str], on_disk: Mapping[str, Sequence[str]], known: Collection[tuple[str, int]]
) -> list[str]:
    """Pictures that are called as the set calls its own and are of no item of `known`; see `DatasetStore.unlisted`."""
    unlisted = []
    for label, folder in folders.items():
        for name in on_disk.get(composed(folder), []):
            if not (path / name).is_dir():
                continue
            with reading(path / name):
                files = os.listdir(path / name)
            ranked = ((file, rank_in_name(file)) for file in files)
            unlisted += [f"{name}/{file}" for file, rank in ranked if rank >= 0 and (label, rank) not in known]
    return sorted(unlisted)


def _rejected_attempts(path: Path) -> dict[tuple[str, int], int]:
    """(label, rank) -> number of the last attempt that was rejected."""
    attempts: dict[tuple[str, int], int] = {}
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


def _refuse_links(root: Path, records: Collection[Record]) -> None:
    """Raise ValueError for a picture that is a link, or lies behind one: it could be any file of the machine."""
    for folder in {record.file_name.split("/")[0] for record in records}:
        if (root / folder).is_symlink():
            raise ValueError(f"{root.name}/{folder} is a link; expected a folder in the set; copy it there")
    for record in records:
        if (root / record.file_name).is_symlink():
            raise ValueError(f"{root.name}/{record.file_name} is a link; expected a file in the set; copy it there")

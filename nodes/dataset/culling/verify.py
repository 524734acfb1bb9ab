"""Is every picture of a set there, whole and unchanged, and is nothing else?

Reads every file of a set; marks what is lost, and moves unlisted pictures and near-duplicates to the folder of rejects.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ....evaluation.chunks import chunks
from ....evaluation.disk_errors import refuse_to_go_on
from ....evaluation.files import read_file
from ....evaluation.pictures.decode import CorruptPicture, decode, has_picture_suffix
from ....evaluation.pictures.generated_mark import has_mark
from ....evaluation.pictures.manifest import Record
from ....evaluation.pictures.perceptual import PerceptualHash, near_duplicates, perceptual_hash
from ....evaluation.progress import Progress
from ....evaluation.unicode_names import composed
from ..store.damage import DamagedLine
from ..store.store import DatasetStore
from ..store.writable_store import WritableStore
from .marks import DEFAULT_ATTEMPTS, Mark, MarkCounts, count_missing, mark

_BATCH = 64  # pictures in flight: so many are decoded ahead of the one that is looked at
_MISSING, _CORRUPT, _CHANGED = "missing", "corrupt", "changed"  # problems of a file

Key = tuple[str, int]


@dataclass
class Findings:
    """What is wrong: (label, rank) of items, or paths relative to the set for `unlisted`.

    Args:
        missing: no file. corrupt: cannot be decoded. changed: can, but is not the file that was written.
        damaged_lines: of manifest and rejections, as they were when the set was opened.
        near_duplicates: (the one that stays, the one that looks like it).
        unmarked: readable pictures whose file does not say that a model made it. No problem by itself: those that a
            native graph loaded from files are photos, say, and never get the mark.
    """

    checked: int = 0
    missing: list[Key] = field(default_factory=list)
    corrupt: list[Key] = field(default_factory=list)
    changed: list[Key] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    damaged_lines: list[DamagedLine] = field(default_factory=list)
    near_duplicates: list[tuple[Key, Key]] = field(default_factory=list)
    unmarked: int = 0

    def problems(self) -> int:
        """How many there are."""
        groups = (self.missing, self.corrupt, self.changed, self.unlisted, self.near_duplicates)
        return len(self.damaged_lines) + sum(len(group) for group in groups)

    def report(self) -> str:
        """Markdown: the counts, and the first of each kind."""
        kinds = {
            "missing": [f"{label} {rank}" for label, rank in self.missing],
            "corrupt": [f"{label} {rank}" for label, rank in self.corrupt],
            "changed": [f"{label} {rank}" for label, rank in self.changed],
            "unlisted": self.unlisted,
            "near-duplicates": [
                f"{later[0]} {later[1]} like {first[0]} {first[1]}" for first, later in self.near_duplicates
            ],
        }
        rows = [f"| {kind} | {len(examples)} | {', '.join(examples[:5])} |" for kind, examples in kinds.items()]
        head = ["| problem | count | such as |", "|---|---|---|"]
        lines = [f"{self.checked} pictures checked, {self.problems()} problems."]
        if self.unmarked:
            lines.append(f"Without the mark that a model made it (IPTC digital source type): {self.unmarked:,}.")
        if self.damaged_lines:
            lines.append(f"{len(self.damaged_lines)} lines cannot be used:")
            lines += [f"- {line}" for line in self.damaged_lines[:5]]
        return "\n".join([*lines, "", *head, *rows])


def verify(store: DatasetStore, *, duplicates: bool, progress: Progress | None = None) -> Findings:
    """Compare every file with its record; changes nothing.

    Args:
        duplicates: also look for near-duplicates.

    Raises:
        ValueError: a class folder is empty, as that of a disk that is not mounted is.
        OSError: the disk cannot be read.
    """
    store.refuse_empty_class_folders()
    findings = Findings(damaged_lines=store.damage())
    by_problem = {_MISSING: findings.missing, _CORRUPT: findings.corrupt, _CHANGED: findings.changed}
    hashes: list[tuple[Key, PerceptualHash]] = []
    total = len(store)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for batch in chunks(store.records(), _BATCH):
            examined = pool.map(lambda record: _examine(store, record, duplicates), batch)
            for record, (problem, is_marked, picture_hash) in zip(batch, examined, strict=True):
                findings.checked += 1
                findings.unmarked += problem in ("", _CHANGED) and not is_marked
                if problem:
                    by_problem[problem].append(record.key)
                elif picture_hash is not None:
                    hashes.append((record.key, picture_hash))
            if progress is not None:
                progress(findings.checked, total)
    findings.unlisted = _unlisted(store)
    hashes.sort(key=lambda entry: (entry[0][1], entry[0][0]))  # by rank, then label
    alive = None if progress is None else lambda: progress(total, total)
    pairs = near_duplicates([picture_hash for _, picture_hash in hashes], alive=alive)
    findings.near_duplicates = [(hashes[earlier][0], hashes[later][0]) for earlier, later in pairs]
    return findings


def mark_findings(store: WritableStore, findings: Findings, attempts: int = DEFAULT_ATTEMPTS) -> MarkCounts:
    """Mark all of `findings`, so that Generate makes it again; unlisted pictures go to the rejects folder.

    Args:
        store: open for writing, with nothing added since `verify`; opening it mended damaged lines.
    """
    marks = {key: Mark(_MISSING, lost=True) for key in findings.missing}
    marks |= {key: Mark(_CORRUPT, lost=True) for key in findings.corrupt}
    marks |= {key: Mark(_CHANGED, lost=True) for key in findings.changed}
    marks |= {later: Mark(f"looks like {first[0]} {first[1]}") for first, later in findings.near_duplicates}
    for file_name in findings.unlisted:
        store.move_unlisted(file_name)
    return mark(store, marks, attempts) if marks else MarkCounts(0, 0, count_missing(store))


def _examine(store: DatasetStore, record: Record, wants_hash: bool) -> tuple[str, bool, PerceptualHash | None]:
    """(problem, "" for none; whether it has the mark of generated ones; its hash if it is whole and one is wanted).

    Raises:
        OSError: the disk cannot be read for another reason than that the file is not there.
    """
    try:
        content = read_file(store.path(record))
    except (FileNotFoundError, ValueError):  # ValueError: a link, which is never followed
        return _MISSING, False, None
    same, is_marked = hashlib.sha256(content).hexdigest() == record.sha256, has_mark(content)
    if same and not wants_hash:
        return "", is_marked, None
    try:
        pixels: np.ndarray = decode(content, record.file_name)
    except CorruptPicture:
        return _CORRUPT, False, None
    return ("", is_marked, perceptual_hash(pixels)) if same else (_CHANGED, is_marked, None)


def _unlisted(store: DatasetStore) -> list[str]:
    """Pictures at any depth below the root that no line names, sorted: readers of image folders go all the way down."""
    listed = {composed(record.file_name) for record in store.records()}
    unlisted = []
    for folder, _, files in os.walk(store.root, onerror=refuse_to_go_on):  # does not follow links
        for name in files:
            path = Path(folder, name)
            file_name = path.relative_to(store.root).as_posix()
            if has_picture_suffix(name) and composed(file_name) not in listed:
                unlisted.append(file_name)
    return sorted(unlisted)

"""Is every picture of a set there, whole and unchanged, and is nothing else?

Reads every file of a set; marks what is lost, and moves strangers and near-duplicates to the folder of rejects.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from ....evaluation.files import replace_file
from ....evaluation.pictures.decode import CorruptPicture, decode, has_picture_suffix
from ..store import folders
from ..store.record import Line
from ..store.store import DatasetStore
from .duplicates import Print, fingerprint, near_duplicates
from .rejections import DEFAULT_TRIES, Mark, Marked, mark

Progress = Callable[[int, int], None]

_AT_ONCE = 64


@dataclass
class Findings:
    """What is wrong: manifest keys, or paths relative to the set for `unlisted`.

    Attributes:
        missing: no file. torn: cannot be decoded. changed: can, but is not the file that was written.
        broken_lines: lines of the manifest that cannot be read.
        near_duplicates: (the one that stays, the one that looks like it).
    """

    checked: int = 0
    missing: list[tuple[str, int]] = field(default_factory=list)
    torn: list[tuple[str, int]] = field(default_factory=list)
    changed: list[tuple[str, int]] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    broken_lines: int = 0
    near_duplicates: list[tuple[tuple[str, int], tuple[str, int]]] = field(default_factory=list)

    def problems(self) -> int:
        groups = (self.missing, self.torn, self.changed, self.unlisted, self.near_duplicates)
        return self.broken_lines + sum(len(group) for group in groups)

    def report(self) -> str:
        """Markdown: the counts, and the first of each kind."""
        kinds = {
            "missing": [f"{label} {rank}" for label, rank in self.missing],
            "torn": [f"{label} {rank}" for label, rank in self.torn],
            "changed": [f"{label} {rank}" for label, rank in self.changed],
            "unlisted": self.unlisted,
            "near-duplicates": [f"{b[0]} {b[1]} like {a[0]} {a[1]}" for a, b in self.near_duplicates],
        }
        rows = [f"| {kind} | {len(found)} | {', '.join(found[:5])} |" for kind, found in kinds.items()]
        head = ["| problem | count | such as |", "|---|---|---|"]
        lines = [f"{self.checked} pictures checked, {self.problems()} problems."]
        if self.broken_lines:
            lines.append(f"{self.broken_lines} lines of the manifest cannot be read.")
        return "\n".join([*lines, "", *head, *rows])


def verify(store: DatasetStore, *, duplicates: bool, progress: Progress | None = None) -> Findings:
    """Compare every file with its line; changes nothing.

    Args:
        duplicates: also look for near-duplicates.
        progress: called with (done, total).
    """
    found = Findings()
    prints: list[tuple[tuple[str, int], Print]] = []
    total = len(store)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for batch in _batches(store.lines(), _AT_ONCE):
            for line, (problem, seen) in zip(
                batch, pool.map(lambda each: _examine(store, each, duplicates), batch), strict=True
            ):
                found.checked += 1
                if problem:
                    getattr(found, problem).append(line.key)
                elif seen is not None:
                    prints.append((line.key, seen))
            if progress is not None:
                progress(found.checked, total)
    found.broken_lines = store.manifest.bad_lines + total - found.checked
    found.unlisted = _unlisted(store)
    prints.sort(key=lambda each: (each[0][1], each[0][0]))
    pairs = near_duplicates([each for _, each in prints])
    found.near_duplicates = [(prints[earlier][0], prints[later][0]) for earlier, later in pairs]
    return found


def mark_findings(store: DatasetStore, found: Findings, tries: int = DEFAULT_TRIES) -> Marked:
    """Mark all of `found`, so that Generate makes it again; unlisted pictures go to the rejects folder.

    Args:
        store: open for writing, with nothing added since `verify`.
    """
    marks = {key: Mark("missing", lost=True) for key in found.missing}
    marks |= {key: Mark("torn", lost=True) for key in found.torn}
    marks |= {key: Mark("changed", lost=True) for key in found.changed}
    marks |= {later: Mark(f"looks like {first[0]} {first[1]}") for first, later in found.near_duplicates}
    for name in found.unlisted:
        folder = folders.make_sibling(store.root, "rejects") / "unlisted" / Path(name).parent
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(store.root / name, _free(folder / Path(name).name))
    if not marks and not found.broken_lines:
        return Marked(0, 0)
    if not marks:
        store.manifest.rewrite(store.work, lambda line: line)
        store.raise_revision()
        return Marked(0, 0)
    return mark(store, marks, tries)


def _examine(store: DatasetStore, line: Line, wants_print: bool) -> tuple[str, Print | None]:
    try:
        data = store.path(line).read_bytes()
    except (OSError, ValueError):  # a link counts as missing
        return "missing", None
    same = hashlib.sha256(data).hexdigest() == line.sha256
    if same and not wants_print:
        return "", None
    try:
        pixels: np.ndarray = decode(data, line.file_name)
    except CorruptPicture:
        return "torn", None
    return ("", fingerprint(pixels)) if same else ("changed", None)


def _unlisted(store: DatasetStore) -> list[str]:
    """Pictures below the root that no line names, sorted."""
    listed = {line.file_name for line in store.lines()}
    found = []
    for folder in [store.root, *(entry for entry in store.root.iterdir() if entry.is_dir() and not entry.is_symlink())]:
        for entry in folder.iterdir():
            name = entry.relative_to(store.root).as_posix()
            if entry.is_file() and has_picture_suffix(name) and name not in listed:
                found.append(name)
    return sorted(found)


def _free(path: Path) -> Path:
    """`path`, or a name beside it that nothing has: what was moved there before stays."""
    free, number = path, 1
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def _batches(lines: Iterator[Line], size: int) -> Iterator[list[Line]]:
    while batch := list(islice(lines, size)):
        yield batch

"""What becomes of items that are marked: rejected ones leave the set and count as missing, with the next try's number.

Reads and writes an open set: rejected.jsonl first, then the files, then the manifest. A crash between any two leaves
items missing that Generate makes again, never a line without its picture.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ....evaluation.files import replace_file
from ..store import folders
from ..store.record import FAILED, KEPT, UNCHECKED, Line
from ..store.rejected import BY_HAND, LOST, Rejection
from ..store.store import DatasetStore

DEFAULT_TRIES = 5


@dataclass(frozen=True, slots=True)
class Mark:
    """What a check or a person says of one item.

    Args:
        reason: why it is rejected; "" only records the check.
        lost: the picture is missing or damaged, so that it can never be the best one.
        check: verdict, UNCHECKED leaves what stands; `probability` and `predicted` go with it.
    """

    reason: str = ""
    lost: bool = False
    check: str = UNCHECKED
    probability: float = 0.0
    predicted: str = ""


@dataclass(frozen=True, slots=True)
class Marked:
    """How many items were rejected (and are missing now), and how many stay as the best of their tries."""

    rejected: int
    kept: int

    def report(self) -> str:
        kept = f" {self.kept} had no tries left: the best of each stays, marked." if self.kept else ""
        again = "; queue Generate Dataset again to make them anew" if self.rejected else ""
        return f"{self.rejected} items are missing now{again}.{kept}"


def mark(store: DatasetStore, marks: Mapping[tuple[str, int], Mark], tries: int = DEFAULT_TRIES) -> Marked:
    """Record `marks` in the set; raises its revision if a picture left it or its standing changed.

    Args:
        store: open for writing.
        marks: (label, rank) -> mark; those without a picture are ignored.
        tries: after so many tries of one item the best one stays, marked: the highest probability that a check gave,
            the latest where none did.
    """
    lines = {line.key: line for line in store.lines() if line.key in marks}
    rejections = {
        key: Rejection(_checked(lines[key], each), each.reason, _score(_checked(lines[key], each), each))
        for key, each in marks.items()
        if key in lines and each.reason
    }
    made = {key: max(each.line.attempt, store.rejected.highest(*key)) + 1 for key, each in rejections.items()}
    again = {key: each for key, each in rejections.items() if made[key] < tries}
    out_of_tries = {key: each for key, each in rejections.items() if key not in again}
    best = _best_tries(store, out_of_tries)
    store.rejected.append(each for each in rejections.values() if each.line.status != KEPT)
    after: dict[tuple[str, int], Line | None] = {}
    for key, line in lines.items():
        after[key] = _checked(line, marks[key]) if key not in rejections else best.get(key)
    for key, rejection in rejections.items():
        chosen = best.get(key)
        if chosen is None or chosen.attempt != rejection.line.attempt:
            _move_out(store, rejection.line)
        if chosen is not None and chosen.attempt != rejection.line.attempt:
            _bring_back(store, chosen)
    store.manifest.rewrite(store.work, lambda line: after.get(line.key, line))
    kept = sum(1 for line in best.values() if lines[line.key] != line)
    if len(best) < len(rejections) or kept:
        store.raise_revision()
    return Marked(len(rejections) - len(best), len(best))


def reject_path(root: Path, line: Line) -> Path:
    """Where the picture of a rejected try lies: <name>.rejects/<class folder>/<rank>.try<number><suffix>."""
    folder, _, name = line.file_name.partition("/")
    stem, suffix = os.path.splitext(name)
    return folders.sibling(root, "rejects") / folder / f"{stem}.try{line.attempt}{suffix}"


def _checked(line: Line, mark: Mark) -> Line:
    if mark.check == UNCHECKED:
        return line
    return replace(line, check=mark.check, check_probability=mark.probability, check_predicted=mark.predicted)


def _score(line: Line, mark: Mark) -> float:
    if mark.lost:
        return LOST
    return line.check_probability if mark.check == FAILED else BY_HAND


def _best_tries(store: DatasetStore, ended: Mapping[tuple[str, int], Rejection]) -> dict[tuple[str, int], Line]:
    """For items without tries left: the line to stay. Those whose every picture is lost go on being tried."""
    candidates = {key: [each] for key, each in ended.items() if each.score > LOST}
    for earlier in store.rejected.read() if ended else ():
        key = earlier.line.key
        if key in ended and earlier.score > LOST and reject_path(store.root, earlier.line).is_file():
            candidates.setdefault(key, []).append(earlier)
    best = {key: max(each, key=lambda one: (one.score, one.line.attempt)) for key, each in candidates.items()}
    return {key: replace(each.line, status=KEPT) for key, each in best.items()}


def _move_out(store: DatasetStore, line: Line) -> None:
    source = store.root / line.file_name
    if not source.is_file():
        return
    folders.make_sibling(store.root, "rejects")
    target = reject_path(store.root, line)
    target.parent.mkdir(exist_ok=True)
    replace_file(source, target)


def _bring_back(store: DatasetStore, line: Line) -> None:
    store.placer.put(line.file_name, reject_path(store.root, line).read_bytes())

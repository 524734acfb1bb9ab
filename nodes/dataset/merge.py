"""One set out of several: the shards of one plan, or sets of different makings.

Reads sets; writes a new one. Pictures are linked where the disk can, so that a merge takes no space.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .store.encode import Encoding
from .store.identity import plan_differences
from .store.record import Line
from .store.store import DatasetStore

Progress = Callable[[int, int], None]


def merge(sources: Sequence[DatasetStore], base: Path, name: str, progress: Progress | None = None) -> DatasetStore:
    """The merged set, open for writing; close it.

    Shards of one plan keep their ranks and settings, so that the merged set can be gone on with. Of other sets, an
    item whose (label, rank) is taken gets the next free rank. A picture that the set has already is left out, so
    merging again only adds what is new.

    Args:
        sources: open sets, in the order in which they win ranks.

    Raises:
        ValueError: fewer than two sets, or one of them is the target.
    """
    if len(sources) < 2:
        raise ValueError(f"datasets has {len(sources)} entries; expected at least two sets to merge; connect another")
    if any(source.root == base / name for source in sources):
        raise ValueError(f"name is {name!r}, one of the sets to merge; expected a new name; nothing was changed")
    first = sources[0].description
    alike = all(_go_together(first, source.description) for source in sources)
    target = DatasetStore.create_or_open(
        base,
        name,
        plan=_whole(first["plan"]) if alike else {"merged": [source.description["plan"] for source in sources]},
        identity=_own_identity(first) if alike else {"merged": [_name(source) for source in sources]},
        provenance=first["provenance"] | {"merged": [_origin(source) for source in sources]},
        classes={label: synset for source in sources for label, synset in source.synsets.items()},
        encoding=Encoding(**first["encoding"]),
    )
    try:
        if alike:
            _take_rejections(sources, target)
        _adopt_all(sources, target, progress)
    except BaseException:
        target.close()
        raise
    return target


def _adopt_all(sources: Sequence[DatasetStore], target: DatasetStore, progress: Progress | None) -> None:
    known = {(line.label, line.sha256) for line in target.lines()}
    free: dict[str, int] = {}
    total, done = sum(len(source) for source in sources), 0
    for source in sources:
        for line in source.lines():
            if (line.label, line.sha256) not in known:
                known.add((line.label, line.sha256))
                target.adopt(_placed(line, target, free), source.path(line))
            done += 1
            if progress is not None:
                progress(done, total)


def _take_rejections(sources: Sequence[DatasetStore], target: DatasetStore) -> None:
    """What a shard rejected is not made again with the same seed."""
    for source in sources:
        news = [
            rejection
            for rejection in source.rejected.read()
            if rejection.line.attempt > target.rejected.highest(*rejection.line.key)
            and not target.has(*rejection.line.key)
        ]
        if news:
            target.rejected.append(news)


def _placed(line: Line, target: DatasetStore, free: dict[str, int]) -> Line:
    if not target.has(*line.key):
        return line
    rank = free.get(line.label)
    if rank is None:
        rank = max(target.manifest.index.ranks(line.label), default=-1) + 1
    while target.has(line.label, rank):
        rank += 1
    free[line.label] = rank + 1
    return replace(line, rank=rank)


def _go_together(first: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two sets hold items of one plan, made by the same settings."""
    names = [[entry["label"] for entry in each["classes"]] for each in (first, other)]
    same = first["identity"] == other["identity"] and sorted(names[0]) == sorted(names[1])
    return same and not plan_differences(first["plan"], other["plan"])


def _whole(plan: Mapping[str, Any]) -> dict[str, Any]:
    """`plan` with the items of all its shards."""
    return {**plan, "shard": [0, 1]} if "shard" in plan else dict(plan)


def _own_identity(description: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in description["identity"].items() if key != "encoding"}


def _name(source: DatasetStore) -> str:
    settings = json.dumps(source.description["identity"], sort_keys=True)
    return f"{source.name} {hashlib.sha256(settings.encode()).hexdigest()[:8]}"


def _origin(source: DatasetStore) -> dict[str, Any]:
    kept = ("name", "identity", "revision")
    return {**{key: source.description[key] for key in kept}, "pictures": len(source)}

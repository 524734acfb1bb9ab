"""One set out of several: the shards of one plan, or sets of different makings.

Reads sets; writes a new one. Pictures are linked where the disk can, so that a merge takes no space.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ...evaluation.pictures.making import Making
from ...evaluation.pictures.manifest import FALLBACK, MAX_ATTEMPT, Record
from ...evaluation.progress import Progress
from .deliveries import Deliveries, choose_deliveries
from .open import create_or_open
from .store.description import Description, SetSpec
from .store.identity import plan_differences
from .store.store import DatasetStore
from .store.writable_store import WritableStore

_Picture = tuple[str, str]  # label and hash of the file


@contextmanager
def merge(
    sources: Sequence[DatasetStore],
    base: Path,
    name: str,
    progress: Progress | None = None,
    notes: list[str] | None = None,
) -> Iterator[WritableStore]:
    """The merged set, open for writing as long as the context lasts.

    Shards of one plan keep their ranks and settings, so that the merged set can be resumed; of an item that was drawn
    again in one of them, the latest attempt that was not rejected is kept. Of other sets, an
    item whose (label, rank) is taken gets the next free rank. A picture that the set has already is left out, so is
    one that was rejected in it; merging again adds what is new, and files that somebody deleted.

    Args:
        sources: open sets, in the order in which they win ranks.
        notes: gets what is to be told of items that came more than once.

    Raises:
        ValueError: fewer than two sets, one of them is the target, or has damaged lines, or two shards of one plan, or
            one and the merged set that stands, have different pictures of one item.
    """
    if len(sources) < 2:
        raise ValueError(f"datasets has {len(sources)} entries; expected at least two sets to merge; connect another")
    if any(source.root == base / name for source in sources):
        raise ValueError(f"name is {name!r}, one of the sets to merge; expected a new name; nothing was changed")
    for source in sources:
        source.refuse_damage()
    of_one_plan = are_of_one_plan(sources)
    deliveries = None
    if of_one_plan:
        total = sum(map(len, sources))
        standing = _standing(base / name, sources)
        deliveries = choose_deliveries(sources, standing, lambda: progress(0, total) if progress is not None else None)
        if notes is not None and deliveries.text():
            notes.append(deliveries.text())
    with create_or_open(base, name, _merged_spec(sources, of_one_plan), has_sources=True) as target:
        target.forget_lost()
        rejected = {(entry.record.label, entry.record.sha256) for entry in target.rejections()}
        if of_one_plan:
            _copy_rejections(sources, target)
        _add_all(sources, target, rejected, deliveries, progress)
        yield target


def _standing(root: Path, sources: Sequence[DatasetStore]) -> DatasetStore | None:
    """The merged set of the same plan that is there before; another one is refused where it is opened for writing."""
    if not (root / "dataset.json").is_file():
        return None
    standing = DatasetStore.open(root)
    return standing if are_of_one_plan([*sources, standing]) else None


def _merged_spec(sources: Sequence[DatasetStore], of_one_plan: bool) -> SetSpec:
    first = sources[0].description
    licences = {source.description.licence for source in sources}
    return SetSpec(
        plan=_unsharded(first.plan) if of_one_plan else {"merged": [source.description.plan for source in sources]},
        identity=_own_identity(first) if of_one_plan else {"merged": [_source_id(source) for source in sources]},
        provenance=replace(first.provenance, merged=tuple(_origin(source) for source in sources)),
        classes={label: synset for source in sources for label, synset in source.description.synsets.items()},
        encoding=first.encoding,
        licence=first.licence if len(licences) == 1 else "",
    )


def _add_all(
    sources: Sequence[DatasetStore],
    target: WritableStore,
    rejected: set[_Picture],
    deliveries: Deliveries | None,
    progress: Progress | None,
) -> None:
    """Add the pictures of `sources` but those that the target has, or had and `rejected`.

    Of one plan an item that two shards made, delivered twice or of a plan that was cut anew, counts once: only what
    `deliveries` chose is added.
    """
    present = rejected | {(record.label, record.sha256) for record in target.records()}
    deleted = {(record.label, record.sha256): record for record in target.records_of(target.deleted())}
    next_ranks: dict[str, int] = {}
    total, finished = sum(len(source) for source in sources), 0
    for number, source in enumerate(sources):
        for record in source.records():
            picture = (record.label, record.sha256)
            if picture in deleted:
                target.restore_file(deleted.pop(picture), source.path(record))
            elif deliveries is not None:
                if deliveries.holder.get(record.key) == number and not _is_taken(record, record.rank, target):
                    target.add_file(record, source.path(record))
            elif picture not in present:
                present.add(picture)
                target.add_file(_with_free_rank(record, target, next_ranks), source.path(record))
            finished += 1
            if progress is not None:
                progress(finished, total)


def _copy_rejections(sources: Sequence[DatasetStore], target: WritableStore) -> None:
    """What a shard rejected is not made again with the same seed, unless another shard has it, or an earlier attempt.

    A line of the attempt that was rejected last would be taken for what a crash left behind.
    """
    kept: dict[tuple[str, int], int] = {}  # the earliest attempt that some source has as its picture
    for source in sources:
        for record in source.records():
            if record.status != FALLBACK:
                kept[record.key] = min(record.attempt, kept.get(record.key, record.attempt))
    for source in sources:
        news = [
            replace(rejection, record=target.placed(rejection.record))
            for rejection in source.rejections()
            if rejection.record.attempt > target.last_rejected_attempt(*rejection.record.key)
            and not target.has(*rejection.record.key)
            and rejection.record.attempt < kept.get(rejection.record.key, MAX_ATTEMPT + 1)
        ]
        if news:
            target.log_rejections(news)


def _with_free_rank(record: Record, target: WritableStore, next_ranks: dict[str, int]) -> Record:
    """`record` with a rank that is free in the target; `next_ranks` remembers per label where to look next."""
    if not _is_taken(record, record.rank, target):
        return record
    rank = next_ranks.get(record.label)
    if rank is None:
        rank = target.highest_rank(record.label) + 1
    while _is_taken(record, rank, target):
        rank += 1
    next_ranks[record.label] = rank + 1
    return replace(record, rank=rank)


def _is_taken(record: Record, rank: int, target: WritableStore) -> bool:
    """Whether the target has a picture of that rank, or rejected one by an attempt of the same or a later number."""
    rejected = record.status != FALLBACK and record.attempt <= target.last_rejected_attempt(record.label, rank)
    return rejected or target.has(record.label, rank)


def are_of_one_plan(sources: Sequence[DatasetStore]) -> bool:
    """Whether all hold items of one plan, made by the same settings: they are its shards."""
    return all(_go_together(sources[0].description, source.description) for source in sources)


def _go_together(first: Description, second: Description) -> bool:
    """Whether two sets hold items of one plan, made by the same settings."""
    same_classes = first.synsets.keys() == second.synsets.keys()
    return same_classes and first.identity == second.identity and not plan_differences(first.plan, second.plan)


def _unsharded(plan: Mapping[str, Any]) -> dict[str, Any]:
    """`plan` with the items of all its shards."""
    return {**plan, "shard": [0, 1]} if "shard" in plan else dict(plan)


def _own_identity(description: Description) -> dict[str, Any]:
    """The identity without the encoding, which opening a set adds to it."""
    return {key: value for key, value in description.identity.items() if key != "encoding"}


def _source_id(source: DatasetStore) -> str:
    """Name of a source and a hash of its settings: another set under that name is another merge."""
    settings = json.dumps(source.description.identity, sort_keys=True)
    return f"{source.name} {hashlib.sha256(settings.encode()).hexdigest()[:8]}"


def _origin(source: DatasetStore) -> dict[str, Any]:
    description = source.description
    making = Making.of_set(source.name, description.to_json(), len(source), 0, 0)
    return {
        "name": description.name,
        "identity": description.identity,
        "revision": description.revision,
        "pictures": len(source),
        "models": [asdict(file) for file in description.provenance.models],
        "generated": making.is_generated,
        "mixed": making.is_mixed,
    }

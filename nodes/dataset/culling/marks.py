"""What becomes of items that are marked: rejected ones leave the set and count as missing, with the next attempt.

Reads and writes an open set: rejected.jsonl first, then the files, then the manifest. A crash between any two leaves
items missing that Generate makes again, never a line without its picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ....evaluation.pictures.manifest import FALLBACK, UNCHECKED, Record
from ..store.rejection_log import BY_HAND, DELETED, LOST, Rejection
from ..store.store import DatasetStore
from ..store.writable_store import WritableStore

DEFAULT_ATTEMPTS = 5  # at one item before the best of them stays; a judgement, not measured


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
class MarkCounts:
    """What a marking did, and how the set stands after it.

    Args:
        rejected: items that lost their picture.
        fallbacks: items that stay as the best of their attempts.
        missing: items without a picture because it was rejected, now or earlier.
    """

    rejected: int
    fallbacks: int
    missing: int

    def report(self) -> str:
        """What happened and what to do next, for the user."""
        stay = f" {self.fallbacks} had no attempts left: the best of each stays, marked." if self.fallbacks else ""
        advice = "; queue Generate Dataset again to make them anew" if self.missing else ""
        return f"{self.rejected} items were rejected; {self.missing} items are missing now{advice}.{stay}"


def mark(store: WritableStore, marks: Mapping[tuple[str, int], Mark], attempts: int = DEFAULT_ATTEMPTS) -> MarkCounts:
    """Record `marks` in the set; raises its revision if a picture left it or its standing changed.

    Args:
        store: open for writing.
        marks: (label, rank) -> mark; those without a picture are ignored.
        attempts: after so many attempts at one item the best one stays, marked: the highest probability that a check
            gave, the latest where none did.
    """
    records = {record.key: record for record in store.records() if record.key in marks}
    rejections = {key: _rejection(records[key], marks[key]) for key in marks if key in records and marks[key].reason}
    out_of_attempts = {
        key: rejection for key, rejection in rejections.items() if _count_attempts(store, rejection) >= attempts
    }
    best = _best_attempts(store, out_of_attempts)
    # a fallback's attempt is in the log already, but not that it was lost since, nor where a merge moved it
    news = [
        entry
        for key, entry in rejections.items()
        if entry.record.status != FALLBACK or entry.is_lost or entry.record.attempt > store.last_rejected_attempt(*key)
    ]
    if news:
        store.log_rejections(news)
    for key, rejection in rejections.items():
        chosen = best.get(key)
        if chosen is None or chosen.attempt != rejection.record.attempt:
            store.move_to_rejects(rejection.record)
        if chosen is not None and chosen.attempt != rejection.record.attempt:
            store.restore_from_rejects(chosen)
    store.replace_records(
        {key: best.get(key) if key in rejections else _checked(record, marks[key]) for key, record in records.items()}
    )
    changed = sum(1 for key, record in best.items() if records[key] != record)
    if len(best) < len(rejections) or changed:
        store.raise_revision()
    return MarkCounts(len(rejections) - len(best), len(best), count_missing(store))


def count_missing(store: DatasetStore) -> int:
    """How many items have no picture because it was rejected. What was never made, a set does not know of.

    Those that somebody deleted by hand do not count: Generate Dataset has been told whether to make them again.
    """
    reasons = {rejection.record.key: rejection.reason for rejection in store.rejections()}  # the last of each
    return sum(reason != DELETED and not store.has(*key) for key, reason in reasons.items())


def _rejection(record: Record, mark: Mark) -> Rejection:
    score = BY_HAND if mark.check == UNCHECKED else mark.probability
    return Rejection(_checked(record, mark), mark.reason, LOST if mark.lost else score)


def _checked(record: Record, mark: Mark) -> Record:
    """`record` with the verdict of `mark`, if that has one."""
    if mark.check == UNCHECKED:
        return record
    return replace(record, check=mark.check, check_probability=mark.probability, check_predicted=mark.predicted)


def _count_attempts(store: DatasetStore, rejection: Rejection) -> int:
    """How many attempts were made at the item."""
    key = rejection.record.key
    return max(rejection.record.attempt, store.last_rejected_attempt(*key)) + 1


def _best_attempts(store: DatasetStore, ended: Mapping[tuple[str, int], Rejection]) -> dict[tuple[str, int], Record]:
    """For items without attempts left: the record to stay. Those whose every picture is lost are attempted again."""
    earlier = [rejection for rejection in store.rejections() if rejection.record.key in ended] if ended else []
    lost = {(*entry.record.key, entry.record.attempt) for entry in (*ended.values(), *earlier) if entry.is_lost}
    candidates = {key: [rejection] for key, rejection in ended.items() if not rejection.is_lost}
    for rejection in earlier:
        key, attempt = rejection.record.key, rejection.record.attempt
        if (*key, attempt) not in lost and store.rejects_path(rejection.record).is_file():
            candidates.setdefault(key, []).append(rejection)
    best = {
        key: max(rejections, key=lambda rejection: (rejection.score, rejection.record.attempt))
        for key, rejections in candidates.items()
    }
    return {key: replace(rejection.record, status=FALLBACK) for key, rejection in best.items()}

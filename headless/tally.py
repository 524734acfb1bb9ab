"""How a sweep ended: how many rows of each kind, and why some failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .schedule import Phase, RowRun

_SHOWN = 20  # failures; the report has all


@dataclass(frozen=True)
class Tally:
    """How a sweep ended: the number of rows of each kind."""

    done: int
    skipped: int
    failed: int
    held_back: int

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to run again."""
        return not self.failed and not self.held_back


def tally_of(runs: Sequence[RowRun]) -> Tally:
    """How many rows are done, skipped, failed and, at the end, held back."""
    phases = Counter(run.phase for run in runs)
    return Tally(phases[Phase.DONE], phases[Phase.SKIPPED], phases[Phase.FAILED], phases[Phase.WAITING])


def failures(runs: Sequence[RowRun]) -> list[dict[str, str]]:
    """Each row that failed, with what went wrong on each worker that had it."""
    return [{"row": run.row.name, "problem": run.state.message} for run in runs if run.phase is Phase.FAILED]


def failure_lines(failed: Sequence[dict[str, str]]) -> list[str]:
    """The same for people, the first of many."""
    tail = [f"and {len(failed) - _SHOWN:,} more"] if len(failed) > _SHOWN else []
    return [*(f"failed: {failure['row']}: {failure['problem']}" for failure in failed[:_SHOWN]), *tail]

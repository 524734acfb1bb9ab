"""Which row runs next, and on which worker: groups in order, what failed on one worker on another, `last` at the end.

Decides alone; the driver holds its lock around every call, and writes down what was decided.
"""

from __future__ import annotations

import bisect
import enum
import threading
import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

from .state import DONE, FAILED, QUEUED, RowState, State
from .sweep_file import LAST, SweepRow


class Phase(enum.Enum):
    """Where a row stands for this driver. What an earlier driver left is in the row's RowState."""

    WAITING = "it has not run, or a worker lost it"
    RUNNING = "a worker has it"
    DONE = "this driver saw it end well"
    FAILED = "this driver saw it fail"
    SKIPPED = "it was done before"


@dataclass
class RowRun:
    """One row on its way.

    Attributes:
        state: what is known of it on disk, but for what it showed.
        failed_on, tries: workers on which it failed, and how often it did.
        problems: what went wrong -> the first worker where it did.
        silences: the workers that fell silent with it, each with what was last heard of it.
        is_seen: its worker had it.
        is_recalled, was_recalled: it is to leave its worker for an idle one; it was so once, which is enough.
        wake: ends its pause.
        delay, not_before: seconds that it waited last, and the time (monotonic) until which it waits, for whatever
            holds its set to let go.
    """

    row: SweepRow
    state: RowState
    phase: Phase = Phase.WAITING
    failed_on: set[str] = field(default_factory=set)
    tries: int = 0
    problems: dict[str, str] = field(default_factory=dict)
    silences: list[str] = field(default_factory=list)
    is_seen: bool = False
    is_recalled: bool = False
    was_recalled: bool = False
    wake: threading.Event = field(default_factory=threading.Event)
    delay: float = 0.5
    not_before: float = 0.0

    @property
    def owner(self) -> str:
        """The worker that may have it; empty when none has."""
        return self.state.worker if self.state.status == QUEUED else ""

    @property
    def is_last(self) -> bool:
        """Whether it runs after all others."""
        return self.row.group == LAST

    @property
    def is_over(self) -> bool:
        """Whether this driver has nothing left to do with it."""
        return self.phase in (Phase.DONE, Phase.FAILED, Phase.SKIPPED)


class Schedule:
    """The rows of a sweep, or of a part of it, in order.

    Attributes:
        runs: the rows.
        over_count: how many of them are over.
        weight_left: the weight of all others.
    """

    def __init__(self, rows: list[SweepRow], state: State) -> None:
        self.runs = [RowRun(row, _left_behind(row, state)) for row in rows]
        for run in self.runs:
            if run.state.status == DONE and not run.is_last:
                run.phase = Phase.SKIPPED
        if all(run.is_over for run in self.runs if not run.is_last):
            self._skip_last_rows()
        self.over_count = sum(run.is_over for run in self.runs)
        self.weight_left = sum(run.row.weight for run in self.runs if not run.is_over)
        self._index = {run.row.name: index for index, run in enumerate(self.runs)}
        self._ready: list[int] = []  # of rows that may start, sorted
        self._running = self._owned = 0  # rows that run; rows that may start and were left with a worker
        self._waits_for: dict[int, set[int]] = {}  # row -> rows that must be done before
        self._then: dict[int, list[int]] = {}  # the other way round
        self._last = deque(run for run in self.runs if run.is_last and run.phase is Phase.WAITING)
        self._order()
        self._release_last()

    @property
    def is_over(self) -> bool:
        """Whether no row runs and none may start."""
        return not self._running and not self._ready

    def take(self, worker: str, is_idle: bool, live: Collection[str]) -> RowRun | None:
        """The row that `worker` is to run now; None where there is none for it.

        Args:
            is_idle: it has none yet. One that has one takes another only while there is one for everybody: at the end
                a row would wait there for nothing.
            live: names of the workers that answer.
        """
        if not self._ready or (not is_idle and len(self._ready) < len(live)):
            return None
        now, chosen = time.monotonic(), None
        for index in self._ready:
            run = self.runs[index]
            owner = run.owner
            if owner == worker:  # it may have it already
                chosen = index
                break
            is_elsewhere = owner in live or (worker in run.failed_on and not run.failed_on.issuperset(live))
            if chosen is None and not is_elsewhere and run.not_before <= now:
                chosen = index
                if not self._owned:
                    break
        if chosen is None:
            return None
        run = self.runs[chosen]
        self._ready.remove(chosen)
        self._owned -= bool(run.owner)
        self._running += 1
        run.phase = Phase.RUNNING
        return run

    def put_back(self, run: RowRun) -> None:
        """A row that runs waits again."""
        run.phase = Phase.WAITING
        self._running -= 1
        self._add(run)

    def end(self, run: RowRun, is_done: bool) -> None:
        """A row that runs has ended; the next one of its group may start, or is held back."""
        run.phase = Phase.DONE if is_done else Phase.FAILED
        self._running -= 1
        self.over_count += 1
        is_all = self.over_count == len(self.runs)
        self.weight_left = 0.0 if is_all else self.weight_left - run.row.weight  # what rounding left of it is none
        if is_done:
            index = self._index[run.row.name]
            for later in self._then.pop(index, []):
                self._waits_for[later].discard(index)
                if not self._waits_for[later]:
                    self._add(self.runs[later])
            if run.is_last:
                self._last.popleft()
        self._release_last()

    def _order(self) -> None:
        """Find what each row waits for, and let start what waits for nothing."""
        before: dict[str, int] = {}  # group -> its row before
        for index, run in enumerate(self.runs):
            if run.phase is not Phase.WAITING or run.is_last:
                continue
            earlier = {self._index[name] for name in run.row.after}
            if run.row.group in before:
                earlier.add(before[run.row.group])
            before[run.row.group] = index
            self._waits_for[index] = {row for row in earlier if not self.runs[row].is_over}
            for row in self._waits_for[index]:
                self._then.setdefault(row, []).append(index)
            if not self._waits_for[index]:
                self._add(run)

    def _add(self, run: RowRun) -> None:
        bisect.insort(self._ready, self._index[run.row.name])
        self._owned += bool(run.owner)

    def _release_last(self) -> None:
        """Let the next row of `last` start when nothing else runs or may start; a failure holds back the rest."""
        if self._last and self._last[0].phase is Phase.WAITING and self.is_over:
            self._add(self._last[0])

    def _skip_last_rows(self) -> None:
        """With nothing else to run, rows of `last` that are done stand, up to the first that is not."""
        for run in self.runs:
            if run.is_last and run.phase is Phase.WAITING:
                if run.state.status != DONE:
                    return
                run.phase = Phase.SKIPPED


def _left_behind(row: SweepRow, state: State) -> RowState:
    """What an earlier driver left of a row that is the same still, without what it showed."""
    left = state.read(row.name)
    abandoned = left.abandoned
    if left.key != row.key or left.status == FAILED:
        if left.status == QUEUED:  # as another row
            abandoned = [*abandoned, [left.worker, left.prompt_id]]
        return RowState(key=row.key, abandoned=abandoned)
    return RowState(left.key, left.status, left.prompt_id, left.worker, left.losses, left.silences, abandoned)

"""What becomes of a row that a worker no longer has: done, failed, or it waits again; on disk first, and then said."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from .backends.core import End, Worker
from .console import Clock, Console
from .schedule import RowRun, Schedule
from .state import DONE, FAILED, RowState, State

MAX_LOSSES = 3  # a row that a restart took this often is likely what brings the server down
MAX_TRIES = 2  # a row that failed so often, where possible on another worker, fails: a full disk is no fault of it


class RowEnds:
    """Ends of rows, from many threads.

    Args:
        schedule: of the rows.
        state: where what is known of these lies.
        console: takes the lines on what became of them.
        changed: its lock guards the schedule and the clock.
        places: rows that all workers run at the same time.
    """

    def __init__(
        self, schedule: Schedule, state: State, console: Console, changed: threading.Condition, places: int
    ) -> None:
        self.schedule, self.state, self.console, self.changed = schedule, state, console, changed
        self.places, self.clock = places, Clock()

    def put_back(self, run: RowRun, state: RowState, delay: float = 0.0) -> None:
        """Let a row wait again in that state; it is written where it is another than the one on disk."""
        if state is not run.state:
            run.state = state
            self.state.write(run.row.name, state)
        with self.changed:
            run.not_before = time.monotonic() + delay
            self.schedule.put_back(run)
            self.changed.notify_all()

    def lose(self, worker: Worker, run: RowRun, reason: str) -> None:
        """A worker that was there forgot the row: let it wait again, or give it up."""
        # it is no fault of the row that it never arrived, or that another worker does not know it
        losses = run.state.losses + (run.is_seen and run.state.worker == worker.name)
        run.state.losses = losses
        if losses >= MAX_LOSSES:
            self.close(worker, run, End(f"the server lost it {losses} times ({reason}); look into the server's log"))
            return
        self.console.warn(
            f"{run.row.name}: lost: {reason}; queued again",
            "lost", row=run.row.name, worker=worker.name, problem=reason,
        )  # fmt: skip
        self.put_back(run, run.state.waiting())

    def end(self, worker: Worker, run: RowRun, end: End) -> None:
        """A row ran: it is done, or is tried once more elsewhere or later, or has failed."""
        waiting = run.state.waiting(end.problem)
        if end.is_busy and run.delay < 600:
            run.delay *= 2
            self.console.warn(
                f"{run.row.name}: {end.problem}; tried again later",
                "busy", row=run.row.name, worker=worker.name, problem=end.problem,
            )  # fmt: skip
            self.put_back(run, waiting, run.delay)
            return
        if end.problem:
            run.failed_on.add(worker.name)
            run.tries += 1
            run.problems.setdefault(end.problem, worker.name)
            if run.tries < MAX_TRIES and self.places > 1:
                self.console.warn(
                    f"{run.row.name}: failed on {worker.name}: {end.problem}; tried on another",
                    "failed_once", row=run.row.name, worker=worker.name, problem=end.problem,
                )  # fmt: skip
                self.put_back(run, waiting)
                return
            if len(run.problems) > 1:  # why it failed before is not to be lost
                end = replace(end, problem="; ".join(f"{name}: {problem}" for problem, name in run.problems.items()))
        self.close(worker, run, end)

    def close(self, worker: Worker, run: RowRun, end: End) -> None:
        """Write down that the row is done, or failed, and say so."""
        run.state.status, run.state.message = FAILED if end.problem else DONE, end.problem
        shown = replace(run.state, worker=worker.name, seconds=end.seconds)
        shown.results, shown.texts, shown.files = end.results, end.texts, end.files
        self.state.write(run.row.name, shown)  # and is not kept: a farm has thousands of rows
        with self.changed:
            self.schedule.end(run, not end.problem)
            self.clock.add(run.row.weight, end.images)
            ended, weight = self.schedule.over_count, self.schedule.weight_left
            if self.schedule.is_over:
                self.changed.notify_all()
        rows = len(self.schedule.runs)
        note = f"FAILED: {end.problem}" if end.problem else f"{end.seconds:.1f} s"
        tell = self.console.warn if end.problem else self.console.say
        tell(
            f"[{ended}/{rows}] {run.row.name}: {note}; {self.clock.left(weight)}",
            "failed" if end.problem else "done",
            row=run.row.name, worker=worker.name, seconds=end.seconds, images=end.images, ended=ended, rows=rows,
            seconds_left=self.clock.seconds_left(weight), **({"problem": end.problem} if end.problem else {}),
        )  # fmt: skip

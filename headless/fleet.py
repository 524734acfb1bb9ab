"""The workers of a farm as they are: which answer, why others do not, and what each is to give back."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from .backends.core import Stopped, Worker, WorkerGone
from .console import Console
from .schedule import Schedule
from .state import State

_LONGEST_DELAY = 15.0  # seconds between two questions to a worker that is gone


class Fleet:
    """The workers, watched from many threads.

    Args:
        workers: of a back end.
        schedule: their rows.
        state: where what is known of these lies.
        console: takes the lines on who is gone, and back.
        changed: its lock guards all that is kept here.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        schedule: Schedule,
        state: State,
        console: Console,
        changed: threading.Condition,
    ) -> None:
        self.schedule, self.state, self.console, self.changed = schedule, state, console, changed
        self.live = {worker.name for worker in workers}  # that answer
        self.gone: dict[str, float] = {}  # worker -> since when it does not answer
        self.reasons: dict[str, str] = {}  # worker -> why, as it was last heard of
        self.troubles: dict[str, list[float]] = {}  # worker -> when it failed since it last had a row
        self.abandoned: dict[str, list[str]] = {}  # worker -> tickets that it is to withdraw
        for run in schedule.runs:
            for name, ticket in run.state.abandoned:
                self.abandoned.setdefault(name, []).append(ticket)
        self.is_stopping = False

    def wait_for(self, worker: Worker, reason: str) -> None:
        """Until a worker answers again. Raises Stopped when all is over before."""
        with self.changed:
            is_news = worker.name not in self.gone
            times = self.troubles.get(worker.name, [])
            self.gone.setdefault(worker.name, times[0] if times else time.monotonic())
            self.live.discard(worker.name)
            self.reasons[worker.name] = reason
        if is_news:
            self.console.warn(
                f"{worker.name} does not answer ({reason}); waiting for it",
                "worker_gone", worker=worker.name, problem=reason,
            )  # fmt: skip
        delay = 0.5 * 2 ** min(len(times), 5)
        # one that answers, and fails each row, is asked less and less often; one that fell silent once is asked at once
        while len(times) > 1 or self.trouble(worker):
            end, delay, times = time.monotonic() + delay, min(2 * delay, _LONGEST_DELAY), []
            with self.changed:
                while (left := end - time.monotonic()) > 0:
                    if self.is_stopping or self.schedule.is_over:
                        raise Stopped
                    self.changed.wait(left)
        with self.changed:
            since = self.gone.pop(worker.name, None)
            self.live.add(worker.name)
            self.changed.notify_all()
        if since is not None:
            silence = time.monotonic() - since
            self.console.say(f"{worker.name} answers again after {silence:.0f} s", "worker_back", worker=worker.name)

    def trouble(self, worker: Worker) -> str:
        """Why a worker takes no row now; empty where it does, and has given back what went to others meanwhile."""
        trouble = worker.trouble() or self._take_back(worker)
        if trouble:
            with self.changed:
                self.reasons[worker.name] = trouble
        return trouble

    def _take_back(self, worker: Worker) -> str:
        """Withdraw from a worker what went to others meanwhile; why it does not let that happen, or empty."""
        with self.changed:
            tickets = self.abandoned.pop(worker.name, [])
        try:
            worker.withdraw(tickets)
        except WorkerGone as error:
            with self.changed:
                self.abandoned.setdefault(worker.name, []).extend(tickets)
            return str(error) or "no answer"
        if tickets:
            self._forget({(worker.name, ticket) for ticket in tickets})
        return ""

    def _forget(self, withdrawn: set[tuple[str, str]]) -> None:
        """Keep no longer that these tickets of workers are to be withdrawn."""
        with self.changed:
            runs = [run for run in self.schedule.runs if withdrawn.intersection(map(tuple, run.state.abandoned))]
            for run in runs:
                run.state.abandoned = [pair for pair in run.state.abandoned if tuple(pair) not in withdrawn]
            over = [run for run in runs if run.is_over]  # others are written again as they go on
        for run in over:
            state = self.state.read(run.row.name)
            self.state.write(run.row.name, replace(state, abandoned=run.state.abandoned))

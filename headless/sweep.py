"""Drives the rows of a sweep through workers: a thread a slot, what is known on disk, losses and restarts survived."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from .backends.core import End, Left, Recalled, Stalled, Stopped, Task, TaskForgotten, Terminated, Worker, WorkerGone
from .console import Console
from .fleet import Fleet
from .row_ends import RowEnds
from .schedule import Phase, RowRun, Schedule
from .state import QUEUED, State
from .sweep_file import SweepRow
from .tally import Tally, tally_of

MAX_SILENCES = 5  # so many workers that fell silent with one row are no chance
PROGRESS_INTERVAL = 30.0  # seconds between two lines on the rows that run
_SECOND_PAUSE = 5.0  # seconds in which a worker that has a row looks for a second one
_IDLE_PAUSE, _IDLE_PAUSE_A_WORKER = 1.0, 0.01  # and one that has none; longer in a large farm, or all look all day
_FAREWELL = 15.0  # seconds for the workers to take back what they have, when the driver stops


class ServerGone(RuntimeError):
    """No worker answered for longer than the driver's patience."""


class Driver:
    """Runs rows until each is done, failed or held back.

    Args:
        workers: of a back end.
        rows: of the sweep, or of this driver's part of it, in order.
        state: where what is known lies.
        console: takes the lines on how it goes.
        patience: seconds to wait when no worker answers.
    """

    def __init__(
        self, workers: Sequence[Worker], rows: list[SweepRow], state: State, console: Console, *, patience: float = 600
    ) -> None:
        self.workers, self.state, self.console, self.patience = workers, state, console, patience
        self.schedule = Schedule(rows, state)
        self.changed = threading.Condition()  # its lock guards all that follows
        self.fleet = Fleet(workers, self.schedule, state, console, self.changed)
        self.ends = RowEnds(self.schedule, state, console, self.changed, sum(worker.places for worker in workers))
        self.has: dict[str, list[RowRun]] = {worker.name: [] for worker in workers}  # in the order in which they went
        self.crowded: dict[str, list[RowRun]] = {}  # of these the workers that have more than one
        self.idle_pause = min(_SECOND_PAUSE, _IDLE_PAUSE + _IDLE_PAUSE_A_WORKER * len(workers))
        self.lines: dict[str, str] = {}  # row -> how far it is
        self.error: BaseException | None = None
        self.is_stopping = self.is_cancelled = False  # Ctrl-C cancels; all else leaves rows where a worker keeps them

    def run(self) -> Tally:
        """Drive to the end.

        Raises:
            ServerGone: no answer for `patience` seconds; what is known stays on disk.
            KeyboardInterrupt: passed on, after withdrawing what is queued or runs; those rows wait again.
            Terminated: passed on likewise; rows stay with a worker that keeps them, for the next driver.
            OSError, ValueError: the state on disk cannot be written or read.
        """
        skipped = tally_of(self.schedule.runs).skipped
        if skipped:
            self.console.say(f"{skipped} of {len(self.schedule.runs)} rows are done already", "resumed", rows=skipped)
        threads = [
            threading.Thread(target=self._serve, args=(worker,), daemon=True)
            for worker in self.workers
            for _ in range(worker.slots)
        ]
        try:
            for thread in threads:
                thread.start()
            self._watch_over()
        except KeyboardInterrupt as stop:
            self.is_cancelled = not isinstance(stop, Terminated)
            raise
        finally:
            self._stop()
            end = time.monotonic() + _FAREWELL
            for thread in threads:
                if thread.ident is not None:
                    thread.join(max(0.0, end - time.monotonic()))
            if self.is_cancelled:
                self._cancel_kept()
        if self.error is not None:
            raise self.error
        return tally_of(self.schedule.runs)

    def _watch_over(self) -> None:
        """Until all is over: show how it goes, and give up when no worker answers."""
        last_shown = time.monotonic()
        while True:
            with self.changed:
                if self.schedule.is_over or self.error is not None:
                    return
                self.changed.wait(0.5)
                if len(self.fleet.gone) == len(self.workers):
                    silence = time.monotonic() - max(self.fleet.gone.values())
                    if silence > self.patience:
                        names = ", ".join(f"{name} ({self.fleet.reasons[name]})" for name in sorted(self.fleet.gone))
                        raise ServerGone(f"no answer for {self.patience:g} s from {names}")
            if time.monotonic() - last_shown >= PROGRESS_INTERVAL:
                last_shown = time.monotonic()
                self._show()

    def _serve(self, worker: Worker) -> None:
        """The life of one slot."""
        try:
            if trouble := self.fleet.trouble(worker):
                self.fleet.wait_for(worker, trouble)
            while (run := self._take(worker)) is not None:
                try:
                    self._run(worker, run)
                finally:
                    with self.changed:
                        self.has[worker.name].remove(run)
                        self._note_crowd(worker.name)
                        self.lines.pop(run.row.name, None)
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001  raised again by `run`, in the driver's own thread
            with self.changed:
                self.error = self.error or error
            self._stop()

    def _stop(self) -> None:
        """Let each slot end, and take back what it has."""
        with self.changed:
            self.is_stopping = self.fleet.is_stopping = True
            for run in self.schedule.runs:
                run.wake.set()
            self.changed.notify_all()

    def _cancel_kept(self) -> None:
        """Take back what workers kept for this driver, and it has not come to ask for."""
        for worker in self.workers:
            if worker.keeps_rows:
                runs = [run for run in self.schedule.runs if run.phase is Phase.WAITING and run.owner == worker.name]
                worker.withdraw([run.state.prompt_id for run in runs])
                for run in runs:
                    self.state.write(run.row.name, run.state.waiting())

    def _take(self, worker: Worker) -> RowRun | None:
        """The next row for this worker, once there is one; None when all is over."""
        with self.changed:
            while not self.is_stopping and not self.schedule.is_over:
                is_idle = not self.has[worker.name]
                run = self.schedule.take(worker.name, is_idle, self.fleet.live)
                if run is not None:
                    self.has[worker.name].append(run)
                    self._note_crowd(worker.name)
                    return run
                if is_idle:
                    self._recall(worker.name)
                self.changed.wait(self.idle_pause if is_idle else _SECOND_PAUSE)
            self.changed.notify_all()
            return None

    def _note_crowd(self, name: str) -> None:
        """Keep whether the worker has more than one row."""
        self.crowded.pop(name, None)
        if len(self.has[name]) > 1:
            self.crowded[name] = self.has[name]

    def _recall(self, idle: str) -> None:
        """Let the idle worker have a row that waits behind another at its worker, if there is one.

        Which of two waits only the worker knows, which keeps the one that runs.
        """
        for rows in self.crowded.values():
            for run in reversed(rows):
                if not run.was_recalled and idle not in run.failed_on:
                    run.is_recalled = run.was_recalled = True
                    run.wake.set()
                    return

    def _run(self, worker: Worker, run: RowRun) -> None:
        task = self._hand_out(worker, run)
        if run.state.silences >= MAX_SILENCES:
            reasons = "; ".join(run.silences) or "before this driver"
            problem = f"{run.state.silences} servers fell silent with it ({reasons}); look into their logs"
            self.ends.close(worker, run, End(problem))
            return
        try:
            end = worker.run(task, partial(self._pause, worker, run))
        except Stalled as error:  # its ticket is not to be asked for again: it may end as interrupted
            with self.changed:
                run.silences.append(f"{worker.name}: {error}")
                state = replace(run.state.waiting(), silences=run.state.silences + 1)
                state.abandoned.append([worker.name, task.ticket])
                self.fleet.abandoned.setdefault(worker.name, []).append(task.ticket)
            self.ends.put_back(run, state)
            self.fleet.wait_for(worker, str(error))
        except WorkerGone as error:  # the row keeps its ticket: this worker may have it still when it is back
            with self.changed:
                self.fleet.troubles.setdefault(worker.name, []).append(time.monotonic())
                run.silences.append(f"{worker.name}: {error}")
            self.ends.put_back(run, run.state)
            self.fleet.wait_for(worker, str(error))
        except TaskForgotten as error:
            self.ends.lose(worker, run, str(error))
        except Recalled:
            self.ends.put_back(run, run.state.waiting())
        except Left:  # its ticket stays on disk
            self.ends.put_back(run, run.state)
            raise
        except BaseException:
            self.ends.put_back(run, run.state.waiting())
            raise
        else:
            with self.changed:
                self.fleet.troubles.pop(worker.name, None)
            self.ends.end(worker, run, end)

    def _hand_out(self, worker: Worker, run: RowRun) -> Task:
        """A ticket for the row, on disk before the worker sees it."""
        state = run.state
        is_resumed = state.status == QUEUED and (state.worker == worker.name or not self._is_ours(state.worker))
        if not is_resumed:
            with self.changed:
                if state.status == QUEUED:
                    state.silences += run.is_seen
                    state.abandoned.append([state.worker, state.prompt_id])
                    self.fleet.abandoned.setdefault(state.worker, []).append(state.prompt_id)
                state = replace(state, status=QUEUED, prompt_id=str(uuid.uuid4()), worker=worker.name, message="")
                run.state, run.is_seen = state, False
            self.state.write(run.row.name, state)
        run.is_recalled = False
        run.wake.clear()
        return Task(run.row.name, run.row.graph, state.prompt_id, is_resumed)

    def _is_ours(self, name: str) -> bool:
        return any(worker.name == name for worker in self.workers)

    def _pause(self, worker: Worker, run: RowRun, seconds: float, line: str) -> None:
        """What a worker calls instead of sleeping."""
        with self.changed:
            self.lines[run.row.name] = f"{run.state.worker}: {run.row.name} {line}".rstrip()
            run.is_seen = True
            self.fleet.troubles.pop(run.state.worker, None)
        run.wake.wait(seconds)
        if self.is_stopping:
            raise Left if worker.keeps_rows and not self.is_cancelled else Stopped
        if run.is_recalled:
            run.is_recalled = False
            run.wake.clear()
            raise Recalled

    def _show(self) -> None:
        """Say how far the rows are that run, and who has them."""
        with self.changed:  # only to look: who reads the lines may be slow
            weight = self.schedule.weight_left
            lines, gone = sorted(self.lines.values()), sorted(self.fleet.gone)
        self.console.say(
            "\n".join(f"  {line}" for line in [self.ends.clock.left(weight), *lines[:20]]),
            "progress",
            images=self.ends.clock.images, elapsed=round(self.ends.clock.elapsed, 1),
            seconds_left=self.ends.clock.seconds_left(weight), running=lines, gone=gone,
        )  # fmt: skip

"""Drives the rows of a sweep through one server: few prompts queued, everything known on disk, restarts survived."""

from __future__ import annotations

import enum
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from evaluation.progress import duration

from .client import Client, NoAnswer, Rejected, failure
from .run import outcome
from .state import DONE, FAILED, QUEUED, WAITING, RowState, State
from .sweep_file import LAST, SweepRow
from .verdict import fractions, shortfall
from .watch import Watch

MAX_QUEUED = 2  # prompts in the server's queue: the next one starts at once, and a restart loses no more than these
MAX_LOSSES = 3  # a row that a restart took this often is likely what brings the server down
MAX_TEXT = 2000  # characters of a node's text that a row's state holds
PROGRESS_INTERVAL = 30.0  # seconds between two lines on the row that runs


class ServerGone(RuntimeError):
    """The server did not answer for longer than the driver's patience."""


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


class Phase(enum.Enum):
    """Where a row stands for this driver. What an earlier driver left is in the row's RowState."""

    WAITING = "it has not run, or the server lost it"
    QUEUED = "the server has it"
    DONE = "this driver saw it end well"
    FAILED = "this driver saw it fail"
    SKIPPED = "it was done before"


@dataclass
class RowRun:
    """One row on its way: what to run, what is known on disk, and where it stands for this driver."""

    row: SweepRow
    state: RowState
    phase: Phase = Phase.WAITING

    @property
    def is_last(self) -> bool:
        """Whether it runs after all others."""
        return self.row.group == LAST

    @property
    def is_over(self) -> bool:
        """Whether this driver has nothing left to do with it."""
        return self.phase in (Phase.DONE, Phase.FAILED, Phase.SKIPPED)


class Driver:
    """Runs rows until each is done, failed or held back.

    Args:
        client: of the server.
        rows: of the sweep, or of this driver's part of it, in order.
        state: where what is known lies.
        say: takes one line on how it goes.
        warn: takes one line on what went wrong; left out, `say` does.
        patience: seconds to wait for a server that does not answer.
        poll: seconds between two questions.
    """

    def __init__(
        self,
        client: Client,
        rows: list[SweepRow],
        state: State,
        say: Callable[[str], None],
        warn: Callable[[str], None] | None = None,
        *,
        patience: float = 600,
        poll: float = 0.5,
    ) -> None:
        self.client, self.state, self.say, self.warn = client, state, say, warn or say
        self.patience, self.poll = patience, poll
        self.runs = [RowRun(row, state.read(row.name)) for row in rows]
        self.clock = Clock()
        self.watch = Watch(client.url, client.client_id)
        self.last_line = time.monotonic()

    def run(self) -> Tally:
        """Drive to the end.

        Raises:
            ServerGone: no answer for `patience` seconds; what is known stays on disk.
            KeyboardInterrupt: passed on, after withdrawing what is queued or runs; those rows wait again.
            OSError, ValueError: the state on disk cannot be written or read.
        """
        self._resume()
        silent_since: float | None = None
        try:
            while self._queued() or self._next():
                try:
                    self._collect()
                    self._fill()
                    if silent_since is not None:
                        self.say(f"the server answers again after {time.monotonic() - silent_since:.0f} s")
                        silent_since = None
                except NoAnswer as error:
                    if silent_since is None:
                        silent_since = time.monotonic()
                        self.warn(f"the server does not answer ({error}); waiting for it")
                    if time.monotonic() - silent_since > self.patience:
                        raise ServerGone(f"no answer from {self.client.url} for {self.patience:.0f} s") from error
                if self._queued() or silent_since is not None:
                    self._show()
                    time.sleep(self.poll)
        except KeyboardInterrupt:
            self._withdraw()
            raise
        finally:
            self.watch.close()
        return self.tally()

    def tally(self) -> Tally:
        """How many rows are done, skipped, failed and, at the end, held back."""
        phases = [run.phase for run in self.runs]
        kinds = (Phase.DONE, Phase.SKIPPED, Phase.FAILED, Phase.WAITING)
        return Tally(*(phases.count(kind) for kind in kinds))

    def _queued(self) -> list[RowRun]:
        return [run for run in self.runs if run.phase is Phase.QUEUED]

    def _resume(self) -> None:
        """Take up what an earlier driver left: skip what is done, ask again for what it had queued."""
        for run in self.runs:
            if run.state.key != run.row.key or run.state.status == FAILED:
                run.state = RowState(key=run.row.key)
            elif run.state.status == DONE and not run.is_last:
                run.phase = Phase.SKIPPED
            elif run.state.status == QUEUED:
                run.phase = Phase.QUEUED
        if all(run.is_over for run in self.runs if not run.is_last):
            self._skip_last_rows()
        skipped = self.tally().skipped
        if skipped:
            self.say(f"{skipped} of {len(self.runs)} rows are done already")

    def _skip_last_rows(self) -> None:
        """With nothing else to run, rows of `last` that are done stand, up to the first that is not."""
        for run in self.runs:
            if run.is_last and run.phase is Phase.WAITING:
                if run.state.status != DONE:
                    return
                run.phase = Phase.SKIPPED

    def _next(self) -> RowRun | None:
        """The first row that may start: its group's earlier rows are done, and for `last` nothing else is left."""
        blocked = {run.row.group for run in self.runs if run.phase in (Phase.QUEUED, Phase.FAILED)}
        startable = [run for run in self.runs if run.phase is Phase.WAITING and run.row.group not in blocked]
        others = [run for run in [*startable, *self._queued()] if not run.is_last]
        return next((run for run in startable if not (run.is_last and others)), None)

    def _fill(self) -> None:
        """Queue what may start. The prompt's id is on disk before the server sees it."""
        while len(self._queued()) < MAX_QUEUED:
            run = self._next()
            if run is None:
                return
            problem = fractions(run.row.graph, self.client)
            losses = run.state.losses
            run.state = RowState(key=run.row.key, status=QUEUED, prompt_id=str(uuid.uuid4()), losses=losses)
            self.state.write(run.row.name, run.state)
            run.phase = Phase.QUEUED
            try:
                if not problem:
                    self.client.queue(run.row.graph, prompt_id=run.state.prompt_id)
            except Rejected as error:
                problem = str(error)
            if problem:
                self._end(run, problem)

    def _collect(self) -> None:
        """Ask what became of each queued prompt; one that the server does not know was lost to a restart."""
        for run in self._queued():
            try:
                entry = self.client.end(run.state.prompt_id)
            except LookupError:
                self._lose(run)
                continue
            if entry is not None:
                problem = failure(entry) or shortfall(run.row.graph, entry, self.client)
                result = outcome(run.row.graph, entry)
                run.state.seconds, run.state.results, run.state.files = result.seconds, result.results, result.files
                run.state.texts = [[title, text[:MAX_TEXT]] for title, text in result.texts]
                self._end(run, problem)

    def _lose(self, run: RowRun) -> None:
        """The server forgot the row: let it wait again, or give it up."""
        run.state.losses += 1
        if run.state.losses >= MAX_LOSSES:
            self._end(run, f"the server lost it {run.state.losses} times; look into the server's log")
            return
        self.warn(f"{run.row.name}: the server no longer knows it; queued again")
        run.state.status, run.phase = WAITING, Phase.WAITING
        self.state.write(run.row.name, run.state)

    def _end(self, run: RowRun, problem: str) -> None:
        """Write down that the row is done, or failed with `problem`, and say so."""
        run.state.status, run.state.message = FAILED if problem else DONE, problem
        self.state.write(run.row.name, run.state)
        run.phase = Phase.FAILED if problem else Phase.DONE
        self.clock.add(run.row.weight)
        weight = sum(row_run.row.weight for row_run in self.runs if not row_run.is_over)
        note = f"FAILED: {problem}" if problem else f"{run.state.seconds:.1f} s"
        count = sum(row_run.is_over for row_run in self.runs)
        tell = self.warn if problem else self.say
        tell(f"[{count}/{len(self.runs)}] {run.row.name}: {note}; {self.clock.left(weight)}")

    def _show(self) -> None:
        """Say now and then how far the running row is."""
        self.watch.poll()
        if self._queued() and time.monotonic() - self.last_line >= PROGRESS_INTERVAL:
            self.last_line = time.monotonic()
            for run in self._queued():
                line = self.watch.line(run.state.prompt_id, run.row.graph)
                if line:
                    self.say(f"  {run.row.name}: {line}")

    def _withdraw(self) -> None:
        """Take what is queued or runs off the server; those rows wait again, which is no failure of theirs."""
        queued = self._queued()
        try:
            self.client.withdraw([run.state.prompt_id for run in queued])
        except NoAnswer as error:
            self.warn(f"the server does not answer ({error}); what is queued there may still run")
            return
        for run in queued:
            if run.state.status == QUEUED:  # else the key was pressed while its end was being written down
                run.state.status, run.phase = WAITING, Phase.WAITING
                self.state.write(run.row.name, run.state)


class Clock:
    """Time left, from the weights done so far."""

    def __init__(self) -> None:
        self.start, self.weight = time.monotonic(), 0.0

    def add(self, weight: float) -> None:
        """Count a row of that weight as done."""
        self.weight += weight

    def left(self, weight: float) -> str:
        """Elapsed time, and time left for rows of that weight in all."""
        elapsed = time.monotonic() - self.start
        remaining = elapsed / self.weight * weight if self.weight else 0.0
        return f"{duration(elapsed)} so far" + (f", about {duration(remaining)} left" if weight else "")

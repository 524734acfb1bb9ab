"""Drives the rows of a sweep through one server: few prompts queued, everything known on disk, restarts survived."""

from __future__ import annotations

import http.client
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from .client import Client, Rejected, failure
from .run import outcome
from .state import DONE, FAILED, QUEUED, WAITING, RowState, State
from .sweep_file import LAST, Row
from .watch import Watch, duration

AHEAD = 2  # prompts in the server's queue: the next one starts at once, and a restart loses no more than these
LOSSES = 3  # a row that a restart took this often is likely what brings the server down
EVERY = 30.0  # seconds between two lines on the row that runs
UNREACHABLE = (OSError, http.client.HTTPException)


class ServerGone(ConnectionError):
    """The server did not answer for longer than the driver's patience."""


@dataclass
class Tally:
    """How a sweep ended."""

    done: int = 0
    skipped: int = 0
    failed: int = 0
    held_back: int = 0

    @property
    def is_complete(self) -> bool:
        return not self.failed and not self.held_back


class Driver:
    """Runs rows until each is done, failed or held back.

    Args:
        patience: seconds to wait for a server that does not answer.
        say: takes one line for people.
    """

    def __init__(
        self,
        client: Client,
        rows: list[Row],
        state: State,
        say: Callable[[str], None],
        *,
        patience: float = 600,
        poll: float = 0.5,
    ) -> None:
        self.client, self.rows, self.state, self.say = client, rows, state, say
        self.patience, self.poll = patience, poll
        self.states: dict[str, RowState] = {row.name: state.read(row.name) for row in rows}
        self.tally = Tally()
        self.clock = Clock()
        self.over: set[str] = set()
        self.flying: list[Row] = []
        self.ran_any = False
        self.watch = Watch(client.url, client.client_id)
        self.shown = time.monotonic()

    def run(self) -> Tally:
        """Drive to the end.

        Raises:
            ServerGone: no answer for `patience` seconds; what is known stays on disk.
            KeyboardInterrupt: passed on, after taking what still waits out of the queue.
        """
        self._look_back()
        silent_since: float | None = None
        try:
            while self.flying or self._next() is not None:
                try:
                    self._collect()
                    self._fill()
                    if silent_since is not None:
                        self.say(f"the server answers again after {time.monotonic() - silent_since:.0f} s")
                        silent_since = None
                except UNREACHABLE as error:
                    if silent_since is None:
                        silent_since = time.monotonic()
                        self.say(f"the server does not answer ({error}); waiting for it")
                    if time.monotonic() - silent_since > self.patience:
                        raise ServerGone(f"no answer from {self.client.url} for {self.patience:.0f} s") from error
                if self.flying or silent_since is not None:
                    self._show()
                    time.sleep(self.poll)
        except KeyboardInterrupt:
            self._withdraw()
            raise
        finally:
            self.watch.close()
        self.tally.held_back = len(self.rows) - len(self.over)
        return self.tally

    def _look_back(self) -> None:
        """Take up what an earlier driver left: skip what is done, ask again for what it had queued."""
        for row in self.rows:
            known = self.states[row.name]
            if known.key != row.key or known.status == FAILED:
                self.states[row.name] = RowState(key=row.key)
            elif known.status == DONE and row.group != LAST:
                self.over.add(row.name)
                self.tally.skipped += 1
            elif known.status == QUEUED:
                self.flying.append(row)
        if self.tally.skipped:
            self.say(f"{self.tally.skipped} of {len(self.rows)} rows are done already")

    def _next(self) -> Row | None:
        """The first row that may start: its group's earlier rows are done, and for `last` nothing else is left."""
        waiting = [row for row in self.rows if row.name not in self.over and row not in self.flying]
        blocked: set[str] = {row.group for row in self.flying}
        for row in self.rows:
            if row.name in self.over and self.states[row.name].status == FAILED:
                blocked.add(row.group)
        for row in waiting:
            if row.group == LAST:
                others = [each for each in [*waiting, *self.flying] if each.group != LAST]
                if any(each.group not in blocked or each in self.flying for each in others):
                    continue
                if self.states[row.name].status == DONE and not self.ran_any:
                    self.over.add(row.name)
                    self.tally.skipped += 1
                    continue
            if row.group not in blocked:
                return row
            blocked.add(row.group)
        return None

    def _fill(self) -> None:
        while len(self.flying) < AHEAD:
            row = self._next()
            if row is None:
                return
            known = RowState(key=row.key, status=QUEUED, prompt_id=str(uuid.uuid4()))
            known.losses = self.states[row.name].losses
            self.states[row.name] = known
            self.state.write(row.name, known)
            self.flying.append(row)
            try:
                self.client.queue(row.graph, prompt_id=known.prompt_id)
            except Rejected as error:
                self._end(row, FAILED, str(error))

    def _collect(self) -> None:
        """Ask what became of each queued prompt; one that the server does not know was lost to a restart."""
        for row in list(self.flying):
            known = self.states[row.name]
            entry = self.client.entry(known.prompt_id)
            if entry is None and known.prompt_id not in self.client.pending():
                entry = self.client.entry(known.prompt_id)  # it may have ended between the two questions
                if entry is None:
                    self._lost(row)
                    continue
            if entry is None:
                continue
            problem = failure(entry)
            found = outcome(row.graph, entry)
            known.seconds, known.results = found.seconds, found.results
            known.texts = [[title, text[:2000]] for title, text in found.texts]
            known.files = found.files
            self._end(row, FAILED if problem else DONE, problem)

    def _lost(self, row: Row) -> None:
        known = self.states[row.name]
        known.losses += 1
        self.flying.remove(row)
        if known.losses >= LOSSES:
            self.flying.append(row)
            self._end(row, FAILED, f"the server lost it {known.losses} times; look into the server's log")
            return
        self.say(f"{row.name}: the server no longer knows it; queued again")
        known.status = WAITING
        self.state.write(row.name, known)

    def _end(self, row: Row, status: str, message: str) -> None:
        known = self.states[row.name]
        known.status, known.message = status, message
        self.state.write(row.name, known)
        self.flying.remove(row)
        self.over.add(row.name)
        self.ran_any = True
        self.clock.add(row.weight)
        if status == DONE:
            self.tally.done += 1
        else:
            self.tally.failed += 1
        left = sum(each.weight for each in self.rows if each.name not in self.over)
        note = f"{known.seconds:.1f} s" if status == DONE else f"FAILED: {message}"
        self.say(f"[{len(self.over)}/{len(self.rows)}] {row.name}: {note}; {self.clock.left(left)}")

    def _show(self) -> None:
        """Say now and then how far the running row is."""
        self.watch.poll()
        if self.flying and time.monotonic() - self.shown >= EVERY:
            self.shown = time.monotonic()
            for row in self.flying:
                line = self.watch.line(self.states[row.name].prompt_id, row.graph)
                if line:
                    self.say(f"  {row.name}: {line}")

    def _withdraw(self) -> None:
        try:
            self.client.forget([self.states[row.name].prompt_id for row in self.flying])
        except UNREACHABLE:
            return


class Clock:
    """Time left, from the weights done so far."""

    def __init__(self) -> None:
        self.start, self.weight = time.monotonic(), 0.0

    def add(self, weight: float) -> None:
        self.weight += weight

    def left(self, weight: float) -> str:
        """Elapsed time, and time left for rows of that weight in all."""
        elapsed = time.monotonic() - self.start
        rest = elapsed / self.weight * weight if self.weight else 0.0
        return f"{duration(elapsed)} so far" + (f", about {duration(rest)} left" if weight else "")

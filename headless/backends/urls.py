"""ComfyUI servers that run already, by their addresses. Standard library only."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from ..client import Client, Graph, NoAnswer, Rejected, failure
from ..run import outcome
from ..verdict import fractions, shortfall
from ..watch import Watch
from .core import MAX_TEXT, End, Pause, Recalled, Stalled, Task, TaskForgotten, WorkerGone

POLL = 0.5  # seconds between two questions to a server
POLL_A_SERVER = 0.01  # and so many more for each server of the farm, or the driver would ask all day
LOST_AFTER = 60.0  # seconds of silence: a server that loads a large model answers again sooner
ALONE_LOST_AFTER = 5.0  # the only server keeps its rows all the same: that it is silent is said soon
_BUSY = ("SetIsHeld", "AnotherWriter")  # errors of nodes/dataset/store/lock.py and of evaluation/lock.py


@contextmanager
def url_workers(
    urls: Sequence[str], lost_after: float = LOST_AFTER, stalled_after: float = 0.0, client_id: str = "hyponet-headless"
) -> Iterator[list[UrlWorker]]:
    """A worker for each address, which are left running.

    Args:
        lost_after, stalled_after: see `UrlWorker`.
        client_id: under which rows are queued; servers tell of progress to one connection of that name alone.
    """
    silence = lost_after if len(urls) > 1 else min(lost_after, ALONE_LOST_AFTER)
    poll = POLL + POLL_A_SERVER * len(urls)
    workers = [
        UrlWorker(Client(url, client_id, lost_after), lost_after=silence, stalled_after=stalled_after, poll=poll)
        for url in urls
    ]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.close()


class UrlWorker:
    """One server by its address.

    Args:
        client: of the server.
        lost_after: seconds of silence after which its rows go to others.
        stalled_after: seconds without progress of the row that runs, after which its rows go to others; 0: never.
        poll: seconds between two questions.
    """

    slots, places, keeps_rows = 2, 1, False

    def __init__(
        self, client: Client, *, lost_after: float = LOST_AFTER, stalled_after: float = 0.0, poll: float = POLL
    ) -> None:
        self.client, self.lost_after, self.stalled_after, self.poll = client, lost_after, stalled_after, poll
        self._stuck = ""  # the ticket that stands still there
        self.name = client.url
        self._watch, self._lock = Watch(client.url, client.client_id), threading.Lock()

    def run(self, task: Task, pause: Pause) -> End:
        """Queue the row, or ask for it, and wait for its end; see `core.Worker`."""
        if self._stuck and (trouble := self.trouble()):
            raise WorkerGone(trouble)
        try:
            problem = self._start(task)
            if problem:
                return End(problem)
            return self._wait(task, pause)
        except (WorkerGone, TaskForgotten, Recalled):
            raise
        except NoAnswer as error:
            raise WorkerGone(str(error)) from None
        except BaseException:  # Stopped, Ctrl-C: nobody waits for it any more
            self.withdraw([task.ticket])
            raise

    def trouble(self) -> str:
        """Why the server takes no row; empty when it answers, and nothing stands still there."""
        trouble = self.client.trouble()
        if self._stuck and not trouble:
            try:
                if self._stuck in self.client.running():
                    return f"no progress for {self.stalled_after:g} s, and it is not to be interrupted"
            except NoAnswer as error:
                return str(error)
            self._stuck = ""
        return trouble

    def withdraw(self, tickets: Collection[str]) -> None:
        """Take prompts out of the server's queue, and interrupt the one that runs."""
        if not tickets:
            return
        try:
            self.client.withdraw(tickets)
        except NoAnswer as error:
            raise WorkerGone(str(error)) from None

    def close(self) -> None:
        """Close the connection that shows how far the server is."""
        self._watch.close()

    def _start(self, task: Task) -> str:
        """Queue the row unless the server has it; why it will not run, one line."""
        if task.is_resumed:
            self._entry(task)  # raises where the server does not know it
            return ""
        try:
            problem = fractions(task.graph, self.client)
            if not problem:
                self.client.queue(task.graph, prompt_id=task.ticket)
        except Rejected as error:
            problem = str(error)
        except NoAnswer as error:
            if not 400 <= error.status < 500:
                raise
            problem = f"the server refuses the row: {error}"  # what stands before it does: too large, not allowed
        return problem

    def _wait(self, task: Task, pause: Pause) -> End:
        start = answered = time.monotonic()
        was_recalled = self._is_recalled(task, partial(pause, 0.0, ""))  # the server has it
        while True:
            try:
                entry = self._entry(task)
                if entry is not None:
                    return ended(task.graph, entry, self.client)
                answered = time.monotonic()
                if self.stalled_after:
                    self._refuse_standstill(task, start)
            except TaskForgotten:
                if was_recalled:  # it waited still
                    raise Recalled from None
                raise
            except NoAnswer:
                if time.monotonic() - answered >= self.lost_after:
                    raise
            was_recalled |= self._is_recalled(task, partial(pause, self.poll, self._line(task)))

    def _refuse_standstill(self, task: Task, start: float) -> None:
        """Raise Stalled where a row of ours runs on the server, and for long no progress of it was heard."""
        with self._lock:
            is_quiet = self._watch.is_open and time.monotonic() - max(start, self._watch.heard) >= self.stalled_after
        if is_quiet and task.ticket in self.client.running():
            self._stuck = task.ticket
        if self._stuck:  # also the row that waits behind it
            with contextlib.suppress(NoAnswer):
                self.client.withdraw([task.ticket])
            raise Stalled(f"no progress for {self.stalled_after:g} s")

    def _is_recalled(self, task: Task, pause: Callable[[], None]) -> bool:
        """Pause; whether an idle worker is to have the row, which is taken out of the queue then if it waits there."""
        try:
            pause()
        except Recalled:
            with contextlib.suppress(NoAnswer):  # whether it was heard shows when the server is asked for the row again
                self.client.delete([task.ticket])
            return True
        return False

    def _entry(self, task: Task) -> dict[str, Any] | None:
        try:
            return self.client.end(task.ticket)
        except LookupError as error:
            raise TaskForgotten(str(error.args[0])) from None

    def _line(self, task: Task) -> str:
        with self._lock:
            self._watch.poll()
            return self._watch.line(task.ticket, task.graph)


def ended(graph: Graph, entry: Mapping[str, Any], client: Client) -> End:
    """How a row ended, from its entry in the history of a server; any back end that owns a server reads it by this."""
    problem = failure(entry) or shortfall(graph, entry, client)
    result = outcome(graph, entry)
    texts = [[title, text[:MAX_TEXT]] for title, text in result.texts]
    return End(problem, _is_busy(entry), result.seconds, _images(graph, entry), result.results, texts, result.files)


def _is_busy(entry: Mapping[str, Any]) -> bool:
    """Whether a node failed since somebody else writes its set, or its file."""
    messages = (entry.get("status") or {}).get("messages") or []
    types = [str(message.get("exception_type")) for kind, message in messages if kind == "execution_error"]
    return any(name.rpartition(".")[2] in _BUSY for name in types)  # the server names them with their module


def _images(graph: Graph, entry: Mapping[str, Any]) -> int:
    """Pictures of the sets that the row's Generate Dataset nodes answer for."""
    outputs = [
        entry["outputs"].get(id_, {}) for id_, node in graph.items() if node["class_type"] == "HypoNetGenerateDataset"
    ]
    facts = [facts for output in outputs for facts in output.get("hyponet") or [] if isinstance(facts, dict)]
    return sum(int(fact.get("images") or 0) for fact in facts)

"""A server of our own and the rows that run on it, in the process of a worker: a Ray actor, or a SLURM job."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..client import Client, NoAnswer
from ..store import Store
from ..workflow import Graph
from .core import End, Pause, Task, WorkerGone
from .own_server import OwnServer, ServerFailed, ServerSpec
from .urls import UrlWorker

_SETS = "datasets"  # below ComfyUI's output folder


class Host:
    """One server, started when it is needed, and anew when it ended or fell silent.

    Args:
        spec: how to start it.
        name: of the worker.

    Raises:
        ValueError: there is no ComfyUI, or the store's address is wrong.
    """

    def __init__(self, spec: ServerSpec, name: str) -> None:
        self.server = OwnServer(spec, name)
        self.store = Store(spec.store) if spec.store else None
        self._tickets: set[str] = set()
        self._lock = threading.Lock()
        self._fetching = threading.Lock()  # two rows that run at once may name one set

    def start(self) -> None:
        """Start the server unless it runs.

        Raises:
            ServerFailed: it does not start.
        """
        with self._lock:
            self.server.ensure()

    def run(self, task: Task, pause: Pause) -> End:
        """Run a row to its end; with a store, fetch the sets that it names before and deliver those that it made.

        Raises:
            WorkerGone: the server ended, or was silent for long, and was ended; the next row starts another.
            TaskForgotten: a server that was started anew does not know the row.
        """
        if task.is_resumed and task.ticket not in self._tickets:
            task = replace(task, is_resumed=False)  # the worker that had it is gone, with its server
        try:
            with self._lock:
                client = self.server.ensure()
            self._tickets.add(task.ticket)
            if self.store:
                self._fetch(task.graph, self.store)
            end = self._run(client, task, pause)
            if self.store and not end.problem:
                self._deliver(client.entry(task.ticket) or {}, self.store)
        except WorkerGone:
            raise
        except (ServerFailed, NoAnswer) as error:
            raise WorkerGone(str(error)) from None
        except (OSError, ValueError) as error:  # this disk, or the store: another worker may do better
            return End(str(error))
        return end

    def withdraw(self, tickets: Collection[str]) -> None:
        """Take rows off the server, if it runs.

        Raises:
            WorkerGone: it does not answer.
        """
        if self.server.is_running:
            UrlWorker(self.server.client).withdraw(tickets)

    def stop(self) -> None:
        """End the server."""
        with self._lock:
            self.server.stop()

    def _run(self, client: Client, task: Task, pause: Pause) -> End:
        def watched(seconds: float, line: str = "") -> None:
            if client is not self.server.client or not self.server.is_running:
                raise WorkerGone(f"its server ended: {self.server.last_words()}")
            pause(seconds, line)

        worker = UrlWorker(client, lost_after=self.server.spec.lost_after)
        try:
            return worker.run(task, watched)
        except WorkerGone:
            with self._lock:
                if client is self.server.client:  # silent: nothing but its end gives back what it holds
                    self.server.stop()
            raise
        finally:
            worker.close()

    def _fetch(self, graph: Graph, store: Store) -> None:
        """Fetch the sets that the row's widgets name and this disk does not have."""
        names = {line.strip() for text in _texts(graph) for line in text.splitlines()}
        with self._fetching:
            for name in sorted(names & store.names()):
                store.get(name, self._sets / name)

    def _deliver(self, entry: Mapping[str, Any], store: Store) -> None:
        """Deliver the whole sets that a row made or changed: those that its nodes tell of."""
        node_facts = [facts for output in entry.get("outputs", {}).values() for facts in output.get("hyponet") or []]
        for name in sorted({str(facts.get("name")) for facts in node_facts if isinstance(facts, dict)}):
            if (self._sets / name / "dataset.json").is_file():
                store.put(self._sets / name, name)

    @property
    def _sets(self) -> Path:
        assert self.server.output is not None, "a store goes with an output folder of the worker's own"
        return self.server.output / _SETS


def _texts(graph: Graph) -> Iterator[str]:
    for node in graph.values():
        yield from (value for value in node["inputs"].values() if isinstance(value, str))

"""Workers on a Ray cluster: an actor a GPU, which owns one ComfyUI server. Needs ray, `pip install 'ray>=2.40'`.

Rows are handed out by the driver, not by Ray: at most one try a call (`max_task_retries=0`), for a row whose actor is
lost is handed out again by the driver, and goes on with the set that lies there. Nothing but rows and what they showed
crosses. A server ends with its actor, by its guard.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .core import End, Pause, Recalled, Task, WorkerGone
from .host import Host
from .own_server import ServerSpec

MAX_RESTARTS = 10  # of an actor: on the node where it was, or on another
_CALLS = 8  # of an actor at once: two rows, and questions


class ServerActor:
    """What runs on the cluster."""

    def __init__(self, spec: ServerSpec, name: str) -> None:
        self.host = Host(spec, name)
        self.lines: dict[str, str] = {}
        self.recalled: set[str] = set()

    def start(self) -> None:
        """Start the server unless it runs."""
        self.host.start()

    def run(self, task: Task) -> End:
        """Run a row to its end."""

        def pause(seconds: float, line: str = "") -> None:
            self.lines[task.ticket] = line
            time.sleep(seconds)
            if task.ticket in self.recalled:
                self.recalled.discard(task.ticket)
                raise Recalled

        try:
            return self.host.run(task, pause)
        finally:
            self.lines.pop(task.ticket, None)
            self.recalled.discard(task.ticket)

    def line(self, ticket: str) -> str:
        """How far a row is."""
        return self.lines.get(ticket, "")

    def recall(self, ticket: str) -> None:
        """Give a row back if it has not begun: `run` raises Recalled then."""
        self.recalled.add(ticket)

    def withdraw(self, tickets: Collection[str]) -> None:
        """Take rows off the server."""
        self.host.withdraw(tickets)


class RayWorker:
    """The driver's side of an actor."""

    slots, places, keeps_rows = 2, 1, False

    def __init__(self, ray: Any, actor: Any, name: str) -> None:
        self.ray, self.actor, self.name = ray, actor, name
        self.starting = actor.start.remote()

    def run(self, task: Task, pause: Pause) -> End:
        """Run the row on the actor; see `core.Worker`."""
        row, question, line = self.actor.run.remote(task), self.actor.line.remote(task.ticket), ""
        try:
            while not self._is_ready(row, 1.0):
                if self._is_ready(question, 0.0):
                    line, question = self.ray.get(question), self.actor.line.remote(task.ticket)
                try:
                    pause(0.0, line)
                except Recalled:
                    self.actor.recall.remote(task.ticket)
            end: End = self.ray.get(row)
            return end
        except self.ray.exceptions.RayError as error:
            raise _cause(error) from None
        except BaseException:  # Stopped, Ctrl-C
            self.actor.withdraw.remote([task.ticket])
            raise

    def trouble(self) -> str:
        """Why the actor is not there, or its server does not answer; asks it to start one that does not."""
        try:
            if not self._is_ready(self.starting, 2.0):
                return "it is starting"
            self.ray.get(self.starting)
            is_there = self._is_ready(probe := self.actor.start.remote(), 5.0)
            self.starting = probe
            return "" if is_there else "it is starting its server"
        except self.ray.exceptions.RayError as error:
            self.starting = self.actor.start.remote()
            return str(_cause(error))

    def withdraw(self, tickets: Collection[str]) -> None:
        """Take rows off the actor's server."""
        try:
            self.ray.get(self.actor.withdraw.remote(list(tickets)), timeout=30)
        except self.ray.exceptions.RayError as error:
            raise WorkerGone(str(_cause(error))) from None

    def _is_ready(self, ref: Any, seconds: float) -> bool:
        return bool(self.ray.wait([ref], timeout=seconds)[0])


@contextmanager
def ray_workers(address: str, spec: ServerSpec, count: int = 0) -> Iterator[list[RayWorker]]:
    """A worker for each GPU of a cluster; where it has none, one for each node.

    Args:
        address: of its head, or "auto" for one on this machine; empty starts a cluster of this machine alone.
        spec: how each starts its server.
        count: of workers, instead.

    Raises:
        ValueError: ray is not installed, there is no such cluster, or no worker starts.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray as typed_in_part
    except ImportError:
        raise ValueError("--ray needs ray, which is not installed; pip install 'ray>=2.40'") from None
    ray: Any = typed_in_part
    _refuse_silence(address)
    handler = signal.getsignal(signal.SIGTERM)
    alone = {} if address else {"include_dashboard": False}
    try:
        ray.init(
            address or "local", log_to_driver=False, logging_level=logging.ERROR,
            runtime_env={"py_modules": _our_modules()}, **alone,
        )  # fmt: skip
    except Exception as error:  # noqa: BLE001  what Ray raises when its processes do not start is of no narrower class
        raise ValueError(f"--ray is {address!r}: {_first_line(error)}") from None
    try:
        signal.signal(signal.SIGTERM, handler)  # ray.init takes it away
        gpus = int(ray.cluster_resources().get("GPU", 0))
        nodes = sum(node["Alive"] and bool(node["Resources"].get("CPU")) for node in ray.nodes())
        actor_class = ray.remote(ServerActor).options(
            num_gpus=min(gpus, 1), num_cpus=1, max_restarts=MAX_RESTARTS, max_task_retries=0, max_concurrency=_CALLS,
            scheduling_strategy="SPREAD",
        )  # fmt: skip
        names = [f"ray-{number}" for number in range(1, (count or gpus or nodes) + 1)]
        workers = [RayWorker(ray, actor_class.remote(spec, name), name) for name in names]
        _wait_for_one(ray, workers, spec.patience + 60)
        yield workers
    finally:
        ray.shutdown()  # ends the actors, and so their servers


def _refuse_silence(address: str) -> None:
    """Raise ValueError where nobody listens at HOST:PORT; Ray would try for many minutes."""
    host, sign, port = address.rpartition(":")
    if sign and port.isdigit():
        try:
            socket.create_connection((host, int(port)), 10).close()
        except (OSError, OverflowError) as error:
            raise ValueError(f"--ray is {address!r}: {error}; expected the head of a cluster, or auto") from None


def _wait_for_one(ray: Any, workers: list[RayWorker], patience: float) -> None:
    """Until a worker has started; raises ValueError where none does, with the reason of each."""
    names = {worker.starting: worker.name for worker in workers}
    pending, end, problems = list(names), time.monotonic() + patience, dict[str, list[str]]()
    while pending and time.monotonic() < end:
        ready, pending = ray.wait(pending, timeout=max(0.0, end - time.monotonic()))
        for ref in ready:
            try:
                ray.get(ref)
                return
            except ray.exceptions.RayError as error:
                problems.setdefault(str(_cause(error)), []).append(names[ref])
    if pending:
        full = f"not started in {patience:.0f} s; is the cluster full?"
        problems[full] = [names[ref] for ref in pending]
    raise ValueError("; ".join(f"{', '.join(workers)}: {problem}" for problem, workers in problems.items()))


def _cause(error: Exception) -> Exception:
    """What an actor raised; WorkerGone where it is the actor that is gone."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, Exception) else WorkerGone(str(error).strip().split("\n")[-1].strip())


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]


def _our_modules() -> list[str]:
    """The folders of our code, which Ray brings to the nodes."""
    here = Path(__file__).resolve().parents[1]  # headless
    package = __name__.partition(".")[0]
    folders = [here, here.parent / "evaluation"] if package == here.name else [here.parent]
    return [str(folder) for folder in folders]

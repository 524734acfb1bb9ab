"""What the driver knows of a worker. How a back end is written: see the package."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..workflow import Graph

MAX_TEXT = 2000  # characters of a node's text that a row's state holds

Pause = Callable[[float, str], None]
"""`pause(seconds, line)` waits up to so long and shows how far the row is, which the worker has; raises Stopped."""


class WorkerGone(ConnectionError):
    """The worker does not answer; whether the row still runs there is not known."""


class Stalled(WorkerGone):
    """The worker answers, and what runs there stands still; the row was taken back as far as the worker lets that."""


class TaskForgotten(LookupError):
    """The worker answers and does not know the row: it was started anew, or its queue was cleared."""


class Stopped(Exception):
    """Nobody waits for the row any more: the driver is to stop; raised by `pause`."""


class Left(Stopped):
    """The driver ends, and the row stays with a worker that keeps rows, for the next driver."""


class Terminated(KeyboardInterrupt):
    """The driver is to end by kill, a service manager or a time limit: nobody asked for the rows to be cancelled."""


class Recalled(Stopped):
    """An idle worker is to have the row if it waits here behind another; `pause` raises it once for a row."""


@dataclass(frozen=True)
class Task:
    """One row, handed to one worker.

    Attributes:
        name: of the row.
        graph: API form, ready to queue.
        ticket: a UUID of this hand-out; ComfyUI takes it as the prompt's id.
        is_resumed: the worker may have this very ticket already, from before it went silent or the driver died.
    """

    name: str
    graph: Graph
    ticket: str
    is_resumed: bool = False


@dataclass(frozen=True)
class End:
    """How a row ended; JSON alone.

    Attributes:
        problem: what went wrong, one line; empty when all that was asked for is there.
        is_busy: nothing went wrong but that somebody else writes the row's set: it is tried again later.
        seconds: it took on the server.
        images: pictures of the sets that it made.
        results, texts, files: what it showed, as in `run.Outcome`.
    """

    problem: str = ""
    is_busy: bool = False
    seconds: float = 0.0
    images: int = 0
    results: list[dict[str, Any]] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)
    files: list[dict[str, str]] = field(default_factory=list)


class Worker(Protocol):
    """One ComfyUI server, or what stands for one."""

    @property
    def name(self) -> str:
        """Unique, and the same when the driver is started again: rows that were left there are asked for there."""

    @property
    def slots(self) -> int:
        """Rows at once; 2 where the second waits in the server's own queue, so that it never stands idle."""

    @property
    def places(self) -> int:
        """Rows that run at the same time: one on a server, whatever waits in its queue; on SLURM one a job."""

    @property
    def keeps_rows(self) -> bool:
        """Whether what runs here goes on when the driver ends: only Ctrl-C takes it back."""

    def run(self, task: Task, pause: Pause) -> End:
        """Run a row to its end.

        Raises:
            WorkerGone, TaskForgotten: see there.
            Stopped: from `pause`, passed on when the row has been taken back; `Left` passes as it is. Of the kind
                `Recalled` only where the row had not begun: one that runs stays, and `run` goes on.
        """

    def trouble(self) -> str:
        """Why it cannot take a row now, one line; empty when it can. Says so within seconds."""

    def withdraw(self, tickets: Collection[str]) -> None:
        """Take back what went to another worker meanwhile.

        Raises:
            WorkerGone: it does not answer.
        """

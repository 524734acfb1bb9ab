"""Rows as jobs of SLURM, through submitit: `pip install 'submitit>=1.5'`. A job starts a server, runs its row, ends.

Rows that are handed out together are one array. A job that is preempted or runs out of time is queued again by
submitit, and goes on with the set that lies there. Which job has a row is on disk, for a driver that was killed.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .core import End, Left, Pause, Task, TaskForgotten, WorkerGone
from .host import Host
from .own_server import OUR_CODE, ServerSpec

_USUAL = {"timeout_min": 240, "gpus_per_node": 1, "cpus_per_task": 4, "mem_gb": 32}
_MAX_TIMEOUTS = 100  # a row goes on where it was
_GATHERING = 1.0  # seconds; rows handed out in them are one array
_LOST = "lost"


@dataclass(frozen=True)
class RowJob:
    """What runs on a node: a row on a server of its own."""

    spec: ServerSpec

    def __call__(self, task: Task) -> dict[str, Any]:
        """The row's end as JSON; {"lost": why} where its server ended, or could not be started."""
        host = Host(self.spec, task.name)
        try:
            return asdict(host.run(task, _wait))
        except (WorkerGone, TaskForgotten) as error:
            return {_LOST: str(error)}
        finally:
            host.stop()

    def checkpoint(self, task: Task) -> Any:
        """What submitit queues when the time is over."""
        import submitit

        return submitit.helpers.DelayedSubmission(self, task)


class SlurmWorker:
    """All of SLURM, as one worker of many slots.

    Args:
        executor: submitit's.
        spec: how each job starts its server.
        folder: for the ids of the jobs.
        slots: jobs at once.
    """

    name, keeps_rows = "slurm", True

    def __init__(self, executor: Any, spec: ServerSpec, folder: Path, slots: int) -> None:
        self.executor, self.spec = executor, spec
        self.slots = self.places = slots
        self._tickets = folder / "tickets"
        self._tickets.mkdir(parents=True, exist_ok=True)
        self._waiting: list[Task] = []
        self._jobs: dict[str, Any] = {}  # by ticket
        self._lock = threading.Lock()

    def run(self, task: Task, pause: Pause) -> End:
        """Submit the row's job, or take up the one that it has, and wait for its end; see `core.Worker`."""
        job = self._job_of(task.ticket) if task.is_resumed else None
        try:
            job = job or self._submit(task, pause)
            while not (job.paths.result_pickle.exists() or job.done()):
                pause(1.0, f"job {job.job_id}: {str(job.state).lower()}")
            answer = job.results()[0] if job.exception() is None else {_LOST: _last_line(job.exception())}
        except Left:
            raise
        except BaseException:  # Stopped, Ctrl-C
            self.withdraw([task.ticket])
            raise
        if _LOST in answer:
            raise TaskForgotten(answer[_LOST])
        return End(**answer)

    def trouble(self) -> str:
        """Always empty: SLURM queues what it has no room for."""
        return ""

    def withdraw(self, tickets: Collection[str]) -> None:
        """Cancel the jobs of these rows, of an earlier driver too."""
        for ticket in tickets:
            with self._lock:
                self._waiting = [task for task in self._waiting if task.ticket != ticket]
            job = self._job_of(ticket)
            if job is not None:
                job.cancel(check=False)

    def _submit(self, task: Task, pause: Pause) -> Any:
        """The row's job, out of one array with those that wait too."""
        with self._lock:
            self._waiting.append(task)
        pause(_GATHERING, "submitting")
        with self._lock:
            if self._waiting:
                tasks, self._waiting = self._waiting, []
                with self.executor.batch():
                    jobs = [self.executor.submit(RowJob(self.spec), row) for row in tasks]
                for row, job in zip(tasks, jobs, strict=True):
                    self._jobs[row.ticket] = job
                    (self._tickets / row.ticket).write_text(job.job_id, "utf-8")
            return self._jobs[task.ticket]

    def _job_of(self, ticket: str) -> Any:
        """The job that has the row, from this driver or an earlier one; None where none was submitted."""
        if ticket in self._jobs:
            return self._jobs[ticket]
        executor = getattr(self.executor, "_executor", self.executor)
        job_id = ""
        with contextlib.suppress(FileNotFoundError):
            job_id = (self._tickets / ticket).read_text("utf-8")
        job_id = job_id or _submitted(Path(executor.folder), ticket)
        return self._jobs.setdefault(ticket, executor.job_class(executor.folder, job_id)) if job_id else None


@contextmanager
def slurm_workers(
    cluster: str, spec: ServerSpec, folder: Path, settings: Sequence[str], slots: int
) -> Iterator[list[SlurmWorker]]:
    """One worker that stands for all of SLURM; its jobs outlive the driver.

    Args:
        cluster: "slurm"; "local" runs the jobs as processes of this machine.
        spec: how each job starts its server.
        folder: for what submitit writes; all nodes must see it.
        settings: "name=value" of submitit's parameters, such as "slurm_partition=gpu".
        slots: jobs at once, where `settings` has no slurm_array_parallelism.

    Raises:
        ValueError: submitit is not installed, there is no SLURM here, or a setting is wrong.
    """
    try:
        import submitit
    except ImportError:
        raise ValueError("--slurm needs submitit, which is not installed; pip install 'submitit>=1.5'") from None
    try:
        executor = submitit.AutoExecutor(
            folder / "jobs", cluster=cluster, **{f"{cluster}_max_num_timeout": _MAX_TIMEOUTS}
        )
        chosen = _settings(settings)
        parameters = {**_USUAL, "slurm_array_parallelism": slots, **chosen}
        executor.update_parameters(**parameters)
        slots = int(parameters["slurm_array_parallelism"])
    except (RuntimeError, ValueError, NameError, TypeError, AssertionError) as error:
        raise ValueError(f"--slurm: {error}") from None
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (OUR_CODE, os.environ.get("PYTHONPATH"))))
    yield [SlurmWorker(executor, spec, folder, slots)]


def _submitted(folder: Path, ticket: str) -> str:
    """The id of the job that submitit wrote down for a ticket, of which the driver did not come to; "" without one."""
    paths = (path for path in folder.glob("*_submitted.pkl") if ticket.encode() in path.read_bytes())
    return next((path.name.removesuffix("_submitted.pkl") for path in paths), "")


def _settings(texts: Sequence[str]) -> Mapping[str, int | str]:
    pairs = [text.partition("=") for text in texts]
    if wrong := [text for text, (_, sign, _) in zip(texts, pairs, strict=True) if not sign]:
        raise ValueError(f"--slurm-set is {wrong[0]!r}; expected name=value, such as slurm_partition=gpu")
    return {name: int(value) if value.isdigit() else value for name, _, value in pairs}


def _wait(seconds: float, line: str = "") -> None:
    time.sleep(seconds)


def _last_line(error: Exception) -> str:
    return str(error).strip().split("\n")[-1]

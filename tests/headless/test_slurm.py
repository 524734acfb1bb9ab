"""Rows as jobs of SLURM: who ends them, and how many there are. submitit is played here, its jobs never end;
tests/headless/test_farm_backends.py has its own executor, and real signals.
"""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from hyponet.headless import __main__ as command_line
from hyponet.headless.__main__ import main
from hyponet.headless.backends.core import End, TaskForgotten, Terminated
from hyponet.headless.backends.own_server import ServerSpec
from hyponet.headless.backends.slurm_jobs import SlurmWorker, slurm_workers
from hyponet.headless.console import Console
from hyponet.headless.state import QUEUED, WAITING, State
from hyponet.headless.sweep import Driver
from hyponet.headless.sweep_file import SweepRow

from .scripted import SAVE

NAMES = [f"row{number}" for number in range(3)]


class Jobs:
    """submitit's executor, as far as SlurmWorker uses it; its jobs run for ever."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.submitted, self.cancelled = folder, [], []

    def batch(self):
        return contextlib.nullcontext()

    def submit(self, function, task):
        self.submitted.append(task.ticket)
        return self.job_class(self.folder, f"job-{len(self.submitted)}")

    def job_class(self, folder, job_id):
        paths = SimpleNamespace(result_pickle=folder / "never")
        cancel = lambda check: self.cancelled.append(job_id)  # noqa: E731
        return SimpleNamespace(job_id=job_id, paths=paths, done=lambda: False, state="RUNNING", cancel=cancel)


def driver_of(jobs: Jobs, state: State, names: list[str] = NAMES) -> Driver:
    rows = [SweepRow(name, name, 1.0, SAVE, name) for name in names]
    return Driver([SlurmWorker(jobs, ServerSpec(".", "t"), state.folder, 8)], rows, state, Console(as_json=True))


def stop_with(driver: Driver, signal: BaseException, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the driver until each row has its job, and let the signal arrive then."""

    def arrives() -> None:
        end = time.monotonic() + 30
        tickets = driver.state.folder / "tickets"
        while len(list(tickets.iterdir())) < len(NAMES):
            assert time.monotonic() < end
            time.sleep(0.02)
        raise signal

    monkeypatch.setattr(driver, "_watch_over", arrives)
    with pytest.raises(type(signal)):
        driver.run()


def test_kill_leaves_the_jobs_to_the_next_driver(tmp_path, monkeypatch):
    """The regression: a time limit of the driver's own job cancelled all that it had submitted."""
    jobs, state = Jobs(tmp_path), State(tmp_path)
    stop_with(driver_of(jobs, state), Terminated(), jobs, monkeypatch)
    left = [state.read(name) for name in NAMES]
    assert [row.status for row in left] == [QUEUED] * 3
    assert jobs.cancelled == []
    assert {row.prompt_id for row in left} == {path.name for path in (tmp_path / "tickets").iterdir()}
    # one that takes over asks for those jobs and submits none; Ctrl-C then cancels them
    stop_with(driver_of(jobs, state), KeyboardInterrupt(), jobs, monkeypatch)
    assert len(jobs.submitted) == 3
    assert sorted(jobs.cancelled) == ["job-1", "job-2", "job-3"]
    assert [state.read(name).status for name in NAMES] == [WAITING] * 3


def test_a_disk_that_refuses_the_driver_cancels_no_job(tmp_path, monkeypatch):
    jobs, state = Jobs(tmp_path), State(tmp_path)
    stop_with(driver_of(jobs, state), OSError("full"), jobs, monkeypatch)
    assert jobs.cancelled == []
    assert [state.read(name).status for name in NAMES] == [QUEUED] * 3


@pytest.mark.parametrize(
    ("signal", "options", "says"),
    [
        (Terminated(), ["--slurm"], "stopped, its jobs go on;"),
        (KeyboardInterrupt(), ["--slurm"], "stopped, and withdrawn"),
        (Terminated(), [], "stopped, and withdrawn"),
    ],
)
def test_it_is_said_what_became_of_the_jobs(signal, options, says, tmp_path, monkeypatch, capsys):
    def stopped(options):
        raise signal

    monkeypatch.setattr(command_line, "command_sweep", stopped)
    assert main(["sweep", str(tmp_path / "s.csv"), *options]) == 130
    assert says in capsys.readouterr().err


def test_ctrl_c_cancels_jobs_that_the_driver_has_not_come_to(tmp_path, monkeypatch):
    """A driver of fewer jobs at once took over from one of more."""
    jobs, state = Jobs(tmp_path), State(tmp_path)
    stop_with(driver_of(jobs, state), Terminated(), jobs, monkeypatch)
    few = driver_of(jobs, state)
    few.workers[0].slots = few.workers[0].places = 1
    stop_with(few, KeyboardInterrupt(), jobs, monkeypatch)
    assert sorted(jobs.cancelled) == ["job-1", "job-2", "job-3"]
    assert [state.read(name).status for name in NAMES] == [WAITING] * 3


def test_the_jobs_at_once_are_those_of_the_array(tmp_path):
    """Of submitit's parameter, where it is given."""
    spec, local = ServerSpec(".", "t"), ["gpus_per_node=0"]
    with slurm_workers("local", spec, tmp_path / "a", local, 5) as (worker,):
        assert (worker.places, worker.slots) == (5, 5)
    with slurm_workers("local", spec, tmp_path / "b", [*local, "slurm_array_parallelism=3"], 5) as (worker,):
        assert (worker.places, worker.slots) == (3, 3)


def test_why_a_job_was_lost_is_kept(tmp_path, capsys):
    """The regression: three times "the server no longer knows it", of a server that had not started."""
    state = State(tmp_path)
    driver = driver_of(Jobs(tmp_path), state, NAMES[:1])

    def lost(task, pause):
        pause(0.0, "")
        raise TaskForgotten("ComfyUI did not start: no CUDA")

    driver.workers[0].run = lost
    assert driver.run().failed == 1
    assert state.read(NAMES[0]).message.startswith("the server lost it 3 times (ComfyUI did not start: no CUDA)")
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["problem"] for event in events if event["event"] == "lost"] == ["ComfyUI did not start: no CUDA"] * 2


def test_a_row_that_failed_in_one_job_is_tried_in_another(tmp_path):
    """The regression: with one worker there was no other to try it on; another job may get another node."""
    jobs, state = Jobs(tmp_path), State(tmp_path)
    driver = driver_of(jobs, state, NAMES[:1])
    ends = [End("its disk is full"), End()]
    driver.workers[0].run = lambda task, pause: ends.pop(0)
    assert driver.run().done == 1
    assert ends == []

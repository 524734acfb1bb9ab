"""Rows on Ray and SLURM, with what goes wrong there. Ray runs for real: a head and two nodes, as processes of this
machine; jobs by submitit's local executor. tests/headless/pretended_comfyui plays ComfyUI: what counts here is that
each row is made, nothing is left behind, and what was lost is made again; tests/comfy/test_ray.py has real servers.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hyponet.headless.__main__ import main
from hyponet.headless.backends.core import Task
from hyponet.headless.backends.own_server import ServerSpec
from hyponet.headless.backends.ray_actors import _cause, ray_workers
from hyponet.headless.backends.slurm_jobs import SlurmWorker, slurm_workers
from hyponet.headless.store import Store
from tools.dev.places import ROOT
from tools.dev.processes import quiet_environment, stop

from .test_own_server import wait_until_gone

PRETENDED = Path(__file__).parent / "pretended_comfyui"
FLOW = {"1": {"class_type": "SaveImage", "inputs": {"n": 1, "text": "t", "sets": ""}, "_meta": {"title": "Save"}}}
AS_AT_A_TERMINAL = (  # a shell starts background commands with Ctrl-C ignored, and what they start inherits that
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('headless', run_name='__main__', alter_sys=True)"
)
SLURM = ("--slurm", "local", "--slurm-set", "gpus_per_node=0", "--workers", "2")
STORE_BYTES = 80 << 20  # of a node's object store, the least that Ray takes


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A Ray cluster whose head runs nothing, and two nodes."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    node = {"object_store_memory": STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(num_cpus=1, **node)
    yield cluster
    cluster.shutdown()


@pytest.fixture
def sweep(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """sweep(texts, "--ray", ...) starts a driver of a row for each text; the row of the text "all" is made last, of the
    sets of the others."""
    drivers = []

    def start(texts: list[str], *options: str, hundredths: int = 20) -> subprocess.Popen[bytes]:
        (tmp_path / "flow.json").write_text(json.dumps(FLOW), "utf-8")
        with (tmp_path / "s.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["name", "workflow", "group", "Save.n", "Save.text", "Save.sets"])
            for number, text in enumerate(texts):
                last = ["last", "\n".join(texts[:number])] if text == "all" else ["", ""]
                table.writerow([f"row{number}", "flow.json", last[0], hundredths, text, last[1]])
        command = [sys.executable, "-c", AS_AT_A_TERMINAL, "sweep", str(tmp_path / "s.csv")]
        command += ["--comfyui", str(PRETENDED), "--work", str(tmp_path / "work"), "--lost-after", "3"]
        command += ["--state", str(tmp_path / "state"), "--json"]
        command += options if "--store" in options else [*options, "--output", str(tmp_path / "out")]
        log = (tmp_path / "driver.log").open("ab")
        drivers.append(
            subprocess.Popen(command, cwd=ROOT, env=quiet_environment(), stdout=log, stderr=subprocess.STDOUT)
        )
        return drivers[-1]

    yield start
    for driver in drivers:
        stop(driver)


def made(folder: Path) -> Counter[str]:
    """Text -> how often a server made it."""
    path = folder / "out" / "made.txt"
    return Counter(path.read_text("utf-8").split()) if path.is_file() else Counter()


def pids(folder: Path) -> dict[str, tuple[int, int]]:
    """Worker -> the process that owns its server, and the server's, as it last started."""
    paths = (folder / "work").glob("*/pids")
    lines = {path.parent.name.split("-", 2)[2]: path.read_text("utf-8").splitlines() for path in paths}
    return {worker: tuple(map(int, found[-1].split())) for worker, found in lines.items() if found}


def starts(folder: Path) -> list[tuple[int, int]]:
    """The same of all starts."""
    lines = [line for path in (folder / "work").glob("*/pids") for line in path.read_text("utf-8").splitlines()]
    return [tuple(map(int, line.split())) for line in lines]


def done(folder: Path) -> set[str]:
    """The rows of which the driver has said that they are done."""
    lines = (folder / "driver.log").read_text("utf-8").splitlines()
    return {json.loads(line)["row"] for line in lines if line.startswith('{"event": "done"') and line.endswith("}")}


def wait_for(what: Callable[[], object]) -> None:
    end = time.monotonic() + 300
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


def end_of(driver: subprocess.Popen[bytes], folder: Path) -> dict[str, Any]:
    """The driver's last event, once it has ended well."""
    assert driver.wait(300) == 0, (folder / "driver.log").read_text("utf-8")[-2000:]
    lines = (folder / "driver.log").read_text("utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith('{"event": "end"')]  # Ray's own lines may come after it
    end: dict[str, Any] = json.loads(line)
    return end


@pytest.mark.posix("Ray has no test cluster there, submitit no jobs")
def test_every_row_is_made_once_whatever_is_lost_on_ray(cluster: Any, sweep: Any, tmp_path: Path) -> None:
    """An actor is killed by -9, a server ends, a server falls silent, a node goes, one comes. Each row is done; what
    ran where something was lost may have been made twice, as its end had not been heard of."""
    texts = [*(f"t{number}" for number in range(24)), "die", "hang"]
    driver = sweep(texts, "--ray", cluster.address, hundredths=20)
    wait_for(lambda: len(made(tmp_path)) > 2 and len(pids(tmp_path)) == 2)
    started = pids(tmp_path)
    owner, server = started["ray-1"]
    os.kill(owner, signal.SIGKILL)
    wait_until_gone(server)  # no orphan holds the GPU
    wait_for(lambda: len(made(tmp_path)) > 8)
    cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)
    assert len(done(tmp_path)) < len(texts) - 2  # rows are left for the one that comes
    cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
    assert end_of(driver, tmp_path)["done"] == len(texts)
    counts = made(tmp_path)
    assert set(counts) == set(texts)
    assert counts.total() <= len(texts) + 2 * 2  # an actor and a node were lost with two rows each
    assert len(starts(tmp_path)) > len(started)
    for owner, server in starts(tmp_path):
        wait_until_gone(owner)
        wait_until_gone(server)


@pytest.mark.posix("Ray has no test cluster there, submitit no jobs")
def test_rows_are_jobs_of_slurm_and_a_driver_that_is_killed_is_replaced(sweep: Any, tmp_path: Path) -> None:
    texts = ["t0", "die", "t2", "t3", "t4"]
    driver = sweep(texts, *SLURM)
    wait_for(lambda: len(done(tmp_path)) > 1)
    driver.kill()
    driver.wait()
    before = done(tmp_path)
    end = end_of(sweep(texts, *SLURM), tmp_path)
    assert end["done"] + end["skipped"] == len(texts)
    assert end["skipped"] >= len(before)
    counts = made(tmp_path)
    assert set(counts) == set(texts)
    assert {counts[texts[int(row.removeprefix("row"))]] for row in before} == {1}  # what was done is not made again
    for owner, server in starts(tmp_path):
        wait_until_gone(owner)
        wait_until_gone(server)


@pytest.mark.posix("Ray has no test cluster there, submitit no jobs")
def test_kill_leaves_jobs_to_the_next_driver_and_ctrl_c_cancels_them(sweep: Any, tmp_path: Path) -> None:
    """What SLURM sends a driver at its own time limit is SIGTERM."""
    texts = ["t0", "t1"]
    driver = sweep(texts, *SLURM, hundredths=300)
    wait_for(lambda: len(pids(tmp_path)) == 2)  # a server a job
    driver.send_signal(signal.SIGTERM)
    assert driver.wait(60) == 130
    assert "its jobs go on" in (tmp_path / "driver.log").read_text("utf-8")
    assert len(list((tmp_path / "state" / "tickets").iterdir())) == 2
    wait_for(lambda: set(made(tmp_path)) == set(texts))  # with no driver there
    end = end_of(sweep(texts, *SLURM, hundredths=300), tmp_path)
    assert end["done"] == 2
    assert made(tmp_path) == Counter(texts)  # it took them over, and made none again

    shutil.rmtree(tmp_path / "state")
    driver = sweep(["t3", "t4"], *SLURM, hundredths=6000)
    wait_for(lambda: len(starts(tmp_path)) == 4)
    driver.send_signal(signal.SIGINT)
    assert driver.wait(60) == 130
    for owner, server in starts(tmp_path):
        wait_until_gone(owner)
        wait_until_gone(server)
    assert made(tmp_path) == Counter(texts)


@pytest.mark.posix("Ray has no test cluster there, submitit no jobs")
def test_workers_without_a_common_disk_meet_in_a_store(sweep: Any, tmp_path: Path) -> None:
    store = Store((tmp_path / "store").as_uri())
    driver = sweep(["a", "b", "all"], *SLURM, "--store", store.url)
    assert end_of(driver, tmp_path)["done"] == 3
    assert store.names() == {"a", "b", "all"}
    assert main(["fetch", "all", "--store", store.url, "--into", str(tmp_path)]) == 0
    assert (tmp_path / "all" / "cat" / "1.png").read_text("utf-8") == "allab"


@pytest.mark.posix("Ray has no test cluster there, submitit no jobs")
def test_what_cannot_be_is_said_before_a_row_runs(sweep: Any, tmp_path: Path) -> None:
    for options, words in (
        (["--ray", "127.0.0.1:1"], "--ray is '127.0.0.1:1'"),
        (["--slurm"], "--slurm: "),  # there is none here
        (["--slurm", "local", "--slurm-set", "gpu"], "expected name=value"),
        (["--slurm", "local", "--store", "nowhere://x"], "--store is 'nowhere://x'"),
    ):
        assert sweep(["t"], *options).wait() == 2
        assert words in (tmp_path / "driver.log").read_text("utf-8")


@pytest.mark.posix("submitit has no jobs there")
def test_a_job_of_which_no_ticket_was_written_is_found(tmp_path: Path) -> None:
    """The driver ended after submitit had written the job down, and before it did so itself."""
    import submitit

    task, spec = Task("row", {}, "0b0f5d3e-ticket", is_resumed=True), ServerSpec(str(PRETENDED), "t")
    executor = submitit.AutoExecutor(tmp_path / "jobs", cluster="local")
    job = executor.submit(str, task)
    job.wait()
    worker = SlurmWorker(executor, spec, tmp_path, 1)
    assert worker._job_of(task.ticket).job_id == job.job_id
    assert worker._job_of("another") is None


def test_why_an_actor_does_not_start_is_told() -> None:
    """Ray's own error of an actor whose `__init__` raised."""
    from ray.exceptions import ActorDiedError, RayTaskError

    cause = RayTaskError("__init__", "Traceback\n  File x\nValueError: it has no main.py here", ValueError("x"))
    assert str(_cause(ActorDiedError(cause))).endswith("it has no main.py here")


@pytest.mark.parametrize("extra", ["ray", "submitit"])
def test_what_is_not_installed_is_named_as_it_is_installed(
    extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, extra, None)
    spec = ServerSpec(str(PRETENDED), "t")
    workers = ray_workers("", spec) if extra == "ray" else slurm_workers("local", spec, tmp_path, [], 1)
    with pytest.raises(ValueError, match=rf"pip install '{extra}>="), workers:
        pass

"""One of two real servers hangs while it has a row: its process is stopped, or what runs there stands still.

tests/headless/test_stalled.py has the same with servers that are played, and what else may come of it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from hyponet.headless.state import DONE, State
from tools.dev.places import ROOT

from .test_farm import wait_for

PACK, SECONDS = "standstill", 3
NAMES = ("a", "b")


@pytest.fixture(scope="module")
def pair(start_comfy, tmp_path_factory):
    """Two servers whose one node can stand still."""
    servers = []
    for name in ("first", "second"):
        base = tmp_path_factory.mktemp(name)
        folder = base / "custom_nodes" / PACK
        folder.mkdir(parents=True)
        shutil.copyfile(ROOT / "tests" / "tools" / "standstill_pack.py", folder / "__init__.py")
        servers.append(start_comfy(base, packs=[PACK]))
    yield servers
    for server in servers:
        server.server.stop()


@pytest.mark.parametrize(
    ("is_stopped", "says"),
    [
        pytest.param(True, "timed out", id="its process is stopped", marks=pytest.mark.posix("it has no SIGSTOP")),
        pytest.param(False, f"no progress for {SECONDS} s", id="its row stands still"),
    ],
)
def test_the_row_of_a_server_that_hangs_is_made_by_the_other_one(pair, tmp_path, is_stopped, says):
    hung, other = pair
    still = hung.base / "standstill"
    still.touch()
    graph = {"1": {"class_type": "TestStandStill", "inputs": {"number": 0}, "_meta": {"title": "Stand Still"}}}
    (tmp_path / "flow.json").write_text(json.dumps(graph), "utf-8")
    lines = [f"{name},flow.json,{2 * number + is_stopped}" for number, name in enumerate(NAMES)]  # no node is cached
    (tmp_path / "s.csv").write_text("\n".join(["name,workflow,1.number", *lines]), "utf-8")
    options = ["sweep", tmp_path / "s.csv", "--state", tmp_path / "state", "--json", "--lost-after", SECONDS]
    options += ["--stalled-after", SECONDS, "--url", hung.url, "--url", other.url]
    command = [str(part) for part in (sys.executable, "-m", "headless", *options)]
    driver = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_for(lambda: hung.client.running() or driver.poll() is not None)
        if is_stopped:
            os.kill(hung.server.process.pid, signal.SIGSTOP)
        out, _ = driver.communicate(timeout=200)
    finally:
        driver.kill()
        if is_stopped:
            os.kill(hung.server.process.pid, signal.SIGCONT)
        still.unlink()
    assert driver.returncode == 0, out
    events = [json.loads(line) for line in out.splitlines()]
    (gone,) = [event for event in events if event["event"] == "worker_gone"]
    assert gone["worker"] == hung.url
    assert says in gone["problem"]
    rows = [State(tmp_path / "state").read(name) for name in NAMES]
    assert [(row.status, row.worker, row.losses) for row in rows] == [(DONE, other.url, 0)] * 2
    assert sorted(row.texts[0][1] for row in rows) == [line.rpartition(",")[2] for line in lines]
    # the one that hung goes on, and what it had of the row is over
    wait_for(lambda: hung.client.alive() and not hung.client.pending())

"""Servers that hang: one that never answers, and one that answers while its row stands still (--stalled-after).

The servers are played (scripted.py); so is what their web sockets tell, which tests/headless/test_watch.py reads.
"""

from __future__ import annotations

import socket
import time
from types import SimpleNamespace

import pytest

from hyponet.headless.__main__ import main, parser
from hyponet.headless.backends.choice import open_workers
from hyponet.headless.state import DONE, State

from .scripted import ScriptedComfy
from .test_farm import NAMES, Farm, let_end, texts, wait_for


class PlayedWatch:
    """What a web socket tells: nothing after the row's start, or progress all the time."""

    def __init__(self, *, is_open=True, has_progress=False):
        self.is_open, self.has_progress, self.start = is_open, has_progress, time.monotonic()

    @property
    def heard(self):
        return time.monotonic() if self.has_progress else self.start

    def poll(self):
        pass

    def line(self, prompt_id, graph):
        return ""

    def close(self):
        pass


class StalledFarm(Farm):
    """Whose workers take a second without progress for a standstill."""

    def __init__(self, servers, state, names, watch):
        self.watch = watch
        super().__init__(servers, state, names)

    def _run(self):
        for worker in self.driver.workers:
            worker.stalled_after, worker._watch = 1.0, self.watch
        super()._run()


@pytest.fixture
def servers():
    pair = [ScriptedComfy(), ScriptedComfy()]
    yield pair
    for server in pair:
        server.stop()


def interrupts(server):
    return [path for path, _ in server.posts if path == "/interrupt"]


def test_rows_of_a_server_that_stands_still_and_heeds_no_interrupt_are_made_by_the_other(servers, tmp_path):
    fast, stuck = servers
    stuck.holding = "running"
    post = stuck.post
    stuck.post = lambda path, body: (200, b"") if path == "/interrupt" else post(path, body)
    farm = StalledFarm(servers, State(tmp_path), NAMES, PlayedWatch())
    assert farm.wait().done == len(NAMES)
    assert set(texts(fast)) == set(NAMES)
    assert len(texts(fast)) == len(NAMES)
    assert len(texts(stuck)) <= 2, "it is given no more while it stands still"
    rows = [State(tmp_path).read(name) for name in NAMES]
    assert {(row.status, row.losses, row.worker) for row in rows} == {(DONE, 0, fast.url)}


def test_one_that_heeds_the_interrupt_goes_on_with_the_row(servers, tmp_path):
    server = servers[0]
    server.holding = "running"
    farm = StalledFarm([server], State(tmp_path), ["a"], PlayedWatch())
    wait_for(lambda: interrupts(server))
    server.holding, server.status = "", "success"
    assert farm.wait().done == 1
    row = State(tmp_path).read("a")
    assert (row.status, row.silences, row.losses, row.abandoned) == (DONE, 1, 0, [])
    assert texts(server) == ["a", "a"]


@pytest.mark.parametrize(
    "watch",
    [PlayedWatch(has_progress=True), PlayedWatch(is_open=False)],
    ids=["it shows progress", "what it does cannot be seen"],
)
def test_one_that_works_is_left_alone(servers, tmp_path, watch):
    server = servers[0]
    server.holding = "running"
    farm = StalledFarm([server], State(tmp_path), ["a"], watch)
    wait_for(lambda: server.running)
    time.sleep(2.0)  # twice as long as a standstill takes
    let_end(server)
    assert farm.wait().done == 1
    assert interrupts(server) == []
    assert texts(server) == ["a"]


def test_a_server_that_takes_connections_and_never_answers_is_set_aside(servers, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        farm = Farm([servers[0], SimpleNamespace(url=url)], State(tmp_path))
        wait_for(lambda: url in farm.driver.fleet.gone or not farm.thread.is_alive())
        assert farm.wait().done == len(NAMES)
    assert {State(tmp_path).read(name).worker for name in NAMES} == {servers[0].url}


def test_the_option_reaches_the_servers_and_two_farms_hear_of_their_own_rows_alone(tmp_path):
    """A ComfyUI tells of progress to the newest connection of a name (server.py of 0.3.75, websocket_handler)."""
    line = ["sweep", "s.csv", "--url", "http://127.0.0.1:1", "--stalled-after", "90"]
    names = set()
    for folder in ("a", "b", "a"):
        with open_workers(parser().parse_args(line), tmp_path / folder) as (worker,):
            assert worker.stalled_after == 90
            names.add(worker.client.client_id)
    assert len(names) == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--stalled-after=-1"], "--stalled-after is -1; expected seconds, or 0"),
        (["--ray", "--comfyui", ".", "--stalled-after", "9"], "--stalled-after is for servers of --url"),
    ],
)
def test_what_it_cannot_be_is_said(options, says, flow, tmp_path, capsys):
    (tmp_path / "s.csv").write_text("name,workflow\na,flow.json\n")
    assert main(["sweep", str(tmp_path / "s.csv"), "--state", str(tmp_path / "state"), *options]) == 2
    assert says in capsys.readouterr().err

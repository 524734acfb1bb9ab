"""Several servers share the rows: each row ends once, whatever becomes of a server, the driver or a disk.

The servers are played (scripted.py, over real sockets); tests/comfy/test_farm.py has real ones and real sets.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import pytest

from hyponet.headless import sweep
from hyponet.headless.__main__ import main
from hyponet.headless.backends.urls import UrlWorker
from hyponet.headless.client import Client
from hyponet.headless.console import Console
from hyponet.headless.state import DONE, FAILED, QUEUED, RowState, State
from hyponet.headless.sweep import MAX_SILENCES, Driver, ServerGone
from hyponet.headless.sweep_file import SweepRow
from hyponet.nodes.dataset.store.lock import SetIsHeld
from tools.dev.places import ROOT

from .scripted import GRAPH, SAVE, ScriptedComfy, failing

NAMES = [f"row{number}" for number in range(6)]


@pytest.fixture
def servers():
    pair = [ScriptedComfy(), ScriptedComfy()]
    yield pair
    for server in pair:
        server.stop()


def rows(names=NAMES):
    """Rows of groups of their own; a graph holds its row's name."""
    return [SweepRow(name, name, 1.0, {"1": {**SAVE["1"], "inputs": {"text": name}}}, name) for name in names]


class Farm:
    """A driver in a thread of its own."""

    def __init__(self, servers, state, names=NAMES, patience=20, console=None):
        workers = [UrlWorker(Client(server.url, timeout=0.5), lost_after=0.5, poll=0.02) for server in servers]
        self.driver = Driver(workers, rows(names), state, console or Console(as_json=True), patience=patience)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            self.tally = self.driver.run()
        except ServerGone as error:
            self.tally = error

    def wait(self):
        self.thread.join(60)
        assert not self.thread.is_alive()
        if isinstance(self.tally, ServerGone):
            raise self.tally
        return self.tally


def wait_for(what):
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def texts(server):
    """The rows that the server was asked to run."""
    return [graph["1"]["inputs"]["text"] for graph in server.prompts]


def let_end(server):
    """What runs and all that is to come ends."""
    server.holding = ""
    for place in (server.running, server.waiting):
        for prompt_id, graph in list(place.items()):
            server.finish(prompt_id, graph)
            place.pop(prompt_id, None)


def hold_two_each(servers, folder):
    """A farm whose servers have two rows each, of which one waits."""
    for server in servers:
        server.holding = "running"
    farm = Farm(servers, State(folder))
    wait_for(lambda: all(len(server.running) == 2 for server in servers))
    for server in servers:
        second = list(server.running)[1]
        server.waiting[second] = server.running.pop(second)
    return farm


def test_two_servers_share_the_rows_and_each_runs_once(servers, tmp_path):
    for server in servers:
        server.holding = "running"
    farm = Farm(servers, State(tmp_path))
    wait_for(lambda: all(len(server.running) == 2 for server in servers))
    for server in servers:
        let_end(server)
    assert farm.wait().done == len(NAMES)
    assert sorted(texts(servers[0]) + texts(servers[1])) == NAMES


def test_rows_of_a_server_that_was_killed_run_on_the_other_and_that_is_no_failure_of_theirs(servers, tmp_path):
    state = State(tmp_path)
    servers[1].holding = "running"
    farm = Farm(servers, state)
    wait_for(lambda: servers[1].running)
    servers[1].stop()
    assert farm.wait().done == len(NAMES)
    assert set(texts(servers[0])) == set(NAMES)
    assert {(state.read(name).status, state.read(name).losses) for name in NAMES} == {(DONE, 0)}


def test_a_server_that_hangs_holds_nobody_up_and_gives_up_its_row_when_it_is_back(servers, tmp_path):
    for server in servers:
        server.holding = "running"
    farm = Farm(servers, State(tmp_path), ["slow", "next"])
    wait_for(lambda: all(server.running for server in servers))
    awake = threading.Event()
    (ticket,) = servers[1].running
    hung = texts(servers[1])
    servers[1].hooks = dict.fromkeys(("/history", "/queue"), awake.wait)
    wait_for(lambda: texts(servers[0])[1:] == hung)  # the other has taken it over
    awake.set()
    wait_for(lambda: ("/interrupt", {"prompt_id": ticket}) in servers[1].posts)
    for server in servers:
        let_end(server)
    assert farm.wait().done == 2
    assert not servers[1].running


def test_rows_that_fail_on_a_server_with_a_full_disk_are_done_by_the_other(servers, tmp_path):
    state = State(tmp_path)
    failing("execution_error", exception_type="OSError", exception_message="No space left on device")(servers[1])
    assert Farm(servers, state).wait().done == len(NAMES)
    assert {state.read(name).worker for name in NAMES} == {servers[0].url}


def test_a_row_that_fails_on_both_has_failed(servers, tmp_path):
    state = State(tmp_path)
    for server in servers:
        failing("execution_error", exception_type="ValueError", exception_message="no such model")(server)
    tally = Farm(servers, state, ["bad"]).wait()
    assert (tally.failed, state.read("bad").status) == (1, FAILED)
    assert texts(servers[0]) == texts(servers[1]) == ["bad"]


@pytest.mark.parametrize("as_json", [True, False])
def test_why_a_row_failed_on_each_server_is_kept_and_said_at_the_end(servers, tmp_path, capsys, as_json):
    """The regression: of two reasons the last stayed, and programs had to find it in the text."""
    for server, reason in zip(servers, ("no such model", "the disk is full"), strict=True):
        failing("execution_error", exception_type="ValueError", exception_message=reason)(server)
    (tmp_path / "flow.json").write_text(json.dumps(SAVE), "utf-8")
    (tmp_path / "s.csv").write_text("name,workflow\na,flow.json\n")
    line = ["sweep", str(tmp_path / "s.csv"), "--state", str(tmp_path / "state")]
    line += ["--url", servers[0].url, "--url", servers[1].url, *["--json"] * as_json]
    assert main(line) == 1
    reasons = [f"{servers[0].url}: KSampler (node 7): ValueError: no such model"]
    reasons += [f"{servers[1].url}: KSampler (node 7): ValueError: the disk is full"]
    message = State(tmp_path / "state").read("a").message
    assert sorted(message.split("; ")) == sorted(reasons)
    said = capsys.readouterr()
    if as_json:
        events = {event["event"]: event for event in map(json.loads, said.out.splitlines())}
        assert events["failed_once"]["problem"] in " ".join(reasons)
        assert events["failed"]["problem"] == message
        assert events["end"]["failures"] == [{"row": "a", "problem": message}]
    else:
        assert f"\nfailed: a: {message}\n0 done, " in said.out


def test_who_reads_the_lines_slowly_holds_no_row_up(servers, tmp_path, monkeypatch):
    """The regression: a line on how it goes was written under the driver's lock, and a full pipe stopped the farm."""
    begun, reading = threading.Event(), threading.Event()

    class Slow(Console):
        def say(self, text, event="note", **facts):
            if event == "progress":
                begun.set()
                reading.wait(60)

    monkeypatch.setattr(sweep, "PROGRESS_INTERVAL", 0.0)
    for server in servers:
        server.holding = "running"
    farm = Farm(servers, State(tmp_path), console=Slow())
    wait_for(lambda: all(len(server.running) == 2 for server in servers))
    assert begun.wait(30)
    for server in servers:
        let_end(server)
    try:
        wait_for(lambda: all(run.is_over for run in farm.driver.schedule.runs))
    finally:
        reading.set()
    assert farm.wait().done == len(NAMES)


def test_a_set_that_somebody_writes_is_tried_again_later(servers, tmp_path):
    # as the server names it: with its module
    kind = f"custom_nodes.hyponet.{SetIsHeld.__module__}.{SetIsHeld.__name__}"
    failing("execution_error", exception_type=kind, exception_message="not now")(servers[0])
    farm = Farm(servers[:1], State(tmp_path), ["a"])
    wait_for(lambda: servers[0].history)
    servers[0].status, servers[0].messages = "success", []
    assert farm.wait().done == 1


def test_a_driver_that_was_killed_is_followed_by_one_that_queues_nothing_twice(servers, tmp_path):
    """kill -9 leaves rows on both servers; a second driver beside the first is refused."""
    (tmp_path / "flow.json").write_text(json.dumps(SAVE), "utf-8")
    (tmp_path / "s.csv").write_text(
        "name,workflow,Save.text\n" + "".join(f"{n},flow.json,{n}\n" for n in NAMES), "utf-8"
    )
    for server in servers:
        server.holding = "running"
    line = ["farm", str(tmp_path / "s.csv"), "--shards", "1", "--state", str(tmp_path / "state")]
    for server in servers:
        line += ["--url", server.url]
    command = [sys.executable, "-m", "headless", *line]
    driver = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: all(len(server.running) == 2 for server in servers))
        assert main(line) == 2, "another driver runs"
    finally:
        driver.kill()
        driver.wait()
    for server in servers:
        let_end(server)
    assert main(line) == 0
    assert sorted(texts(servers[0]) + texts(servers[1])) == NAMES


def test_lines_for_programs_say_who_did_what(servers, tmp_path, capsys):
    (tmp_path / "flow.json").write_text(json.dumps(GRAPH), "utf-8")
    (tmp_path / "s.csv").write_text("name,workflow\na,flow.json\n")
    shown = {"1": {"images": []}, "3": {"text": [], "hyponet": [{"name": "pets", "images": 8}]}}
    servers[0].outputs = shown
    line = ["sweep", str(tmp_path / "s.csv"), "--state", str(tmp_path / "state"), "--url", servers[0].url, "--json"]
    assert main(line) == 0
    events = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    (done,) = [event for event in events if event["event"] == "done"]
    assert (done["row"], done["worker"], done["images"]) == ("a", servers[0].url, 8)
    assert events[-1]["event"] == "end"


def test_a_row_that_waits_behind_a_slow_server_s_other_goes_to_the_idle_one(servers, tmp_path):
    fast, slow = servers
    farm = hold_two_each(servers, tmp_path)
    let_end(fast)
    wait_for(lambda: len(texts(fast)) == len(NAMES) - 1)  # all but the one that runs on the slow one
    (first,) = slow.running.values()
    assert first["1"]["inputs"]["text"] not in texts(fast)
    let_end(slow)
    assert farm.wait().done == len(NAMES)
    assert {path for path, _ in slow.posts} == {"/queue"}, "nothing was interrupted"


def test_workers_with_more_than_one_row_are_known_as_rows_come_and_go(servers, tmp_path):
    """An idle worker looks through these alone: in a farm of 1,000 it looked at all, each second."""
    farm = hold_two_each(servers, tmp_path)
    assert set(farm.driver.crowded) == {server.url for server in servers}
    for server in servers:
        let_end(server)
    assert farm.wait().done == len(NAMES)
    assert farm.driver.crowded == {}


def test_idle_workers_of_a_large_farm_look_for_rows_less_often(servers, tmp_path):
    workers = [UrlWorker(Client(f"http://127.0.0.1:{port}")) for port in range(1, 1001)]
    pauses = [Driver(some, rows(), State(tmp_path), Console()).idle_pause for some in (workers[:2], workers)]
    assert pauses == pytest.approx([1.02, 5.0])  # by hand, from the constants of headless/sweep.py


def test_a_row_that_begins_as_it_is_called_back_stays_and_is_made_once(servers, tmp_path):
    """ComfyUI deletes what waits in one step (execution.py of 0.3.75, delete_queue_item); the row before it ended just
    before that, so that this one runs. The regression: it was interrupted, and made again elsewhere."""
    fast, slow = servers
    farm = hold_two_each(servers, tmp_path)
    (second,), post = slow.waiting, slow.post

    def begins(path, body):
        if second in body.get("delete", []):
            slow.running[second] = slow.waiting.pop(second)
        return post(path, body)

    slow.post = begins
    let_end(fast)
    wait_for(lambda: ("/queue", {"delete": [second]}) in slow.posts)
    time.sleep(1.0)  # longer than `withdraw` takes to look again
    let_end(slow)
    assert farm.wait().done == len(NAMES)
    assert {path for path, _ in slow.posts} == {"/queue"}, "nothing was interrupted"
    assert sorted(texts(fast) + texts(slow)) == NAMES


def test_one_that_is_deleted_though_the_answer_is_lost_runs_elsewhere_and_lost_nothing(servers, tmp_path):
    fast, slow = servers
    farm = hold_two_each(servers, tmp_path)
    post = slow.post

    def delete_and_break_off(path, body):
        answer = post(path, body)
        return (502, b"") if "delete" in body else answer

    slow.post = delete_and_break_off
    (second,) = slow.waiting.values()
    let_end(fast)
    wait_for(lambda: second["1"]["inputs"]["text"] in texts(fast))
    let_end(slow)
    assert farm.wait().done == len(NAMES)
    assert {State(tmp_path).read(name).losses for name in NAMES} == {0}


def test_a_server_that_refuses_to_queue_fails_no_row(servers, tmp_path):
    """A proxy before it takes no large body: it answers questions alone."""
    state = State(tmp_path)
    servers[1].replaced["/prompt"] = (413, b"too large")
    assert Farm(servers, state).wait().done == len(NAMES)
    assert {(state.read(name).worker, state.read(name).losses) for name in NAMES} == {(servers[0].url, 0)}


def test_a_server_that_cannot_be_queued_to_is_asked_less_and_less_and_named(servers, tmp_path, capsys):
    state = State(tmp_path)
    servers[1].replaced["/prompt"] = (502, b"bad gateway")
    assert Farm(servers, state).wait().done == len(NAMES)
    assert {state.read(name).losses for name in NAMES} == {0}
    alone = Farm(servers[1:], State(tmp_path / "alone"), ["a"], patience=1)
    with pytest.raises(ServerGone, match=f"no answer for 1 s from {servers[1].url} .*answers 502"):
        alone.wait()
    assert "502" in capsys.readouterr().out


def test_what_went_to_another_is_withdrawn_by_the_next_driver_too(servers, tmp_path):
    """The first driver died while the server was silent; a row that has changed since is withdrawn as well."""
    state = State(tmp_path)
    elsewhere, shown = ["http://127.0.0.1:1", "of-another-farm"], [{"kind": "fid"}]
    abandoned = [elsewhere, [servers[1].url, "handed-on"]]
    state.write("a", RowState("a", DONE, worker=servers[0].url, abandoned=abandoned, results=shown))
    state.write("b", RowState("as it was before", QUEUED, "changed", servers[1].url))
    servers[1].running["handed-on"] = {}
    servers[1].waiting["changed"] = {}
    assert Farm(servers, state, ["a", "b"]).wait().done == 1
    assert not servers[1].running
    assert not servers[1].waiting
    # what was withdrawn is not withdrawn again by each driver that is still to come
    assert (state.read("a").abandoned, state.read("a").results) == ([elsewhere], shown)
    assert state.read("b").abandoned == []


def test_a_row_that_silences_each_server_in_turn_fails(servers, tmp_path):
    state = State(tmp_path)
    state.write("a", RowState("a", QUEUED, "ticket", servers[1].url, silences=MAX_SILENCES - 1))
    for server in servers:
        server.holding = "running"
    servers[1].running["ticket"] = {}
    farm = Farm(servers, state, ["a"])
    wait_for(lambda: farm.driver.schedule.runs[0].is_seen)
    servers[1].stop()
    assert farm.wait().failed == 1
    assert "5 servers fell silent" in state.read("a").message


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--store", "s3://bucket"], "--store is for servers that --ray and --slurm start"),
        (["--threads", "1"], "--threads is for servers"),
        (["--comfyui-options=--cpu"], "--comfyui-options is for servers"),
        (["--ray", "--comfyui", ".", "--slurm-set", "gpus_per_node=1"], "--slurm-set is for --slurm"),
    ],
    ids=lambda value: value[0],
)
def test_an_option_of_another_back_end_is_refused(tmp_path, capsys, options, says):
    (tmp_path / "flow.json").write_text(json.dumps(GRAPH), "utf-8")
    (tmp_path / "s.csv").write_text("name,workflow\na,flow.json\n")
    assert main(["sweep", str(tmp_path / "s.csv"), "--state", str(tmp_path / "state"), *options]) == 2
    assert says in capsys.readouterr().err

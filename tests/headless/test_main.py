"""The command: its exit codes, what it prints where, what it saves, and what Ctrl-C leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from hyponet.headless import __main__ as command
from hyponet.headless.__main__ import main
from hyponet.headless.state import DONE, FAILED, QUEUED, WAITING, RowState, State
from hyponet.headless.sweep_file import read_sweep
from hyponet.headless.watch import Watch
from tools.dev.places import ROOT

from .scripted import SAVE
from .test_client import BAD_NODE

GRAPH = {
    **SAVE,
    "2": {"class_type": "HypoNetPlanDataset", "inputs": {"n": 3}, "_meta": {"title": "Plan"}},
    "3": {"class_type": "HypoNetGenerateDataset", "inputs": {"plan": ["2", 0]}, "_meta": {"title": "Generate"}},
}
SHOWN = {"name": "pets", "path": "/x/pets", "images": 8, "missing": 0}


def generated(**facts):
    return {"1": {"images": []}, "3": {"text": ["8 images"], "hyponet": [{**SHOWN, **facts}]}}


@pytest.fixture
def flow(tmp_path, server):
    server.outputs = generated()
    (tmp_path / "flow.json").write_text(json.dumps(GRAPH))
    return tmp_path / "flow.json"


def failing(kind, **message):
    def script(server):
        server.status = "error"
        server.messages = [[kind, {"node_type": "KSampler", "node_id": "7", **message}]]

    return script


def cleared(server):
    server.holding = "running"
    looks = []

    def clear():
        looks.append(1)
        if len(looks) == 3:
            server.running.clear()

    server.hooks["/history"] = clear


def set_to(**attributes):
    return lambda server: [setattr(server, name, value) for name, value in attributes.items()]


def replace(path, status, body):
    return lambda server: server.replaced.update({path: (status, body)})


TROUBLES = {
    "a refused graph": (replace("/prompt", 400, b'{"error": {"message": "Prompt has no outputs"}}'), 1, "no outputs"),
    "half a graph": (set_to(node_errors=BAD_NODE), 1, "Value not in list"),
    "a node that fails": (
        failing("execution_error", exception_type="ValueError", exception_message="no"),
        1,
        "KSampler (node 7): Val",
    ),
    "an interrupt by somebody": (failing("execution_interrupted"), 1, "interrupted in KSampler"),
    "a cleared queue": (cleared, 1, "no longer knows"),
    "an output node of ours that did not run": (set_to(outputs={"1": {"images": []}}), 1, "Generate (node 3) did not"),
    "an output node of ComfyUI that did not run": (
        lambda server: server.outputs.pop("1"),
        1,
        "Save (node 1) did not run",
    ),
    "a set that lacks pictures": (set_to(outputs=generated(missing=3)), 1, "set 'pets' lacks 3 of its pictures"),
    "a check that rejected pictures": (
        set_to(outputs={**generated(), "9": {"hyponet": [{**SHOWN, "missing": 2}]}}),
        1,
        "lacks 2",
    ),
    "no server": (lambda server: server.stop(), 3, "no ComfyUI at"),
    "another web server": (replace("/object_info", 200, b"<html>"), 3, "expected a ComfyUI server there"),
    "a proxy without a server": (replace("/prompt", 502, b"<html>"), 3, "answers 502"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_run_fails_with_the_reason(server, flow, capsys, trouble):
    script, code, reason = TROUBLES[trouble]
    script(server)
    assert main(["run", str(flow), "--url", server.url, "--set", "Plan.n=3"]) == code
    printed = capsys.readouterr()
    assert reason in printed.err
    assert "done" not in printed.out


@pytest.mark.parametrize("trouble", [name for name, (_, code, _) in TROUBLES.items() if code == 1])
def test_a_row_of_a_sweep_that_did_not_do_all_is_not_done(server, flow, capsys, trouble):
    script, code, reason = TROUBLES[trouble]
    script(server)
    (flow.parent / "s.csv").write_text("name,workflow\na,flow.json\n")
    arguments = ["sweep", str(flow.parent / "s.csv"), "--url", server.url, "--state", str(flow.parent / "state")]
    if trouble == "a cleared queue":  # the driver queues it again, as after a restart of the server
        server.hooks["/history"] = server.running.clear
        reason = "lost it 3 times"
    assert main(arguments) == code
    printed = capsys.readouterr()
    assert reason in printed.err
    assert "FAILED" not in printed.out
    assert State(flow.parent / "state").read("a").status == FAILED


def test_what_an_earlier_driver_left_is_judged_alike(server, flow, capsys):
    """It was killed before it could read that the server took only a part of the graph."""
    state, arguments = sweep_on(flow, server)
    (row,) = read_sweep(flow.parent / "s.csv")
    State(state).write("a", RowState(key=row.key, status=QUEUED, prompt_id="earlier"))
    server.node_errors = {"1": {}}
    server.outputs.pop("1")
    server.finish("earlier", GRAPH)
    assert main(arguments) == 1
    assert "Save (node 1) did not run" in capsys.readouterr().err


def test_all_done_is_0_and_results_alone_go_to_stdout(server, flow, capsys):
    assert main(["run", str(flow), "--url", server.url]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("--- Generate\n8 images\ndone in")
    assert printed.err == ""


def test_a_node_of_others_may_show_nothing(server, flow):
    """Many packs have output nodes that only do something; of those nobody can tell."""
    flow.write_text(json.dumps({**GRAPH, "4": {"class_type": "Silent", "inputs": {}}}))
    assert main(["run", str(flow), "--url", server.url]) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--set", "Plan.n=2.7"], "Plan.n is 2.7; expected a whole number"),
        (["--set", "Save.n=1e-3"], "Save.n is 0.001; expected a whole number"),
        (["--set", "Nobody.n=1"], "no node has"),
        (["--url", "127.0.0.1:8188"], "expected one such as http"),
        (["--json", "flow.json/x"], "flow.json"),
        (["--save", "flow.json"], "flow.json"),
        (["--json", "."], "cannot be read or written here: Is a directory"),
        pytest.param(
            ["--json", "/dev/full"],
            "/dev/full cannot be read or written here: No space left",
            marks=pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here"),
        ),
    ],
)
def test_what_is_wrong_here_is_not_blamed_on_the_server(server, flow, capsys, monkeypatch, arguments, says):
    monkeypatch.chdir(flow.parent)
    assert main(["run", "flow.json", "--url", server.url, *arguments]) == 2
    printed = capsys.readouterr()
    assert says in printed.err
    assert "no ComfyUI" not in printed.err
    assert len(server.prompts) == ("/dev/full" in arguments), "it is noticed before the run where it can be"


def test_a_whole_number_may_be_written_with_a_point(server, flow):
    """JavaScript writes 7.0 as 7, so a widget for any number may hold a whole one, and the reverse is as good."""
    assert main(["run", str(flow), "--url", server.url, "--set", "Plan.n=4.0"]) == 0
    assert server.prompts[0]["2"]["inputs"]["n"] == 4


# --- --save


def show_files(server, *entries):
    """Let the server show files (subfolder, filename, content)."""
    shown = [{"filename": name, "subfolder": folder, "type": "output"} for folder, name, _ in entries]
    server.outputs = {**generated(), "1": {"images": shown}}
    server.files = {("output", folder, name): content for folder, name, content in entries}


def saved(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_save_keeps_class_folders(server, flow, tmp_path):
    show_files(
        server,
        ("datasets/pets/cat", "000000.png", b"cat"),
        ("datasets/pets/dog", "000000.png", b"dog"),
        ("", "000000.png", b"none"),
        (r"datasets\pets\bird", "000000.png", b"bird"),  # a server on Windows
    )
    server.outputs["3"]["images"] = server.outputs["1"]["images"][:1]  # two nodes show one file
    assert main(["run", str(flow), "--url", server.url, "--save", str(tmp_path / "to")]) == 0
    assert saved(tmp_path / "to") == {
        "datasets/pets/cat/000000.png": b"cat",
        "datasets/pets/dog/000000.png": b"dog",
        "datasets/pets/bird/000000.png": b"bird",
        "000000.png": b"none",
    }


def test_save_replaces_nothing(server, flow, tmp_path, capsys):
    arguments = ["run", str(flow), "--url", server.url, "--save", str(tmp_path / "to")]
    for content in (b"one", b"two", b"two", b"three"):
        show_files(server, ("cat", "0.png", content))
        assert main(arguments) == 0
    assert saved(tmp_path / "to") == {"cat/0.png": b"one", "cat/0-2.png": b"two", "cat/0-3.png": b"three"}
    assert capsys.readouterr().err.count("was there already with other content") == 3


def test_save_stays_in_its_folder(server, flow, tmp_path):
    """A server that means harm names places elsewhere."""
    show_files(server, ("../..", "a.png", b"a"), ("/etc", "b.png", b"b"), ("C:\\x", "..\\c.png", b"c"))
    before = saved(tmp_path)
    assert main(["run", str(flow), "--url", server.url, "--save", str(tmp_path / "in" / "to")]) == 0
    after = saved(tmp_path)
    assert {name for name in after if name not in before} == {"in/to/a.png", "in/to/etc/b.png", "in/to/C_/x/c.png"}


def test_a_file_that_the_server_cannot_send_is_a_failure(server, flow, tmp_path, capsys):
    show_files(server, ("cat", "0.png", b"0"))
    server.files = {}
    assert main(["run", str(flow), "--url", server.url, "--save", str(tmp_path / "to")]) == 1
    assert "shows 0.png but cannot send it" in capsys.readouterr().err
    assert saved(tmp_path / "to") == {}


def test_what_a_failed_run_showed_is_saved_too(server, flow, tmp_path, capsys):
    show_files(server, ("cat", "0.png", b"0"))
    failing("execution_interrupted")(server)
    assert main(["run", str(flow), "--url", server.url, "--save", str(tmp_path / "to")]) == 1
    assert saved(tmp_path / "to") == {"cat/0.png": b"0"}
    assert "--- Generate\n8 images" in capsys.readouterr().out


# --- Ctrl-C


@pytest.fixture
def ctrl_c(monkeypatch):
    """Press it at the third look at the running prompt."""
    looks = []

    def poll(self):
        looks.append(1)
        if len(looks) % 3 == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(Watch, "poll", poll)


@pytest.mark.parametrize("holding", ["running", "waiting"])
def test_ctrl_c_withdraws_the_run_and_nothing_else(server, flow, ctrl_c, capsys, holding):
    server.holding = holding
    server.waiting["theirs"] = SAVE
    assert main(["run", str(flow), "--url", server.url]) == 130
    assert (server.running, list(server.waiting)) == ({}, ["theirs"])
    assert "stopped" in capsys.readouterr().err


def test_ctrl_c_does_not_count_as_a_failure_of_the_row(server, flow, ctrl_c, monkeypatch):
    (flow.parent / "s.csv").write_text("name,group,workflow\na,g,flow.json\nb,h,flow.json\n")
    arguments = ["sweep", str(flow.parent / "s.csv"), "--url", server.url, "--state", str(flow.parent / "state")]
    for holding in ("running", "waiting", "running", "running"):
        server.holding = holding
        assert main(arguments) == 130
        assert not server.running
        assert not server.waiting
        row = State(flow.parent / "state").read("a")
        assert (row.status, row.losses) == (WAITING, 0)
    server.holding, server.status = "", "success"
    assert main(arguments) == 0
    assert {State(flow.parent / "state").read(name).status for name in "ab"} == {DONE}


def test_ctrl_c_with_the_server_gone_still_stops(server, flow, monkeypatch, capsys):
    server.holding = "running"

    def poll(self):
        server.stop()
        raise KeyboardInterrupt

    monkeypatch.setattr(Watch, "poll", poll)
    assert main(["run", str(flow), "--url", server.url]) == 130


@pytest.mark.skipif(sys.platform == "win32", reason="a signal to one process alone")
@pytest.mark.parametrize("kind", ["run", "sweep"])
def test_a_real_signal_withdraws(server, flow, kind):
    server.holding = "running"
    (flow.parent / "s.csv").write_text("name,workflow\na,flow.json\n")
    more = {"run": [flow], "sweep": [flow.parent / "s.csv", "--state", flow.parent / "state"]}[kind]
    # a shell starts background commands with Ctrl-C ignored, and what they start inherits that
    code = (
        "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "runpy.run_module('headless', run_name='__main__', alter_sys=True)"
    )
    line = [sys.executable, "-c", code, kind, *map(str, more), "--url", server.url]
    process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    end = time.monotonic() + 60
    while not server.running and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130, process.stderr.read()
    assert not server.running


# --- two drivers, and the disk


@pytest.mark.parametrize(
    ("held", "asked", "free"),
    [
        ((1, 1), (1, 1), False),
        ((1, 1), (1, 2), False),
        ((2, 2), (1, 1), False),
        ((1, 2), (2, 3), False),
        ((1, 2), (2, 2), True),
        ((1, 2), (1, 2), False),
        ((1, 12), (1, 2), False),  # "of-12" does not end in "of-2"
    ],
)
def test_drivers_share_a_state_only_over_parts_of_one_count(tmp_path, held, asked, free):
    with State(tmp_path).lock(*held):
        other = State(tmp_path).lock(*asked)
        if free:
            with other:
                pass
        else:
            with pytest.raises(BlockingIOError, match=f"shard-{held[0]}-of-{held[1]} "), other:
                pass
    with State(tmp_path).lock(*asked):
        pass


def test_a_second_driver_says_who_is_there(server, flow, capsys):
    (flow.parent / "s.csv").write_text("name,workflow\na,flow.json\n")
    arguments = ["sweep", str(flow.parent / "s.csv"), "--url", server.url, "--state", str(flow.parent / "state")]
    with State(flow.parent / "state").lock(1, 2):
        assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "another driver runs shard-1-of-2" in said
    assert f"process {os.getpid()} on " in said
    assert server.prompts == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has locks everywhere")
def test_without_locks_of_the_file_system_a_second_driver_is_kept_off_too(tmp_path, monkeypatch):
    """Lustre without -o flock, many SMB and FUSE mounts: flock(2) gives ENOSYS."""
    import fcntl

    def flock(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", flock)
    with State(tmp_path).lock(1, 1), pytest.raises(BlockingIOError, match="process"), State(tmp_path).lock(1, 2):
        pass
    with State(tmp_path).lock(1, 2):
        pass


def sweep_on(flow, server):
    (flow.parent / "s.csv").write_text("name,workflow\na,flow.json\n")
    state = flow.parent / "state"
    return state, ["sweep", str(flow.parent / "s.csv"), "--url", server.url, "--state", str(state), "--patience", "5"]


def test_a_full_disk_is_no_silent_server(server, flow, capsys, monkeypatch):
    state, arguments = sweep_on(flow, server)

    def full(handle):
        raise OSError(28, "No space left on device")  # without a file, as the system gives it

    monkeypatch.setattr(os, "fsync", full)
    start = time.monotonic()
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert f"{state / 'rows'} cannot be written (No space left on device)" in printed.err
    assert "server does not answer" not in printed.err
    assert time.monotonic() - start < 5, "nobody waits for the server"
    assert saved(state / "rows") == {}


@pytest.mark.parametrize("text", ["", "{", '{"key": "x", "colour": 1}', "[" * 100_000])
def test_a_damaged_state_is_not_taken_for_none(server, flow, capsys, text):
    state, arguments = sweep_on(flow, server)
    State(state)
    (state / "rows" / "a.json").write_text(text)
    assert main(arguments) == 2
    assert "a.json is damaged" in capsys.readouterr().err
    assert server.prompts == []


def test_a_state_that_the_disk_does_not_give_is_not_taken_for_none(server, flow, capsys):
    state, arguments = sweep_on(flow, server)
    State(state)
    (state / "rows" / "a.json").mkdir()  # reading it is an OSError also for root
    assert main(arguments) == 2
    assert "a.json cannot be read or written here" in capsys.readouterr().err
    assert server.prompts == []


def test_a_state_folder_that_cannot_be_is_said_before_anything_runs(server, flow, capsys):
    _, arguments = sweep_on(flow, server)
    assert main([*arguments, "--state", str(flow / "state")]) == 2  # below a file
    assert "flow.json" in capsys.readouterr().err
    assert server.prompts == []


def test_ctrl_c_while_an_end_is_written_down_loses_no_result(server, flow, monkeypatch):
    state, arguments = sweep_on(flow, server)
    write = State.write

    def pressed(self, name, row_state):
        write(self, name, row_state)
        if row_state.status == DONE:
            raise KeyboardInterrupt

    monkeypatch.setattr(State, "write", pressed)
    assert main(arguments) == 130
    assert State(state).read("a").status == DONE


def test_a_narrow_console_ends_no_run(flow, server):
    """cp949 has no letter for U+2028 or an emoji."""
    server.outputs = {**generated(), "1": {"text": ["\u2028 \U0001f408"]}}
    line = [sys.executable, "-m", "headless", "run", str(flow), "--url", server.url]
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp949"}
    finished = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False)
    assert finished.returncode == command.DONE, finished.stderr

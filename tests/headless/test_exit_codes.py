"""The exit code of `python -m headless run` for everything that can become of it, with what it says and where.

KINDS is the list; tests/comfy/test_sweep.py has some of it over a real server. The codes are those of the module's
docstring: 0 done, 1 not all done, 2 wrong here, 3 no server, 130 stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from hyponet.headless.__main__ import main
from hyponet.headless.state import FAILED, QUEUED, RowState, State
from hyponet.headless.sweep_file import read_sweep
from hyponet.headless.watch import Watch

from .scripted import GRAPH, SHOWN, ScriptedComfy, failing, generated, show_files, sweep_on
from .test_client import BAD_NODE

Script = Callable[[ScriptedComfy], object]
MISSING_MODEL = {"error": {"message": "Prompt outputs failed validation"}, "node_errors": BAD_NODE}


class Kind(NamedTuple):
    """One way for a run to end: how the server is set up, the exit code, a part of what is said, further arguments."""

    script: Script
    code: int
    says: str = ""
    arguments: tuple[str, ...] = ()


def nothing(server):
    """A server in order."""


def set_to(**attributes):
    return lambda server: [setattr(server, name, value) for name, value in attributes.items()]


def replace(path, status, body):
    return lambda server: server.replaced.update({path: (status, body)})


def at_the_third_look(event):
    """The prompt runs; `event` happens as the client asks for the third time."""

    def script(server):
        server.holding = "running"
        looks = []

        def look():
            looks.append(1)
            if len(looks) == 3:
                event(server)

        server.hooks["/queue"] = look

    return script


def gone(server):
    server.replaced = dict.fromkeys(("/history", "/queue"), (502, b""))


def started_anew(server):
    """Silent while it starts, for three questions; then it knows nothing."""
    server.forget()
    server.replaced["/queue"] = (502, b"")
    asked = []

    def ask():
        asked.append(1)
        if len(asked) == 3:
            server.replaced.clear()

    server.hooks["/queue"] = ask


def cleared_history(server):
    server.running.clear()
    server.history.clear()


def shows_a_picture(server):
    show_files(server, ("cat", "0.png", b"0"))


def shows_what_it_has_not(server):
    shows_a_picture(server)
    server.files.clear()


def pressed(holding, before=nothing):
    """Ctrl-C at the third look at the prompt."""

    def script(server):
        server.holding = holding
        server.pressed = before

    return script


IN_WORDS = ("exception_type", "exception_message")
KINDS = {
    "all is done": Kind(nothing, 0),
    "all is done, after another's prompt was cleared": Kind(lambda server: server.waiting.clear(), 0),
    "its pictures are saved": Kind(shows_a_picture, 0, "", ("--save", "to")),
    # the server, or somebody at it
    "a refused graph": Kind(
        replace("/prompt", 400, b'{"error": {"message": "Prompt has no outputs"}}'), 1, "no outputs"
    ),
    "a missing model": Kind(replace("/prompt", 400, json.dumps(MISSING_MODEL).encode()), 1, "ckpt_name: 'x' not in []"),
    "half a graph": Kind(set_to(node_errors=BAD_NODE), 1, "Value not in list"),
    "a graph that breaks the server's validation": Kind(
        replace("/prompt", 500, b"500 Internal Server Error"), 1, "500"
    ),
    "a node that fails": Kind(failing("execution_error", **dict.fromkeys(IN_WORDS, "no")), 1, "KSampler (node 7): no"),
    "an interrupt by somebody": Kind(failing("execution_interrupted"), 1, "interrupted in KSampler"),
    "a failure without a word": Kind(set_to(status="error"), 1, "the server's log says more"),
    "a cleared queue": Kind(at_the_third_look(lambda server: server.running.clear()), 1, "no longer knows"),
    "a cleared history": Kind(at_the_third_look(cleared_history), 1, "no longer knows"),
    "a server that is started anew": Kind(at_the_third_look(started_anew), 1, "no longer knows"),
    "a blocked node of ours": Kind(set_to(outputs={"1": {"images": []}}), 1, "Generate (node 3) did not run"),
    "a node behind one with nothing chosen": Kind(
        set_to(outputs={"1": {}, "2": {"hyponet": [{"blocked": "no data set is chosen"}]}}),
        1,
        "Generate (node 3) did not run: no data set is",
    ),
    "a blocked node beside one with nothing chosen": Kind(
        set_to(outputs={"1": {"hyponet": [{"blocked": "no data set is chosen"}]}}),
        1,
        "Generate (node 3) did not run: an input was blocked",
    ),
    "a blocked node of ComfyUI": Kind(lambda server: server.outputs.pop("1"), 1, "Save (node 1) did not run"),
    "half a set": Kind(set_to(outputs=generated(missing=3)), 1, "set 'pets' lacks 3 of its pictures"),
    "a check that rejected pictures": Kind(
        set_to(outputs={**generated(), "9": {"hyponet": [{**SHOWN, "missing": 2}]}}), 1, "lacks 2"
    ),
    "a picture that is gone at the server": Kind(shows_what_it_has_not, 1, "cannot send it", ("--save", "to")),
    # this side
    "no workflow file": Kind(nothing, 2, "none.json cannot be read", ("none.json",)),
    "a file that is no JSON": Kind(nothing, 2, "text.json cannot be read", ("text.json",)),
    "a file that is no workflow": Kind(nothing, 2, "no workflow in API form", ("list.json",)),
    "a file of brackets": Kind(nothing, 2, "deep.json cannot be read", ("deep.json",)),
    "a workflow in graph form": Kind(nothing, 2, "File > Export (API)", ("graph.json",)),
    "an override of nobody": Kind(nothing, 2, "no node has", ("--set", "Nobody.n=1")),
    "an override that is none": Kind(nothing, 2, "expected node.widget=value", ("--set", "n")),
    "a fraction for a whole number": Kind(nothing, 2, "expected a whole number", ("--set", "Plan.n=2.7")),
    "a bad URL": Kind(nothing, 2, "expected one such as http", ("--url", "127.0.0.1:8188")),
    "an option of nobody": Kind(nothing, 2, "unrecognized arguments", ("--sav", "x", "--colour")),
    "--save into a file": Kind(nothing, 2, "flow.json", ("--save", "flow.json")),
    "--json below a file": Kind(nothing, 2, "flow.json", ("--json", "flow.json/x")),
    "a full disk on --save": Kind(
        shows_a_picture, 2, "0.png cannot be read or written here: No space", ("--save", "to")
    ),
    # nobody there
    "no server": Kind(lambda server: server.stop(), 3, "no ComfyUI at"),
    "another web server": Kind(replace("/object_info", 200, b"<html>"), 3, "expected a ComfyUI server there"),
    "a proxy without a server": Kind(replace("/prompt", 502, b"<html>"), 3, "answers 502"),
    "a server that asks who is there": Kind(replace("/prompt", 401, b""), 3, "answers 401"),
    "a server that goes in the middle": Kind(at_the_third_look(gone), 3, "no ComfyUI at", ("--patience", "0.2")),
    # stopped
    "Ctrl-C while it runs": Kind(pressed("running"), 130, "stopped"),
    "Ctrl-C while it waits": Kind(pressed("waiting"), 130, "stopped"),
    "Ctrl-C with the server gone": Kind(pressed("running", lambda server: server.stop()), 130, "stopped"),
}


@pytest.fixture
def command(server, flow, monkeypatch):
    """Makes the command line of a kind, in a folder with workflow files that are none."""
    monkeypatch.chdir(flow.parent)
    for name, text in (
        ("text", "no"),
        ("list", "[]"),
        ("deep", "[" * 100_000),
        ("graph", '{"nodes": [], "links": []}'),
    ):
        Path(f"{name}.json").write_text(text, "utf-8")

    def make(name):
        kind = KINDS[name]
        kind.script(server)
        arguments = list(kind.arguments)
        file = arguments.pop(0) if arguments and arguments[0].endswith(".json") else "flow.json"
        if name == "a full disk on --save":
            monkeypatch.setattr("hyponet.headless.save.open", full_disk, raising=False)
        if kind.code == 130:
            press(monkeypatch, server)
        return ["run", file, "--url", server.url, *arguments]

    return make


class full_disk:
    """`open` of a file on a full disk: it can be made, and not written."""

    def __init__(self, path, mode):
        self.file = open(path, mode)  # noqa: SIM115

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, content):
        raise OSError(28, "No space left on device")


def press(monkeypatch, server):
    looks = []

    def poll(self):
        looks.append(1)
        if len(looks) == 3:
            server.pressed(server)
            raise KeyboardInterrupt

    monkeypatch.setattr(Watch, "poll", poll)


def exit_code(arguments):
    try:
        return main(arguments)
    except SystemExit as error:  # argparse ends a program like this
        return error.code


@pytest.mark.parametrize("name", KINDS)
def test_run_ends_with_the_true_exit_code_and_says_why(command, capsys, name):
    code, says = KINDS[name].code, KINDS[name].says
    assert exit_code(command(name)) == code
    printed = capsys.readouterr()
    assert says in printed.err
    assert ("done in" in printed.out) == (code == 0)
    assert "Traceback" not in printed.err
    if code == 2:
        assert "no ComfyUI" not in printed.err, "what is wrong here is not blamed on the server"
    if code == 0:
        assert printed.err == "", "results alone go to stdout, and nothing else was to be said"


def test_the_list_has_24_kinds_and_every_code():
    assert len(KINDS) >= 24
    assert {kind.code for kind in KINDS.values()} == {0, 1, 2, 3, 130}


def test_what_is_wrong_here_is_found_before_anything_is_queued(command, server):
    for name, kind in KINDS.items():
        if kind.code == 2 and name != "a full disk on --save":
            exit_code(command(name))
            assert server.prompts == [], name


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.code == 1 and not kind.arguments])
def test_a_row_of_a_sweep_that_did_not_do_all_is_not_done(server, flow, capsys, name):
    kind = KINDS[name]
    kind.script(server)
    says = kind.says
    state, arguments = sweep_on(flow, server)
    if kind.says == "no longer knows":  # the driver queues it again, as after a restart of the server
        server.hooks["/queue"] = server.running.clear
        says = "lost it 3 times"
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert says in printed.err
    assert "FAILED" not in printed.out
    assert State(state).read("a").status == FAILED


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

"""`python -m headless run` in detail: what it waits out, what it withdraws, what is a number, what it prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from hyponet.headless.__main__ import main
from hyponet.headless.run import run_workflow
from tools.dev.places import ROOT

from .scripted import GRAPH, generated


def test_results_alone_go_to_stdout(server, flow, capsys):
    assert main(["run", str(flow), "--url", server.url]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("--- Generate\n8 images\ndone in")
    assert printed.err == ""


def test_a_silence_of_the_server_is_waited_out(server, flow):
    """A server that loads a model answers late, and one that is started anew not at all for a while."""
    server.holding = "running"
    asked = []

    def ask():
        asked.append(1)
        if len(asked) == 3:
            server.replaced["/queue"] = (502, b"")
        if len(asked) == 6:
            server.replaced.clear()
            prompt_id, graph = server.running.popitem()
            server.finish(prompt_id, graph)

    server.hooks["/queue"] = ask
    assert main(["run", str(flow), "--url", server.url]) == 0


def test_a_run_that_nobody_waits_for_any_more_is_withdrawn(server, flow):
    def fail(prompt_id):
        raise ZeroDivisionError

    server.holding = "running"
    with pytest.raises(ZeroDivisionError):
        run_workflow(server.url, flow, tick=fail)
    assert server.running == {}
    with pytest.raises(TimeoutError):
        run_workflow(server.url, flow, timeout=0.3)
    assert server.running == {}


def test_a_node_of_others_may_show_nothing(server, flow):
    """Many packs have output nodes that only do something; of those nobody can tell."""
    flow.write_text(json.dumps({**GRAPH, "4": {"class_type": "Silent", "inputs": {}}}), "utf-8")
    assert main(["run", str(flow), "--url", server.url]) == 0


@pytest.mark.parametrize(("setting", "says"), [("Save.n=1e-3", "Save.n is 0.001"), ("Plan.n=2.5", "Plan.n is 2.5")])
def test_a_fraction_is_named(server, flow, capsys, setting, says):
    assert main(["run", str(flow), "--url", server.url, "--set", setting]) == 2
    assert f"{says}; expected a whole number" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="not on Windows and macOS: they have no full device")
def test_a_full_disk_on_json_is_named(server, flow, capsys):
    assert main(["run", str(flow), "--url", server.url, "--json", "/dev/full"]) == 2
    assert "/dev/full cannot be read or written here: No space left" in capsys.readouterr().err


def test_a_whole_number_may_be_written_with_a_point(server, flow):
    """JavaScript writes 7.0 as 7, so a widget for any number may hold a whole one, and the reverse is as good."""
    assert main(["run", str(flow), "--url", server.url, "--set", "Plan.n=4.0"]) == 0
    assert server.prompts[0]["2"]["inputs"]["n"] == 4


def test_a_narrow_console_ends_no_run(flow, server):
    """cp949 has no letter for U+2028 or an emoji."""
    server.outputs = {**generated(), "1": {"text": ["\u2028 \U0001f408"]}}
    line = [sys.executable, "-m", "headless", "run", str(flow), "--url", server.url]
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp949"}
    finished = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False)
    assert finished.returncode == 0, finished.stderr

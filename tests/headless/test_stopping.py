"""Ctrl-C and its like: what is queued is withdrawn, nothing else is, and no row counts it as its failure."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from hyponet.headless.__main__ import main, stop_as_ctrl_c_does
from hyponet.headless.state import DONE, WAITING, State
from hyponet.headless.watch import Watch
from tools.dev.places import ROOT

from .scripted import SAVE, sweep_on


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


@pytest.mark.skipif(sys.platform == "win32", reason="not on Windows: it has no signal to one process alone")
@pytest.mark.parametrize("kind", ["run", "sweep"])
@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM"])  # Ctrl-C; kill, and what service managers send
def test_a_real_signal_withdraws(server, flow, kind, signal_name):
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
    process.send_signal(getattr(signal, signal_name))
    assert process.wait(60) == 130, process.stderr.read()
    assert not server.running


def test_ctrl_break_of_windows_stops_alike_and_what_is_switched_off_stays_off(monkeypatch):
    """Windows has SIGBREAK beside SIGTERM; another signal stands for it here. nohup and service managers switch off."""
    stand_in, other = signal.SIGABRT, signal.SIGTERM  # both are known to every system
    monkeypatch.setattr(signal, "SIGBREAK", stand_in, raising=False)
    before = signal.getsignal(stand_in), signal.getsignal(other)
    try:
        signal.signal(stand_in, signal.SIG_DFL)
        signal.signal(other, signal.SIG_IGN)
        stop_as_ctrl_c_does()
        assert signal.getsignal(stand_in) is signal.default_int_handler
        assert signal.getsignal(other) == signal.SIG_IGN
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(stand_in)
    finally:
        for number, handler in zip((stand_in, other), before, strict=True):
            signal.signal(number, handler)


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

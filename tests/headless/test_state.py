"""The state of a sweep on disk: one driver at a time, and a disk that refuses is no server that does not answer."""

from __future__ import annotations

import os
import sys
import time

import pytest

from hyponet.headless.__main__ import main
from hyponet.headless.state import State

from .scripted import saved, sweep_on


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


@pytest.mark.skipif(sys.platform == "win32", reason="not on Windows: it has locks everywhere")
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
    (state / "rows" / "a.json").write_text(text, "utf-8")
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


def test_a_state_folder_that_cannot_be_listed_keeps_a_driver_off(tmp_path, monkeypatch):
    """The regression: pathlib's globs pass over it, and a driver of another count was not seen."""
    state = State(tmp_path)

    def forbidden(path="."):
        raise PermissionError(13, "Permission denied", str(path))

    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, forbidden)
    with pytest.raises(PermissionError), state.lock(1, 2):
        pass

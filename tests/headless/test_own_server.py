"""A server of our own: started, started anew, ended with its owner. tests/headless/pretended_comfyui plays ComfyUI."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hyponet.headless.backends import own_server
from hyponet.headless.backends.own_server import OwnServer, ServerFailed, ServerSpec, split_options
from tools.dev.pack import LOAD_PACK

from .scripted import ScriptedComfy

PRETENDED = Path(__file__).parent / "pretended_comfyui"
OWNER = (
    LOAD_PACK
    + """
import time
from hyponet.headless.backends.own_server import OwnServer, ServerSpec
server = OwnServer(ServerSpec(sys.argv[1], "t", output=sys.argv[2], work=sys.argv[2]), "w")
server.ensure()
print(server.process.pid, flush=True)
time.sleep(600)
"""
)


STUCK = """
import ctypes, os, pathlib
pathlib.Path("pid").write_text(str(os.getpid()))
ctypes.PyDLL(None).sleep(600)  # as code of a GPU's library that holds the interpreter's lock
"""
GUARD = Path(own_server.__file__).with_name("guard.py")


def spec(comfyui: Path, folder: Path) -> ServerSpec:
    return ServerSpec(str(comfyui), "t", output=str(folder / "output"), work=str(folder))


def is_there(pid: int) -> bool:
    """Whether the process runs; one that nobody waited for counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pid: int) -> None:
    end = time.monotonic() + 10
    while is_there(pid):
        assert time.monotonic() < end, f"process {pid} is still there"
        time.sleep(0.05)


def test_a_server_runs_until_it_is_stopped_and_comes_back(tmp_path: Path) -> None:
    server = OwnServer(spec(PRETENDED, tmp_path), "w")
    client = server.ensure()
    assert client.alive()
    assert server.ensure() is client  # the same one
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    assert server.ensure().alive()
    assert (server.starts, server.folder) == (2, tmp_path / "hyponet-t-w")
    pid = server.process.pid
    server.stop()
    assert not is_there(pid)


@pytest.mark.posix("kill -9")
def test_a_server_does_not_outlive_its_owner(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(PRETENDED), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert is_there(pid)
        os.kill(owner.pid, signal.SIGKILL)
    wait_until_gone(pid)


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no main\.py"):
        OwnServer(spec(tmp_path, tmp_path), "w")
    (tmp_path / "main.py").write_text("raise SystemExit('no GPU here')")
    with pytest.raises(ServerFailed, match="no GPU here"):
        OwnServer(spec(tmp_path, tmp_path), "w").ensure()


@pytest.mark.posix("kill -9")
def test_a_server_that_is_stuck_in_c_code_ends_with_its_owner(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(STUCK, "utf-8")
    command = [sys.executable, str(GUARD), str(tmp_path / "main.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=tmp_path) as server:
        assert server.stdin is not None
        while not (tmp_path / "pid").is_file() or not (tmp_path / "pid").read_text("utf-8"):
            assert server.poll() is None
            time.sleep(0.05)
        try:
            server.stdin.close()  # as the end of its owner closes it
            wait_until_gone(server.pid)
        finally:
            server.kill()


def test_a_server_of_somebody_else_on_the_port_is_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another took the port between our question and our server's start."""
    other = ScriptedComfy()
    monkeypatch.setattr(own_server, "_free_port", lambda: int(other.url.rpartition(":")[2]))
    try:
        with pytest.raises(ServerFailed, match="Address already in use"):
            OwnServer(spec(PRETENDED, tmp_path), "w").ensure()
    finally:
        other.stop()


@pytest.mark.posix("owners of folders, links")
def test_a_folder_that_somebody_else_prepared_is_refused(tmp_path: Path) -> None:
    """Its name can be guessed, and the folder for temporary files is everybody's."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "hyponet-t-w").symlink_to(tmp_path / "theirs")
    with pytest.raises(ServerFailed, match="hyponet-t-w is a link, or somebody else's"):
        OwnServer(spec(PRETENDED, tmp_path), "w").ensure()
    server = OwnServer(spec(PRETENDED, tmp_path), "new")
    server.ensure()
    server.stop()
    assert server.folder.stat().st_mode & 0o777 == 0o700


def test_options_are_split_as_on_a_command_line_and_keep_the_backslashes_of_windows() -> None:
    assert split_options(r"--lowvram --base-directory 'C:\My Comfy\new'") == (
        "--lowvram", "--base-directory", r"C:\My Comfy\new",
    )  # fmt: skip


def test_the_interpreter_is_looked_for_where_comfyui_has_it(tmp_path: Path) -> None:
    """The folders as ComfyUI's readme has people make them, and as its portable package for Windows has them."""
    comfyui = tmp_path / "ComfyUI"
    windows = [comfyui / ".venv/Scripts/python.exe", comfyui / "venv/Scripts/python.exe"]
    assert own_server.interpreters(comfyui, is_windows=True) == [*windows, tmp_path / "python_embeded/python.exe"]
    assert own_server.interpreters(comfyui, is_windows=False) == [
        comfyui / ".venv/bin/python",
        comfyui / "venv/bin/python",
    ]

"""A server of our own: started, started anew, ended with its owner. tests/headless/pretended_comfyui plays ComfyUI."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hyponet.headless.backends.own_server import OwnServer, ServerFailed, ServerSpec
from tools.dev.pack import LOAD_PACK

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

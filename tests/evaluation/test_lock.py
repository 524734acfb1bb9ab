"""One holder at a time, with locks of the operating system and without."""

from __future__ import annotations

import errno
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyponet.evaluation import lock
from hyponet.evaluation.lock import FileLock, LockIsHeld

HOST = platform.node()


@pytest.fixture(params=["locks", "no locks"])
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A lock's file, on a file system with locks or without."""
    if request.param == "no locks":
        without_locks(monkeypatch)
    yield tmp_path / "lock"
    assert not list(tmp_path.glob("*.holder"))


def without_locks(monkeypatch: pytest.MonkeyPatch, number: int = errno.ENOLCK) -> None:
    def flock(file: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)


def test_a_second_holder_is_told_who_the_first_is(path: Path) -> None:
    held = FileLock(path)
    with pytest.raises(LockIsHeld, match=rf"process {os.getpid()} on {HOST} since 20\d\d-"):
        FileLock(path)
    held.release()
    held.release()
    FileLock(path).release()


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EINTR])
def test_another_error_of_the_disk_is_nobodys_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    without_locks(monkeypatch, number)
    with pytest.raises(OSError, match=os.strerror(number)):
        FileLock(tmp_path / "lock")


@pytest.mark.parametrize("number", [errno.EWOULDBLOCK, errno.EACCES])  # flock(2); fcntl(2) and Windows
def test_what_means_held_is_taken_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    without_locks(monkeypatch, number)
    with pytest.raises(LockIsHeld, match="has not said its name yet"):
        FileLock(tmp_path / "lock")


def leave_behind(path: Path, process: int, host: str) -> Path:
    """What a holder on a file system without locks leaves when it is killed."""
    file = path.with_name("lock.holder")
    file.write_text(json.dumps({"pid": process, "host": host, "since": "2026-01-01 00:00:00"}))
    return file


def test_a_file_of_a_process_that_is_gone_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_locks(monkeypatch)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for process in (gone.pid, os.getpid()):  # the second: a new process may get the id of the one before
        file = leave_behind(tmp_path / "lock", process, HOST)
        held = FileLock(tmp_path / "lock")
        assert json.loads(file.read_bytes())["pid"] == os.getpid()
        held.release()
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["lock"]


def test_a_file_of_a_living_process_or_of_another_machine_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)
    for process, host in ((os.getppid(), HOST), (1, "another-node")):
        file = leave_behind(tmp_path / "lock", process, host)
        with pytest.raises(LockIsHeld, match=f"process {process} on {host} since 2026-01-01.*delete .*lock.holder"):
            FileLock(tmp_path / "lock")
        assert file.is_file()


def test_of_two_that_find_it_abandoned_one_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one has taken it over between the look and the renaming: its file is put back."""
    without_locks(monkeypatch)
    file = leave_behind(tmp_path / "lock", 0, HOST)
    quicker = json.dumps({"pid": os.getppid(), "host": HOST, "since": "2026-01-02 00:00:00"})
    rename = os.rename

    def late(source: Path, target: Path) -> None:
        file.write_text(quicker)
        rename(source, target)

    monkeypatch.setattr(os, "rename", late)
    monkeypatch.setattr(lock, "_is_abandoned", lambda path: True)
    with pytest.raises(LockIsHeld, match="since 2026-01-02"):
        FileLock(tmp_path / "lock")
    assert file.read_text() == quicker

"""One holder at a time, with locks of the operating system and without."""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyponet.evaluation.lock import AnotherWriter, FileLock, LockIsHeld, only_writer
from tools.dev.places import ROOT

HOST = platform.node()


@pytest.fixture(params=["locks", "no locks"])
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A lock's file, on a file system with locks or without."""
    if request.param == "no locks":
        without_locks(monkeypatch)
    yield tmp_path / "lock"
    assert not list(tmp_path.glob("*.holder"))


def without_locks(monkeypatch: pytest.MonkeyPatch, number: int = errno.ENOLCK) -> None:
    """Every lock fails with that error; flock(2), and Windows' own."""

    def lock(*_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("msvcrt.locking" if sys.platform == "win32" else "fcntl.flock", lock)


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


def test_the_file_of_an_only_writer_is_gone_afterwards_also_after_an_error(path: Path) -> None:
    target = path.parent / "folder" / "report"
    again = only_writer(target, "the report")
    with only_writer(target, "the report"):
        with pytest.raises(AnotherWriter, match=rf"the report is being written by process {os.getpid()} on {HOST}"):
            again.__enter__()
    assert not list(target.parent.iterdir())
    with contextlib.suppress(ZeroDivisionError), only_writer(target, "the report"):
        raise ZeroDivisionError
    assert not list(target.parent.iterdir())


def test_a_file_system_that_does_not_know_its_files_again_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network mounts number a file anew each time that it is looked at."""
    with monkeypatch.context() as forgetful:
        forgetful.setattr(os.path, "samestat", lambda first, second: False)
        with pytest.raises(OSError, match=rf"{path.name} is another file each time that it is opened"):
            FileLock(path)
    FileLock(path).remove()


def test_a_lock_whose_file_comes_and_goes_has_one_holder_at_a_time(tmp_path: Path) -> None:
    """The file is deleted by whoever had it: without a second look two would hold files of the same name.

    Each of four processes adds 1 to a number for a while whenever it has the lock; two at once would lose additions.
    """
    code = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from evaluation.lock import AnotherWriter, only_writer

number, added = Path(sys.argv[2]) / "number", 0
end = time.monotonic() + 1.5
while time.monotonic() < end:
    try:
        with only_writer(Path(sys.argv[2]) / "target", "it"):
            before = int(number.read_text())
            time.sleep(0)
            number.write_text(str(before + 1))
            added += 1
    except AnotherWriter:
        pass
print(added)
"""
    (tmp_path / "number").write_text("0")
    command = [sys.executable, "-c", code, str(ROOT), str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    added = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(added) == int((tmp_path / "number").read_text("utf-8"))

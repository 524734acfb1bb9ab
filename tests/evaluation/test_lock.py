"""One holder at a time, with locks of the operating system and without."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import subprocess
import sys
import time
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


BOOT = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
PIDS = os.readlink("/proc/self/ns/pid")  # the namespace of process ids, see namespaces(7)


def birth_of(process: int) -> str:
    """Boot, namespace and start of a living process, read as proc(5) has them."""
    return f"{BOOT} {PIDS} {Path(f'/proc/{process}/stat').read_text().rpartition(')')[2].split()[19]}"


def leave_behind(path: Path, process: int, host: str = HOST, birth: str = f"{BOOT} {PIDS} 1") -> Path:
    """What a holder on a file system without locks leaves when it is killed."""
    file = path.with_name("lock.holder")
    file.write_text(json.dumps({"pid": process, "host": host, "since": "2026-01-01 00:00:00", "birth": birth}))
    return file


def test_a_file_of_a_process_that_is_gone_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_locks(monkeypatch)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for process in (gone.pid, os.getpid()):  # the second: a new process may get the id of the one before
        file = leave_behind(tmp_path / "lock", process)
        held = FileLock(tmp_path / "lock")
        assert json.loads(file.read_bytes())["pid"] == os.getpid()
        held.release()
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["lock"]


OTHERS = {
    "a living process": (os.getppid(), HOST, birth_of(os.getppid())),
    "another machine": (1, "another-node", f"{BOOT} {PIDS} 1"),
    "another container of the same name": (os.getpid(), HOST, f"{BOOT} pid:[1] 1"),
    "another boot, or another machine of the same name": (os.getpid(), HOST, f"0 {PIDS} 1"),
    "a system that does not say": (os.getpid(), HOST, ""),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("has_locks", [True, False])
def test_a_file_of_one_that_may_live_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str, has_locks: bool
) -> None:
    """Also where locks work now: they come and go on some networks, and the holder had none."""
    if not has_locks:
        without_locks(monkeypatch)
    process, host, birth = OTHERS[other]
    file = leave_behind(tmp_path / "lock", process, host, birth)
    with pytest.raises(LockIsHeld, match=f"process {process} on {host} since 2026-01-01.*delete .*lock.holder"):
        FileLock(tmp_path / "lock")
    assert file.is_file()


def test_of_many_that_find_it_abandoned_one_gets_it(tmp_path: Path) -> None:
    code = """
import errno, fcntl, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from evaluation.lock import FileLock, LockIsHeld

def flock(file, operation):
    raise OSError(errno.ENOLCK, "No locks available")

fcntl.flock = flock
while time.time() < float(sys.argv[3]):
    pass
try:
    lock = FileLock(Path(sys.argv[2]))
except LockIsHeld:
    print("refused")
else:
    print("held", flush=True)
    time.sleep(0.5)
"""
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        leave_behind(folder / "lock", 0)
        start = str(time.time() + 0.4)
        command = [sys.executable, "-c", code, str(ROOT), str(folder / "lock"), start]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        answers = [process.communicate(timeout=60)[0].split() for process in processes]
        assert sum("held" in answer for answer in answers) <= 1
        assert sum(len(answer) for answer in answers) == 4


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
    assert sum(added) == int((tmp_path / "number").read_text())

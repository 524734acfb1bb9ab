"""Where the file system has no locks: a lock file of a process that is gone is taken over, any other is respected."""

from __future__ import annotations

import errno
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hyponet.evaluation.lock import FileLock, LockIsHeld
from tools.dev.places import ROOT

if not Path("/proc/self/ns/pid").exists():
    pytest.skip("not on Windows and macOS: only Linux says which processes live", allow_module_level=True)

HOST = platform.node()


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every lock fails as on Lustre without -o flock."""

    def flock(*_: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", flock)


BOOT = Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
PIDS = os.readlink("/proc/self/ns/pid")  # the namespace of process ids, see namespaces(7)


def birth_of(process: int) -> str:
    """Boot, namespace and start of a living process, read as proc(5) has them."""
    return f"{BOOT} {PIDS} {Path(f'/proc/{process}/stat').read_text('utf-8').rpartition(')')[2].split()[19]}"


def leave_behind(path: Path, process: int, host: str = HOST, birth: str = f"{BOOT} {PIDS} 1") -> Path:
    """What a holder on a file system without locks leaves when it is killed."""
    file = path.with_name("lock.holder")
    file.write_text(json.dumps({"pid": process, "host": host, "since": "2026-01-01 00:00:00", "birth": birth}), "utf-8")
    return file


@pytest.mark.usefixtures("without_locks")
def test_a_file_of_a_process_that_is_gone_is_taken_over(tmp_path: Path) -> None:
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
    tmp_path: Path, request: pytest.FixtureRequest, other: str, has_locks: bool
) -> None:
    """Also where locks work now: they come and go on some networks, and the holder had none."""
    if not has_locks:
        request.getfixturevalue("without_locks")
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

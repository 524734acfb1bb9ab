"""Runs other programs: with a log and a step on the console, in a quiet environment, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from .console import Step, explain, log_file
from .places import OUTPUT, ROOT

Command = Sequence[str | Path]


def run_logged(title: str, command: Command, *, env: dict[str, str] | None = None) -> Path:
    """Run `command` to its end with its output in a log file; the file.

    Raises:
        Failure: it ended with another exit code than 0; the message has the log's last lines.
    """
    name = "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split()[:4])
    step, log = Step(title), log_file(name)
    with log.open("wb") as out:
        process = _start(command, out, env=env)
        try:
            while process.poll() is None:
                time.sleep(0.1)
                step.tick(f"(log: {log.relative_to(ROOT)})")
        finally:
            stop_all(process)
    if process.returncode:
        raise explain(title, log, process.returncode)
    step.finish()
    return log


def run_here(command: Command, *, env: dict[str, str] | None = None) -> int:
    """Run `command` to its end with its output on this console; its exit code. Ctrl-C interrupts it alone.

    What it started ends with it, whatever ends this process: servers that a test has running, for one.
    """
    process = _start(command, env=env)
    try:
        return process.wait()
    except KeyboardInterrupt:
        _interrupt(process)
        return process.wait()
    finally:
        stop_all(process, 30)


def _start(command: Command, out: IO[bytes] | None = None, *, env: dict[str, str] | None) -> subprocess.Popen[bytes]:
    """In a session of its own, with its output on this console or in the file `out`."""
    return subprocess.Popen(
        [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=ROOT,
        start_new_session=True,
    )  # fmt: skip


def answer(python: Path | str, code: str) -> str:
    """What `code` prints in the interpreter `python`.

    Raises:
        OSError, subprocess.SubprocessError: there is no such interpreter, or the code failed.
    """
    command = [str(python), "-c", code]
    finished = subprocess.run(
        command, capture_output=True, encoding="utf-8", env=quiet_environment(), timeout=60, check=True
    )
    return finished.stdout.strip()


def stop(process: subprocess.Popen[bytes], patience: float = 10) -> None:
    """End a process of ours: ask, wait `patience` seconds, then insist."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def stop_all(process: subprocess.Popen[bytes], patience: float = 10) -> None:
    """End a process that began a session of its own, and all that it started: interrupt, wait, then insist."""
    if os.name == "nt":  # which has no sessions of this kind
        stop(process, patience)
        return
    _interrupt(process)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody of the session is left, but for zombies
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """What Ctrl-C does to a process of another session: Python's end what they opened, pytest its fixtures.

    On Windows there is no other session, and Ctrl-C has reached it already.
    """
    if process.poll() is None and os.name != "nt":
        process.send_signal(signal.SIGINT)


def exit_when_asked() -> None:
    """Let kill, and a terminal that is closed, end this process as an error does: what it started is stopped."""
    for name in ("SIGTERM", "SIGHUP"):  # Windows lacks the second
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, lambda number, frame: sys.exit(128 + number))


def environment(**variables: str) -> dict[str, str]:
    """This process's environment for a child, with `variables`: UTF-8, and nothing written beside the sources.

    What Python compiles lies in a folder of its own, and is kept there whatever PYTHONDONTWRITEBYTECODE says: without
    it every ComfyUI that starts compiles torch and all the rest anew.
    """
    folders = {"PYTHONPYCACHEPREFIX": str(OUTPUT / ".pycache"), "MPLCONFIGDIR": str(OUTPUT / ".matplotlib")}
    return {**os.environ, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "", **folders, **variables}


def quiet_environment(**variables: str) -> dict[str, str]:
    """The same for tests: one thread a process, as small kernels of two wait for each other; few arenas of memory, as
    what is freed in many stays with the process; no model hub."""
    alone = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", "HF_HUB_OFFLINE": "1"}
    return environment(**{**alone, **variables})

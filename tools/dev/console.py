"""What a person sees: steps with their time, log files, and failures with advice."""

from __future__ import annotations

import os
import signal
import sys
import time
from io import TextIOWrapper
from pathlib import Path

from .places import LOGS

TERMINAL_INTERVAL, LOG_INTERVAL = 0.5, 20.0  # seconds between two lines of a step
TAIL_LINES = 12  # of a log that a failure shows

# (what a log says, what to do about it)
HINTS = (
    ("ensurepip is not", "Python lacks the venv module: install it (Debian, Ubuntu: apt install python3-venv)."),
    ("No module named venv", "Python lacks the venv module: install it (Debian, Ubuntu: apt install python3-venv)."),
    ("No space left on device", "The disk is full: free about 12 GB, or point XDG_CACHE_HOME at a larger disk."),
    ("Temporary failure in name resolution", "The package registry cannot be reached: check the network or proxy."),
    ("Failed to establish a new connection", "The package registry cannot be reached: check the network or proxy."),
    ("No matching distribution found", "The registry has no such package for this Python: use CPython 3.10 to 3.13."),
    ("Read timed out", "The package registry answers too slowly: run the same command again."),
    ("ddress already in use", "The port is taken: give another with --port, or leave it out to take a free one."),
    ("MemoryError", "Out of memory: close other programs; about 4 GB must be free."),
    ("out of memory", "Out of memory: close other programs; about 4 GB must be free."),
)


class Failure(Exception):
    """What failed and what to do about it, in a form for people."""


class Step:
    """One line a step with elapsed time; a terminal sees the seconds count, a log file a line now and then."""

    def __init__(self, title: str) -> None:
        self.title, self.start, self.last_line = title, time.monotonic(), 0.0
        say(f"{title} ...")

    def tick(self, note: str = "") -> None:
        """Show the elapsed time, if the last line is old enough."""
        elapsed = time.monotonic() - self.start
        interval = TERMINAL_INTERVAL if sys.stdout.isatty() else LOG_INTERVAL
        if elapsed - self.last_line >= interval:
            self.last_line = elapsed
            line = f"  {self.title}: {elapsed:.0f} s {note}".rstrip()
            if sys.stdout.isatty():
                print(f"\r{line:<110}", end="", flush=True)
            else:
                say(line)

    def finish(self, note: str = "") -> None:
        """Say how long the step took."""
        if sys.stdout.isatty():
            print("\r" + " " * 110 + "\r", end="")
        say(f"  done in {time.monotonic() - self.start:.1f} s{'; ' + note if note else ''}")


def say(text: str) -> None:
    """Print a line at once, so that a log file has it when a person looks."""
    print(text, flush=True)


def allow_any_letters() -> None:
    """Let stdout and stderr show what their encoding lacks as an escape: a path may hold any letter."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def log_file(name: str) -> Path:
    """The path of a new log file in output/logs.

    Raises:
        Failure: the clone cannot be written to.
    """
    try:
        LOGS.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        advice = "logs and results go there, so use a clone that you may write to"
        raise Failure(f"{LOGS} cannot be made ({error.strerror}); {advice}.") from None
    return LOGS / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{name}.log"


def explain(title: str, log: Path, code: int | None, until: str = "") -> Failure:
    """A failure with the last lines of `log` (those up to the line that holds `until`) and advice."""
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    hint = next((advice for sign, advice in HINTS if sign in text), "")
    if not hint and code in (-signal.SIGTERM, -9, 137):
        hint = "It was killed, most likely for want of memory: close other programs; about 4 GB must be free."
    lines = text.strip().splitlines()
    end = next((i + 1 for i, line in enumerate(lines) if until and until in line), len(lines))
    tail = "\n".join("    " + line for line in lines[max(0, end - TAIL_LINES) : end])
    advice = hint or "Read the log; `python3 dev.py doctor` shows the state of the set-up."
    return Failure(f"{title} failed (exit code {code}).\n{tail}\n  Full log: {log}\n  What to do: {advice}")

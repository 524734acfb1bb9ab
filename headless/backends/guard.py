"""Runs a Python script in a process that ends when the one that started it does, however that ended.

    python guard.py SCRIPT ARGUMENTS...     with a pipe as its input, which the starter holds open

A reader of that pipe meets its end when the starter is gone, also after kill -9. A thread reads it, and where there is
fork a process too, since no thread runs while C code holds the interpreter's lock. Standard library only: the
interpreter is ComfyUI's, and this file is run by its path.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading

_INPUT = 0


def _wait_for_the_starters_end() -> None:
    while os.read(_INPUT, 4096):
        pass


def _end_with_the_starter() -> None:
    _wait_for_the_starters_end()
    os._exit(1)


def _watch_in_a_process() -> None:
    script = os.getpid()
    if os.fork() == 0:
        _wait_for_the_starters_end()
        if os.getppid() == script:  # else it has ended, and its number may be another's
            os.kill(script, signal.SIGKILL)
        os._exit(0)


if __name__ == "__main__":
    if sys.platform != "win32":
        _watch_in_a_process()
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    del sys.argv[0]
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name="__main__")

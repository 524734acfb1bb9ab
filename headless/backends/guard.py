"""Runs a Python script in a process that ends when the one that started it does, however that ended.

    python guard.py SCRIPT ARGUMENTS...     with a pipe as its input, which the starter holds open

A reader of that pipe meets its end when the starter is gone, also after kill -9. Standard library only: the interpreter
is ComfyUI's, and this file is run by its path.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading

_INPUT = 0


def _end_with_the_starter() -> None:
    while os.read(_INPUT, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    del sys.argv[0]
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name="__main__")

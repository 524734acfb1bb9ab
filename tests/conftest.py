"""Loads the clone as the package `hyponet`, so that tests import it as users' ComfyUI does: under a name of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# At the end of the path: first what is installed, then ComfyUI, then the clone. ComfyUI has a module called `nodes` of
# its own, with which the faces (nodes.py, paths.py, engine.py ...) are tested. The clone gives `tools.dev` and
# `headless`, as dev.py itself imports them.
COMFYUI = os.environ.get("HYPONET_COMFYUI", "")
for folder in filter(None, (COMFYUI, str(Path(__file__).resolve().parent.parent))):
    if folder not in sys.path:
        sys.path.append(folder)

if COMFYUI:
    from comfy.cli_args import args

    args.cpu = True  # before anything else of ComfyUI is imported: the tests need no GPU and use none

from tools.dev.pack import load_pack  # noqa: E402

load_pack()

import pytest  # noqa: E402

from hyponet.tests.comfy_server import comfy, start_comfy  # noqa: E402, F401  (for tests/comfy, tests/browser and others)

ROOT = Path(__file__).resolve().parents[1]
# no ComfyUI decides what these find: they import none, by the rules of tools/dev/rooms.py
PURE = [ROOT / line for line in ("tests/evaluation", *(ROOT / "tests" / "pure.txt").read_text("utf-8").split())]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `pure` what `dev.py test --comfyui DIR` leaves out."""
    for item in items:
        places = {item.path, *item.path.parents}
        if places.intersection(PURE) and not item.get_closest_marker("comfyui"):
            item.add_marker("pure")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip on Windows what is marked `posix`."""
    marker = item.get_closest_marker("posix")
    if marker is not None and sys.platform == "win32":
        pytest.skip(f"not on Windows: {marker.args[0]}")

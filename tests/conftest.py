"""Loads the clone as the package `hyponet`, so that tests import it as users' ComfyUI does: under a name of its own."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def load_pack() -> None:
    spec = importlib.util.spec_from_file_location(
        "hyponet", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hyponet"] = module
    spec.loader.exec_module(module)


if "hyponet" not in sys.modules:
    load_pack()

# At the end of the path: first what is installed, then ComfyUI, then the clone. ComfyUI has a module called `nodes` of
# its own, with which the faces (nodes.py, paths.py, engine.py ...) are tested. The clone gives `tools.dev` and
# `headless`, as dev.py itself imports them.
for folder in filter(None, (os.environ.get("HYPONET_COMFYUI"), str(ROOT))):
    if folder not in sys.path:
        sys.path.append(folder)


from hyponet.tests.comfy_server import comfy, start_comfy  # noqa: E402, F401  (for tests/comfy, tests/browser and others)

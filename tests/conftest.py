"""Loads the clone as the package `hyponet`, so that tests import it as users' ComfyUI does: under a name of its own."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

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

COMFYUI = os.environ.get("HYPONET_COMFYUI", "")
if COMFYUI and COMFYUI not in sys.path:
    # modules that may import ComfyUI (nodes.py, paths.py, engine.py) are tested with the real one on the path
    sys.path.append(COMFYUI)


@pytest.fixture(scope="session")
def load_dev() -> ModuleType:
    """dev.py as a module; it imports the headless client from beside it."""
    if "dev" not in sys.modules:
        sys.path.insert(0, str(ROOT))
        try:
            spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules["dev"] = module
            spec.loader.exec_module(module)
        finally:
            sys.path.remove(str(ROOT))
    return sys.modules["dev"]


from hyponet.tests.comfy_server import comfy, start_comfy  # noqa: E402, F401  (for tests/comfy, tests/browser and others)

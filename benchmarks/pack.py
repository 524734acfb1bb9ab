"""Loads the clone as the package `hyponet` for the benchmark scripts, whatever its folder is called."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def load_pack() -> None:
    """Make `import hyponet.evaluation...` work."""
    if "hyponet" in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(
        "hyponet", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{ROOT} holds no __init__.py; run the script from a whole clone")
    module = importlib.util.module_from_spec(spec)
    sys.modules["hyponet"] = module
    spec.loader.exec_module(module)

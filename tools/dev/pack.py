"""Loads this clone as the package `hyponet`, whatever its folder is called, as ComfyUI does with a pack.

A pack must not put its root in front of others on sys.path: ComfyUI has a module called `nodes` as well.
"""

from __future__ import annotations

import importlib.util
import sys

from .places import PACK_NAME, ROOT

# the first line of a script for another process that imports the pack
LOAD_PACK = f"import sys; sys.path.append({str(ROOT)!r}); from tools.dev.pack import load_pack; load_pack()\n"


def load_pack() -> None:
    """Make `import hyponet.evaluation...` work, unless it does already."""
    if PACK_NAME in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(
        PACK_NAME, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{ROOT} holds no __init__.py; run this from a whole clone")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACK_NAME] = module
    spec.loader.exec_module(module)

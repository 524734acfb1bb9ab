"""The rules that hold for every file that ships: what may import what, and words the registry's scanner refuses."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hyponet.tests import ROOT

SHIPPED = sorted([ROOT / "__init__.py", *(ROOT / "nodes").rglob("*.py"), *(ROOT / "evaluation").rglob("*.py")])
FACES = {"nodes.py", "extension.py", "sockets.py", "paths.py", "engine.py"}
COMFYUI = {"comfy", "comfy_api", "comfy_extras", "comfy_execution", "folder_paths", "server", "execution", "nodes"}
REFUSED_WORDS = r"\b(eval|exec|subprocess|environ|getenv|pickle|os\.system)\b"
REFUSED_MODULES = {"subprocess", "pickle", "socket", "http", "urllib", "requests", "aiohttp", "ctypes"}


def imports(path: Path) -> list[tuple[int, str]]:
    """(level, module) of each import statement of `path`, wherever it stands."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module or ""))
    return found


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_shipped_file_keeps_the_house_rules(path):
    text = path.read_text("utf-8")
    assert text.isascii(), "checks of the ecosystem reject other characters"
    assert not re.findall(r"\bprint\(", text)
    assert not re.findall(REFUSED_WORDS, text), "the registry scans for these words, in comments too"
    outside = {module.split(".")[0] for level, module in imports(path) if level == 0}
    assert not outside & REFUSED_MODULES
    if path.name not in FACES:
        assert not outside & COMFYUI, "only the faces of a room know ComfyUI"


@pytest.mark.parametrize("path", sorted((ROOT / "evaluation").rglob("*.py")), ids=lambda path: path.name)
def test_evaluation_imports_nothing_from_the_nodes(path):
    depth = len(path.relative_to(ROOT).parts) - 1
    assert not [module for level, module in imports(path) if level > depth or module.startswith("nodes")]


def test_importing_the_pack_imports_neither_torch_nor_comfyui():
    code = (
        "import importlib.util as u, sys; s = u.spec_from_file_location('pack', sys.argv[1] + '/__init__.py', "
        "submodule_search_locations=[sys.argv[1]]); m = u.module_from_spec(s); sys.modules['pack'] = m; "
        "s.loader.exec_module(m); print(sorted(n for n in sys.modules if n.split('.')[0] in "
        "{'torch', 'numpy', 'PIL', 'comfy', 'comfy_api', 'nltk', 'matplotlib', 'transformers'}))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(ROOT)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

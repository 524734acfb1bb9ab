"""The rules that hold for every file that ships: what may import what, and words the registry's scanner refuses.

The rooms and the rules of their imports stand in tools/dev/rooms.py, the rule of docstrings in tools/dev/docstrings.py,
that of names in tools/dev/vague_names.py; here the code is held to them, and each rule is shown to find what it is for
in a small tree.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hyponet.version import __version__
from tools.dev import rooms, vague_names
from tools.dev.docstrings import without_docstring
from tools.dev.places import ROOT

SHIPPED = rooms.shipped_files(ROOT)
REFUSED_WORDS = r"\b(eval|exec|subprocess|environ|getenv|pickle|os\.system)\b"
REFUSED_MODULES = {"subprocess", "pickle", "socket", "http", "urllib", "requests", "aiohttp", "ctypes"}
FIRST_COMFYUI = {"comfy", "comfy_api", "comfyui_version", "folder_paths", "latent_preview", "node_helpers", "server"}


def comfyui_names():
    """The top-level modules of ComfyUI; a failure, not a skip, without one."""
    folder = os.environ.get("HYPONET_COMFYUI")
    assert folder, "HYPONET_COMFYUI is not set; run the tests by `python3 dev.py test`"
    return rooms.comfyui_names(Path(folder))


# ---- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", SHIPPED)
def test_a_shipped_file_holds_nothing_that_the_registry_refuses(file):
    text = (ROOT / file).read_text("utf-8")
    assert text.isascii(), "checks of the ecosystem reject other characters"
    assert not re.findall(r"\bprint\(", text)
    assert not re.findall(REFUSED_WORDS, text), "the registry scans for these words, in comments too"
    assert not {statement.split(".")[0] for statement in outside_modules(text)} & REFUSED_MODULES


def outside_modules(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


# ---- imports --------------------------------------------------------------------------------------------------------

RULES = {
    "later rooms": rooms.later_rooms,
    "nodes in evaluation": rooms.nodes_in_evaluation,
    "faces of other rooms": rooms.faces_of_other_rooms,
    "outside of the archive": rooms.outside_of_the_archive,
    "circles": rooms.circles,
    "circles of rooms": rooms.circles_of_rooms,
    "comfyui in pure modules": lambda root: rooms.comfyui_in_pure_modules(root, comfyui_names()),
}


@pytest.mark.parametrize("name", RULES)
def test_the_pack_keeps_the_rule(name):
    assert RULES[name](ROOT) == []


def test_every_file_has_its_room_and_every_room_its_files():
    assert [file for file in SHIPPED if not rooms.room_of(file)] == []
    assert [room.path for room in rooms.ROOMS if not (ROOT / room.path).exists()] == []
    assert {rooms.room_of(file) for file in SHIPPED} == {room.path for room in rooms.ROOMS}


def test_comfyui_s_names_are_those_of_its_folder():
    """The seven that the pack imports today are among them, and so is what it may not know of yet."""
    assert comfyui_names() >= FIRST_COMFYUI | {"nodes", "execution", "app", "utils", "protocol", "api_server"}


# a tree that keeps every rule
GOOD = {
    "__init__.py": "def comfy_entrypoint():\n    from .nodes.extension import NODES",
    "evaluation/files.py": "import json",
    "evaluation/pictures/decode.py": "from ..files import write",
    "evaluation/training/train.py": "from ..pictures import decode",
    "nodes/paths.py": "import folder_paths",
    "nodes/graph.py": "def upstream_of():\n    import folder_paths",
    "nodes/prompts/plan.py": "from ...evaluation.files import write",
    "nodes/prompts/nodes.py": "from comfy_api.latest import io\nfrom .. import paths\nfrom . import plan",
    "nodes/dataset/store/store.py": "from ... import graph\nfrom ...prompts.plan import Plan",
    "nodes/dataset/nodes.py": "from .culling.nodes import NODES",
    "nodes/dataset/culling/nodes.py": "from ..store import store",
    "nodes/extension.py": "from .prompts.nodes import NODES",
}
# (the rule, one file put into that tree, what the rule says about it)
PLANTED = {
    "a module of ComfyUI's that nobody listed": (
        "comfyui in pure modules",
        {"nodes/prompts/plan.py": "import latent_preview"},
        ["nodes/prompts/plan.py:1 imports latent_preview"],
    ),
    "ComfyUI inside a function": (
        "comfyui in pure modules",
        {"evaluation/files.py": "def free():\n    import comfy.model_management"},
        ["evaluation/files.py:2 imports comfy.model_management"],
    ),
    "ComfyUI through a file that may import it": (
        "comfyui in pure modules",
        {"nodes/prompts/plan.py": "from .. import paths"},
        ["nodes/prompts/plan.py:1 imports nodes/paths.py"],
    ),
    "a later room": (
        "later rooms",
        {"nodes/prompts/plan.py": "from ..dataset.store.store import DatasetStore"},
        ["nodes/prompts/plan.py:1 imports nodes/dataset/store/store.py"],
    ),
    "a later room inside evaluation": (
        "later rooms",
        {"evaluation/pictures/decode.py": "from ..training import train"},
        ["evaluation/pictures/decode.py:1 imports evaluation/training/train.py"],
    ),
    "what evaluation shares leaning on a room of it": (
        "later rooms",
        {"evaluation/files.py": "from .pictures.decode import decode"},
        ["evaluation/files.py:1 imports evaluation/pictures/decode.py"],
    ),
    "evaluation importing nodes": (
        "nodes in evaluation",
        {"evaluation/training/train.py": "from ...nodes.prompts import plan"},
        ["evaluation/training/train.py:1 imports nodes/prompts/plan.py"],
    ),
    "a face of an earlier room": (
        "faces of other rooms",
        {"nodes/dataset/nodes.py": "from ..prompts.nodes import NODES"},
        ["nodes/dataset/nodes.py:1 imports nodes/prompts/nodes.py"],
    ),
    "tests in what ships": (
        "outside of the archive",
        {"evaluation/files.py": "from ..tests.tools import clones"},
        ["evaluation/files.py:1 imports "],
    ),
    "the headless driver by its own name": (
        "outside of the archive",
        {"nodes/prompts/plan.py": "import headless.client"},
        ["nodes/prompts/plan.py:1 imports headless.client"],
    ),
    "an absolute import of the pack": (
        "outside of the archive",
        {"nodes/prompts/plan.py": "from evaluation.files import write"},
        ["nodes/prompts/plan.py:1 imports evaluation.files"],
    ),
    "an import out of the pack's folder": (
        "outside of the archive",
        {"evaluation/files.py": "from ... import other_pack"},
        ["evaluation/files.py:1 imports ..."],
    ),
    "two files in a circle": (
        "circles",
        {"nodes/dataset/store/store.py": "from ..culling import nodes"},
        ["nodes/dataset/culling/nodes.py -> nodes/dataset/store/store.py -> nodes/dataset/culling/nodes.py"],
    ),
    "two rooms in a circle without a circle of files": (
        "circles of rooms",
        {"nodes/prompts/item.py": "from ..dataset import names", "nodes/dataset/names.py": ""},
        ["nodes/prompts -> nodes/dataset -> nodes/prompts"],
    ),
}


def plant(folder, files):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text + "\n", "utf-8")
    return folder


@pytest.mark.parametrize("name", RULES)
def test_no_rule_complains_of_a_good_tree(tmp_path, name):
    assert RULES[name](plant(tmp_path, GOOD)) == []


@pytest.mark.parametrize(("name", "files", "found"), PLANTED.values(), ids=PLANTED)
def test_a_rule_finds_what_it_is_for(tmp_path, name, files, found):
    assert RULES[name](plant(tmp_path, {**GOOD, **files})) == found


# ---- docstrings -----------------------------------------------------------------------------------------------------

UNDOCUMENTED = '''"""A module with everything that the rule looks at."""

def shown(): ...
def _private(): ...
def documented():
    """What comes back."""
    def inside(): ...

class _Helper:
    def method(self): ...

class Node:
    def execute(cls): ...

if True:
    async def conditional(): ...
'''


def test_every_public_function_and_class_has_a_docstring():
    assert without_docstring(ROOT) == []


@pytest.mark.parametrize("file", ["nodes/a.py", "evaluation/b/c.py", "headless/d.py", "tools/dev/e.py"])
def test_what_has_no_docstring_is_listed(tmp_path, file):
    plant(tmp_path, {file: UNDOCUMENTED})
    lines = {3: "shown", 10: "method", 12: "Node", 16: "conditional"}
    assert without_docstring(tmp_path) == [f"{file}:{line} {name}" for line, name in lines.items()]


# ---- names of variables ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", vague_names.FOLDERS)
def test_names_say_what_they_name(folder):
    vague, count = vague_names.vague_names(ROOT, folder)
    assert count > 500
    assert len(vague) < vague_names.LIMIT * count, vague


def test_vague_names_are_those_that_are_bound(tmp_path):
    plant(tmp_path, {"nodes/a.py": "def count(other, records):\n    found = records[found.one:]\n    return found"})
    assert vague_names.vague_names(tmp_path, "nodes") == (["nodes/a.py:1 other", "nodes/a.py:2 found"], 3)


# ---- tests ----------------------------------------------------------------------------------------------------------


def test_no_test_is_left_out_because_a_package_is_missing():
    """requirements-dev.txt pins them all: in the one environment that exists a missing one is a broken set-up."""
    texts = {path: path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")}
    skipping = [path for path, text in texts.items() if re.search(r"pytest\.importorskip", text)]
    assert skipping == []


@pytest.mark.parametrize("folder", ["nodes", "evaluation", "headless"])
def test_messages_show_letters_as_people_wrote_them(folder):
    """`!a` and ascii() make \\uac1c of a Korean word; `!r` and repr() escape no more than what cannot be shown."""
    texts = {path: path.read_text("utf-8") for path in (ROOT / folder).rglob("*.py")}
    assert [str(path) for path, text in texts.items() if re.search(r"!a[}:]|(?<![\w.])ascii\(", text)] == []


# ---- the entry point ------------------------------------------------------------------------------------------------


def test_importing_the_pack_imports_neither_torch_nor_comfyui():
    code = (
        "import importlib.util as u, sys; s = u.spec_from_file_location('pack', sys.argv[1] + '/__init__.py', "
        "submodule_search_locations=[sys.argv[1]]); m = u.module_from_spec(s); sys.modules['pack'] = m; "
        "s.loader.exec_module(m); print(sorted(n for n in sys.modules if n.split('.')[0] in "
        "{'torch', 'numpy', 'PIL', 'comfy', 'comfy_api', 'nltk', 'matplotlib', 'transformers'}))"
    )
    imported = subprocess.run([sys.executable, "-c", code, str(ROOT)], capture_output=True, text=True, check=True)
    assert imported.stdout.strip() == "[]"


def test_the_version_is_that_of_the_package():
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text("utf-8")

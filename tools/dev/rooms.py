"""The rooms of the pack in order, and the rules of its imports, each a function over a tree of sources.

ROOMS is the one list: tests/test_house_rules.py holds the code to it, and the table in ARCHITECTURE.md is written from
it. A file belongs to the entry with the longest path that it lies under; it may import its own room and the rooms
above it in the list, never one below. Imports inside functions and under TYPE_CHECKING count as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Room(NamedTuple):
    """A folder or file of the pack, by its path from the root, and what it holds."""

    path: str
    holds: str


ROOMS = (
    Room("version.py", "the version, for results and pictures"),
    Room("evaluation", "what all of evaluation shares: result files, plots, intervals, writing files whole"),
    Room("evaluation/pictures", "readers of labelled pictures, one file a source; the cache of small copies"),
    Room("evaluation/training", "the classifier, its training loop, predictions and accuracy"),
    Room("evaluation/metrics", "features of pictures; FID, IS, KID, CMMD, precision and recall, diversity, CLIP score"),
    Room("evaluation/report", "tables and pages from result files, beside the figures of the thesis"),
    Room("nodes", "what all rooms share: sockets, folders and `confine()`, checks of values, what a MODEL is made of"),
    Room("nodes/hyponyms", "classifier, WordNet, and the words that a picture or a word leads to"),
    Room("nodes/prompts", "template language, wildcards, classes, and the plan of every item"),
    Room("nodes/dataset", "a set on disk: store, loading, merging, splitting, culling, export"),
    Room("nodes/sampling", "a batch of different prompts through text encoder, sampler and VAE, into a set"),
    Room("nodes/lora", "captions, and the training of a LoRA"),
    Room("nodes/training", "Train Classifier and what belongs to it, over `evaluation/training`"),
    Room("nodes/metrics", "the metric nodes, over `evaluation/metrics`"),
    Room("nodes/report", "the report node, over `evaluation/report`"),
    Room("nodes/extension.py", "the list of all node classes"),
    Room("__init__.py", "the entry point; imports `nodes/extension.py` when ComfyUI calls it, and nothing before"),
)
# these may import ComfyUI
FACES = (
    "nodes.py",
    "extension.py",
    "sockets.py",
    "paths.py",
    "graph.py",
    "engine.py",
    "widgets.py",
    "lora/unet.py",
    "sampling/guiders.py",
    "sampling/latents.py",
    "sampling/loras.py",
    "sampling/memory.py",
    "sampling/pipeline.py",
    "sampling/reporter.py",
    "sampling/stages.py",
    "sampling/step_noise.py",
)
NODES_FACE = "nodes.py"  # node classes alone: no other room may lean on them
LIST_OF_NODES, ENTRY_POINT = "nodes/extension.py", "__init__.py"
NOT_SHIPPED = frozenset({"benchmarks", "dev", "headless", "tests", "tools"})
OWN_NAMES = frozenset({"evaluation", "hyponet"})  # imports inside the pack are relative


@dataclass(frozen=True)
class Import:
    """One import statement.

    Args:
        file: that holds it, by its path from the root.
        line: from 1.
        module: the dotted name as ComfyUI would look it up; "" for a relative import.
        target: the imported file of the tree, by its path from the root; "" when it lies outside.
        is_lazy: it stands in a function, and runs when that is called.
    """

    file: str
    line: int
    module: str
    target: str
    is_lazy: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.target or self.module}"


def shipped_files(root: Path) -> list[str]:
    """The sources that go to users, by their paths from `root`."""
    folders = [path for name in ("nodes", "evaluation") for path in (root / name).rglob("*.py")]
    files = [*root.glob("__init__.py"), *root.glob("version.py"), *folders]
    return sorted(path.relative_to(root).as_posix() for path in files)


def all_imports(root: Path) -> list[Import]:
    """Every import of the shipped files."""
    files = shipped_files(root)
    all_files = frozenset(files)
    return [
        Import(file, node.lineno, module, target, is_lazy)
        for file in files
        for node, is_lazy in _statements(ast.parse((root / file).read_text("utf-8")))
        for module, target in _modules(file, node, all_files)
    ]


def _statements(node: ast.AST, is_lazy: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        yield node, is_lazy
    is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    for child in ast.iter_child_nodes(node):
        yield from _statements(child, is_lazy or is_function)


def _modules(file: str, node: ast.Import | ast.ImportFrom, all_files: frozenset[str]) -> Iterator[tuple[str, str]]:
    """(module, target) of every name that the statement imports."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)
    elif node.level == 0:
        yield node.module or "", ""
    else:
        folders = file.split("/")[:-1]
        above = node.level - 1
        if above > len(folders):
            yield "." * node.level + (node.module or ""), ""
            return
        base = folders[: len(folders) - above] + (node.module.split(".") if node.module else [])
        for alias in node.names:
            yield "", _file([*base, alias.name], all_files) or _file(base, all_files)


def _file(parts: list[str], all_files: frozenset[str]) -> str:
    """The file of the module with these parts: a file, a package, or, of a folder that is not there, its path."""
    for path in ("/".join(parts) + ".py", "/".join([*parts, "__init__.py"])):
        if path in all_files:
            return path
    return ""


def room_of(file: str) -> str:
    """The path of the room to which `file` belongs; "" when it belongs to none."""
    paths = [room.path for room in ROOMS if file == room.path or file.startswith(room.path + "/")]
    return max(paths, key=len, default="")


# ---- the rules: each gives the statements that break it -------------------------------------------------------------


def comfyui_names(folder: Path) -> frozenset[str]:
    """The top-level modules of the ComfyUI in `folder`, read from the folder itself."""
    modules = {path.stem for path in folder.glob("*.py")}
    packages = {path.name for path in folder.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    return frozenset(modules | packages)


def comfyui_in_pure_modules(root: Path, comfyui: Iterable[str]) -> list[str]:
    """Only FACES import ComfyUI, and loading any other file loads none of it: all else runs in plain Python."""
    names = frozenset(comfyui)
    statements = [statement for statement in all_imports(root) if not is_face(statement.file) or not statement.is_lazy]
    graph = _graph((statement.file, statement.target) for statement in statements if not statement.is_lazy)
    touching = {statement.file for statement in statements if statement.module.split(".")[0] in names}
    return [
        str(statement)
        for statement in statements
        if not is_face(statement.file) and statement.file != ENTRY_POINT
        if statement.module.split(".")[0] in names
        or (is_face(statement.target) and _reachable(graph, statement.target) & touching)
    ]


def is_face(file: str) -> bool:
    """Whether `file`, by its path from the root, is one of FACES."""
    return f"/{file}".endswith(tuple(f"/{name}" for name in FACES))


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """`start` and every file that it leads to."""
    visited, stack = {start}, [start]
    while stack:
        following = graph.get(stack.pop(), set()) - visited
        visited |= following
        stack += following
    return visited


def later_rooms(root: Path) -> list[str]:
    """A room imports itself and the rooms above it in ROOMS."""
    order = [room.path for room in ROOMS]
    return [
        str(statement)
        for statement in all_imports(root)
        if statement.target and order.index(room_of(statement.target)) > order.index(room_of(statement.file))
    ]


def nodes_in_evaluation(root: Path) -> list[str]:
    """evaluation/ knows nothing of the nodes."""
    return [
        str(statement)
        for statement in all_imports(root)
        if statement.file.startswith("evaluation/")
        and (statement.target.startswith("nodes/") or statement.module.split(".")[0] == "nodes")
    ]


def faces_of_other_rooms(root: Path) -> list[str]:
    """Node classes are imported by their own room and by the list of all nodes."""
    return [
        str(statement)
        for statement in all_imports(root)
        if statement.target.split("/")[-1] == NODES_FACE
        and room_of(statement.target) != room_of(statement.file)
        and statement.file != LIST_OF_NODES
    ]


def outside_of_the_archive(root: Path) -> list[str]:
    """What users get imports nothing that they do not get, and itself by relative imports only."""
    refused = NOT_SHIPPED | OWN_NAMES
    return [
        str(statement)
        for statement in all_imports(root)
        if statement.module.lstrip(".").split(".")[0] in refused
        or statement.module.startswith(".")
        or (not statement.module and not statement.target)
    ]


def circles(root: Path) -> list[str]:
    """No file imports another that leads back to it; each circle as "a -> b -> a"."""
    return _circles(_graph((statement.file, statement.target) for statement in all_imports(root)))


def circles_of_rooms(root: Path) -> list[str]:
    """No room imports another that leads back to it."""
    statements = [statement for statement in all_imports(root) if statement.target]
    return _circles(_graph((room_of(statement.file), room_of(statement.target)) for statement in statements))


def _graph(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """The targets of every source, without those outside of the tree."""
    graph: dict[str, set[str]] = {}
    for source, target in pairs:
        if target and source != target:
            graph.setdefault(source, set()).add(target)
    return graph


def _circles(graph: Mapping[str, set[str]]) -> list[str]:
    """A circle for every arrow that closes one, found by a depth-first walk."""
    closed: list[str] = []
    finished: set[str] = set()
    path: list[str] = []

    def walk(name: str) -> None:
        path.append(name)
        for target in sorted(graph.get(name, ())):
            if target in path:
                closed.append(" -> ".join([*path[path.index(target) :], target]))
            elif target not in finished:
                walk(target)
        finished.add(path.pop())

    for name in sorted(graph):
        if name not in finished:
            walk(name)
    return closed

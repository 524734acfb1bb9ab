"""Which public functions and classes have no docstring."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("nodes", "evaluation", "headless", "tools/dev")
# methods whose meaning ComfyUI or PyTorch fixes; what is ours about a node stands in its schema
OF_THE_FRAMEWORK = frozenset({"define_schema", "fingerprint_inputs", "check_lazy_status", "execute", "forward"})


def without_docstring(root: Path) -> list[str]:
    """Every public function, method and class below FOLDERS that lacks one, as "file:line name".

    Public is a name without an underscore in front. What a function defines inside itself is its own affair.
    """
    return [
        f"{path.relative_to(root).as_posix()}:{node.lineno} {node.name}"
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*.py"))
        for node in _definitions(ast.parse(path.read_text("utf-8")))
        if not node.name.startswith("_") and node.name not in OF_THE_FRAMEWORK and not ast.get_docstring(node)
    ]


def _definitions(node: ast.AST) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _definitions(child)

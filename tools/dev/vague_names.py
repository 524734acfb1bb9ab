"""Names that say the grammar of a role ("found", "each", "other") and not the role ("matches", "record", "missing")."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("nodes", "evaluation", "headless", "tools")
LIMIT = 0.01  # of a folder's names: public codebases of the field have 0.000 to 0.005
_WORDS = """
    found known made each one wanted there given shown own other more rest place at done kept held seen told thing
    things stuff obj tmp foo
"""
VAGUE = frozenset(_WORDS.split())


def vague_names(root: Path, folder: str) -> tuple[list[str], int]:
    """The vague names of variables and parameters below `folder`, as "file:line name"; and how many names there are."""
    bindings = [
        (f"{path.relative_to(root).as_posix()}:{line} {name}", name)
        for path in sorted((root / folder).rglob("*.py"))
        for line, name in _bindings(ast.parse(path.read_text("utf-8")))
    ]
    return [text for text, name in bindings if name in VAGUE], len(bindings)


def _bindings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg

"""Wildcard files and collections: from a name in a template to its options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


class Library:
    """The wildcards of some folders, or of a mapping from names to lines."""

    def __init__(self, roots: Sequence[Path] = (), lists: Mapping[str, Sequence[str]] | None = None) -> None:
        self.roots = tuple(roots)
        self.lists = {name: tuple(lines) for name, lines in (lists or {}).items()}

    def names(self) -> list[str]:
        """Every name that a template may use, in order."""
        found = {
            path.relative_to(root).with_suffix("").as_posix() for root in self.roots for path in root.rglob("*.txt")
        }
        return sorted(found | set(self.lists))

    def lines(self, name: str) -> tuple[str, ...]:
        if name in self.lists:
            return self.lists[name]
        for root in self.roots:
            path = root / f"{name}.txt"
            if path.is_file():
                return tuple(line.strip() for line in path.read_text("utf-8").splitlines() if line.strip())
        raise ValueError(f"wildcard is __{name}__; no such wildcard")

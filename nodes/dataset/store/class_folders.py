"""The class folders of a set: where they lie, and which files are in them by name, without opening one.

Reads folders; writes nothing. A folder is found however its letters are composed: file systems and archives of Macs
take them apart (Unicode's form NFD), and what is listed or copied elsewhere has other bytes then.
"""

from __future__ import annotations

import os
from pathlib import Path

from ....evaluation.disk_errors import reading
from ....evaluation.unicode_names import composed


class ClassFolders:
    """The folders in `root`, which need not be there. It is listed once; several threads may ask at once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[str, list[str]] | None = None  # composed name -> names on the disk

    def path(self, file_name: str) -> Path:
        """The file <class folder>/<file>: where it lies, or where it would be written."""
        folder, _, name = file_name.partition("/")
        candidates = [path / name for path in self.called(folder)]
        if len(candidates) == 1:
            return candidates[0]
        return next((path for path in candidates if os.path.lexists(path)), candidates[0])

    def stems(self, folder: str) -> set[str]:
        """The names in a class folder, up to the first dot; none where there is no such folder; see `names`."""
        return {name.partition(".")[0] for name in self.names(folder)}

    def names(self, folder: str) -> set[str]:
        """The names of the files in a class folder; none where there is no such folder.

        Raises:
            ValueError: the folder is a link, which is never followed.
            OSError: it cannot be listed.
        """
        names: set[str] = set()
        for path in self.called(folder):
            if path.is_symlink():
                raise ValueError(f"{path} is a link; expected a folder in the set; copy it there")
            try:
                with reading(path):
                    names.update(os.listdir(path))
            except FileNotFoundError:
                continue
        return names

    def called(self, folder: str) -> list[Path]:
        """The folders of that name, at least one, there or not: the one spelled just so first, if it is there."""
        exact = self._root / folder
        if folder.isascii():  # which has one form only
            return [exact]
        if self._names is None:
            self._names = _by_composed_name(self._root)
        names = self._names.get(composed(folder), [])
        return [self._root / name for name in sorted(names, key=folder.__ne__)] or [exact]


def _by_composed_name(root: Path) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    try:
        with reading(root):
            on_disk = sorted(os.listdir(root))
    except FileNotFoundError:
        return {}
    for name in on_disk:
        if not name.isascii():
            names.setdefault(composed(name), []).append(name)
    return names

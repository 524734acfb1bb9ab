"""Pictures as files below a folder, and which files lie there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ...disk_errors import refuse_to_go_on
from ..decode import is_of_other_programs
from .encoded import EncodedPictures, read_picture_bytes


class FilePictures(EncodedPictures):
    """Pictures as files below a root."""

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        super().__init__(names)
        self._root = root

    def stored(self, index: int) -> bytes:
        """The file's bytes."""
        return read_picture_bytes(self._root / self._names[index], self._names[index])


def files_below(root: Path) -> tuple[list[str], list[str], list[str]]:
    """What lies below a folder, but for hidden files and folders and those that other programs keep for themselves.

    Folders that are links are not entered: they may lead anywhere.

    Returns:
        files, links to folders or to nothing, and folders, each by its path below `root`, in order.

    Raises:
        FileNotFoundError: there is no such folder.
        UnreadableFile: a folder cannot be listed; what lies in it is not known.
    """
    files: list[str] = []
    links: list[str] = []
    all_folders: list[str] = []
    for parent, folders, names in os.walk(root, onerror=refuse_to_go_on):
        folders[:] = [name for name in folders if not is_of_other_programs(name)]
        below = Path(parent).relative_to(root)
        for name in folders:
            path = below / name
            (links if (root / path).is_symlink() else all_folders).append(path.as_posix())
        for name in names:
            path = below / name
            if is_of_other_programs(name):
                continue
            if (root / path).is_file():
                files.append(path.as_posix())
            elif (root / path).is_symlink():
                links.append(path.as_posix())
    return sorted(files), sorted(links), sorted(all_folders)

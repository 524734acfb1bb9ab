"""The picture files of a set, written to a temporary name first and then renamed, so that none is ever half there.

Writes the class folders of one set.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ....evaluation.files import replacing


class PictureFiles:
    """Writes the files of the set at `root`; several threads may at once. `work` is on the same disk."""

    def __init__(self, root: Path, work: Path) -> None:
        self._root = root
        self._work = work
        self._class_folders: set[str] = set()  # known to be there

    def write(self, file_name: str, content: bytes) -> None:
        """Write `content` under `file_name`, <class folder>/<file>.

        Raises:
            ValueError: the class folder is a link.
            OSError: the disk is full or cannot be written; nothing is left behind.
        """
        self._replace(file_name, lambda part: part.write_bytes(content))

    def link(self, file_name: str, source: Path) -> None:
        """The same with the contents of `source`: linked where the disk can, else copied."""
        self._replace(file_name, lambda part: _link_or_copy(source, part))

    def delete(self, file_name: str) -> None:
        """Delete the file if it is there, and its class folder when nothing is left in it."""
        path = self._root / file_name
        path.unlink(missing_ok=True)
        self.delete_empty_folder(path.parent.name)

    def delete_empty_folder(self, class_folder: str) -> None:
        """Delete a class folder without files: torchvision's ImageFolder refuses a set that has one."""
        try:
            (self._root / class_folder).rmdir()
        except OSError:  # other files are in it, or it is gone
            return
        self._class_folders.discard(class_folder)

    def _replace(self, file_name: str, write: Callable[[Path], object]) -> None:
        folder = self._root / file_name.split("/")[0]
        if folder.name not in self._class_folders:
            if folder.is_symlink():
                raise ValueError(f"{folder} is a link; expected a folder; remove the link")
            folder.mkdir(exist_ok=True)
            self._class_folders.add(folder.name)
        # a set that was deleted meanwhile is not made anew around the pictures that are still to come
        with replacing(self._root / file_name, work=self._work, make_folder=False) as part:
            write(part)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(source, target)

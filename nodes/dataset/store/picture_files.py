"""The picture files of a set, written to a temporary name first and then renamed, so that none is ever half there.

Writes the class folders of one set.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ....evaluation.files import delete_file, replacing
from .class_folders import ClassFolders


class PictureFiles:
    """Writes the files in the class folders of a set; several threads may at once. `work` is on the same disk."""

    def __init__(self, class_folders: ClassFolders, work: Path) -> None:
        self._class_folders = class_folders
        self._work = work
        self._made: set[Path] = set()  # class folders that are known to be there

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
        path = self._class_folders.path(file_name)
        delete_file(path)
        self.delete_empty_folder(path.parent)

    def delete_empty_folder(self, class_folder: Path) -> None:
        """Delete a class folder without files: torchvision's ImageFolder refuses a set that has one."""
        try:
            class_folder.rmdir()
        except OSError:  # other files are in it, or it is gone
            return
        self._made.discard(class_folder)

    def _replace(self, file_name: str, write: Callable[[Path], object]) -> None:
        path = self._class_folders.path(file_name)
        folder = path.parent
        if folder not in self._made:
            if folder.is_symlink():
                raise ValueError(f"{folder} is a link; expected a folder; remove the link")
            folder.mkdir(exist_ok=True)
            self._made.add(folder)
        # a set that was deleted meanwhile is not made anew around the pictures that are still to come
        with replacing(path, work=self._work, make_folder=False) as part:
            write(part)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(source, target)

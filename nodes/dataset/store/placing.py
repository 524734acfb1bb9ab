"""Pictures put where they belong: to a temporary name first, then renamed, so that none is ever half there.

Writes class folders of one set.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ....evaluation.files import replacing


class Placer:
    """Puts files into the set at `root`; several threads may at once. `work` is on the same disk."""

    def __init__(self, root: Path, work: Path) -> None:
        self._root = root
        self._work = work
        self._made: set[str] = set()

    def put(self, file_name: str, data: bytes) -> None:
        """Write `data` under `file_name`, <class folder>/<file>.

        Raises:
            ValueError: the class folder is a link.
            OSError: the disk is full or cannot be written; nothing is left behind.
        """
        self._place(file_name, lambda part: part.write_bytes(data))

    def take(self, file_name: str, source: Path) -> None:
        """The same with the contents of `source`: linked where the disk can, else copied."""
        self._place(file_name, lambda part: _link_or_copy(source, part))

    def _place(self, file_name: str, write: Callable[[Path], object]) -> None:
        folder = self._root / file_name.split("/")[0]
        if folder.name not in self._made:
            if folder.is_symlink():
                raise ValueError(f"{folder} is a link; expected a folder; remove the link")
            folder.mkdir(exist_ok=True)
            self._made.add(folder.name)
        with replacing(self._root / file_name, work=self._work) as part:
            write(part)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(source, target)

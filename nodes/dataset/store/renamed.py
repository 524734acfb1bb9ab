"""A set whose folder somebody renamed: the folders beside it are still called by its former name.

Renames folders beside the set and writes their dataset.json; deletes the former folder for temporary files.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import replace
from pathlib import Path

from ....evaluation.disk_errors import reading, writing
from ....evaluation.files import delete_file, replace_file
from ....evaluation.lock import FileLock, LockIsHeld
from ....evaluation.pictures.manifest import DESCRIPTION
from ....evaluation.unicode_names import composed
from .damage import COPY_OF_DAMAGED
from .description import Description, change_owner, is_beside
from .folders import WORK, sidecar

logger = logging.getLogger("hyponet")

_CARRIED = re.compile(r"\.(sheets|rejects|[0-9]+px)")


def carry_sidecars(root: Path, description: Description) -> Description:
    """Give the folders beside the set in `root` its name, where it was renamed; its description with that name.

    Else earlier attempts, of which the best may come back, and small copies would stay behind. A set that was copied
    leaves them to the original. The name in the description is to be written last: a crash before it repeats this.

    Raises:
        ValueError: the dataset.json of such a folder is damaged.
        OSError: one cannot be read, renamed or written.
    """
    former = description.name
    if composed(former) == composed(root.name):
        return description
    if former and not os.path.lexists(root.parent / former):
        with reading(root.parent):
            beside = sorted(name for name in os.listdir(root.parent) if name.startswith(f"{former}."))
        for name in beside:
            kind = name.removeprefix(former)
            if _CARRIED.fullmatch(kind):
                _carry(root.parent / name, former, root.with_name(f"{root.name}{kind}"))
            elif kind == f".{WORK}":
                _absorb(root.parent / name, former, sidecar(root, WORK))
    return replace(description, name=root.name)


def _carry(folder: Path, former: str, target: Path) -> None:
    if folder.is_symlink() or not folder.is_dir():
        return
    if os.path.lexists(target):
        logger.warning("%s stays, as there is a %s already", folder, target.name)
    elif change_owner(folder, former, target.name.rpartition(".")[0]):
        with writing(target):
            replace_file(folder, target)
        logger.info("%s is called %s now, as its set was renamed", folder, target.name)


def _absorb(folder: Path, former: str, target: Path) -> None:
    """Delete the former folder for temporary files, which the set has anew, but for the copies of damaged files.

    These move: each is called by its content, so that one of that name there is the same.
    """
    if folder.is_symlink() or not folder.is_dir() or not is_beside(folder, former):
        return
    try:
        lock = FileLock(folder / "lock")
    except LockIsHeld as held:
        logger.warning("%s stays, as it is in use by %s", folder, held.holder)
        return
    try:
        with writing(folder / DESCRIPTION):
            for path in sorted(folder.iterdir()):
                if path.name.startswith(COPY_OF_DAMAGED):
                    replace_file(path, target / path.name)
                elif path.suffix == ".part":
                    delete_file(path)
    finally:
        lock.remove()
    if os.listdir(folder) == [DESCRIPTION]:  # else it has files of somebody else
        delete_file(folder / DESCRIPTION)
        folder.rmdir()

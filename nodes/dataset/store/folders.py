"""The folders of a set: its own, and the sidecars for temporary files, sheets, rejected pictures and small copies.

Every one of them carries a `dataset.json` of ours, and nothing is deleted or replaced in a folder without one. A
sidecar lies beside the set, since whatever lies in the set would be a class to readers of image folders.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ....evaluation.disk_errors import unwritable
from ....evaluation.files import is_there
from ....evaluation.pictures.manifest import DESCRIPTION
from .description import is_marked, mark_folder

WORK, SHEETS, REJECTS = "work", "sheets", "rejects"


def sidecar(root: Path, kind: str) -> Path:
    """The path of the set's folder for `kind`: WORK, SHEETS, REJECTS or a size such as 32px."""
    return root.with_name(f"{root.name}.{kind}")


def make_sidecar(root: Path, kind: str) -> Path:
    """The sidecar folder for `kind`, made and marked as ours if it is not there yet."""
    folder = sidecar(root, kind)
    make_own_folder(folder)
    mark_folder(folder, kind, root.name)
    return folder


def make_own_folder(folder: Path) -> None:
    """Make `folder`, or take it when it is empty or ours.

    Raises:
        ValueError: it holds files and no dataset.json of ours, or is a link.
    """
    if folder.is_symlink():
        raise ValueError(f"{folder} is a link; expected a folder; remove the link or choose another name")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    if not is_there(folder / DESCRIPTION):
        foreign = [entry.name for entry in os.scandir(folder) if not _is_leftover(entry.name)]
        if foreign:
            raise ValueError(
                f"{folder} holds files that are not ours ({', '.join(sorted(foreign)[:3])}); "
                "expected a data set of this pack or an empty folder; choose another name"
            )


def _is_leftover(name: str) -> bool:
    """Whether a crash between making the folder and marking it leaves a file of this name."""
    return name in ("lock", "lock.holder", "lock.holder.guard") or (
        name.startswith(DESCRIPTION) and name.endswith(".part")
    )


def refuse_mount_point(root: Path) -> None:
    """Raise ValueError where files cannot be moved between a set and the folders beside it.

    A set's folder may be a disk of its own, or one that a container shares with its host: renaming a file that is not
    there fails otherwise than anywhere else.
    """
    name = "no such file"
    try:
        os.replace(sidecar(root, WORK) / name, root / name)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise ValueError(
                f"{root} is another disk than {root.parent}, where the folders beside the set lie; expected both on "
                "one, so that files can be moved between them; mount the folder that holds the set instead of the set"
            ) from None


def refuse_inside_a_set(root: Path) -> None:
    """Raise ValueError if `root` would lie in another set, where readers of image folders would take it for a class."""
    for folder in root.parents:
        if is_marked(folder):
            raise ValueError(
                f"{root} lies in the folder of another set, {folder.name}; expected a folder of its own; "
                "choose another name"
            )

"""A set whose folder somebody renamed: the folders beside it are still called by its former name.

Renames folders beside the set and writes their dataset.json.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import replace
from pathlib import Path

from ....evaluation.disk_errors import reading, writing
from ....evaluation.files import replace_file
from ....evaluation.unicode_names import composed
from .description import Description, change_owner

logger = logging.getLogger("hyponet")

_CARRIED = re.compile(r"\.(sheets|rejects|[0-9]+px)")  # a folder for temporary files is made anew


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

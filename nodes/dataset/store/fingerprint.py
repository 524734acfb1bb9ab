"""What tells ComfyUI that a set has to be looked at again, cheap enough to be asked before every run.

Reads dataset.json and the sizes and times of files and folders: two microseconds a picture. Compares the class folders
with the manifest only when one of these changed.
"""

from __future__ import annotations

import os
from pathlib import Path

from ....evaluation.pictures.manifest import MANIFEST, REJECTION_LOG
from .class_folders import ClassFolders
from .description import read_description, read_revision
from .store import DatasetStore

_Times = tuple[tuple[int, int], ...]
# by the set's folder: times as they were when its folders were listed, and whether pictures were gone. A set of 300,000
# takes a second to compare with its folders, which would be a second before every run of any graph.
_looked_at: dict[Path, tuple[_Times, bool]] = {}


def set_fingerprint(root: Path) -> str:
    """Changes when the set in `root` gets, loses or marks pictures, also by hand; "none" where it cannot be read."""
    try:
        size = (root / MANIFEST).stat().st_size
        pictures = _files_newer_than(0, root)
    except (OSError, ValueError):
        return "none"
    return f"{read_revision(root)}:{size}:{lacks_pictures(root)}:{pictures}"


def overwritten_pictures(root: Path) -> int:
    """Another number for other pictures that were overwritten since the manifest was last written, 0 for none.

    A run of ours writes the line of a picture after the picture, so it leaves none. Never raises.
    """
    try:
        return _files_newer_than((root / MANIFEST).stat().st_mtime_ns, root)
    except (OSError, ValueError):
        return 0


def lacks_pictures(root: Path) -> bool:
    """Whether listed pictures of the set in `root` are gone from the disk, or nobody can say.

    Never raises: it is the run that says what is wrong.
    """
    try:
        times = _times(root)
        if root not in _looked_at or _looked_at[root][0] != times:
            _looked_at[root] = (times, bool(DatasetStore.open(root).deleted()))
        return _looked_at[root][1]
    except (OSError, ValueError):
        return True


def _files_newer_than(time: int, root: Path) -> int:
    """A sum over name, size and time of the files in the class folders that are newer than `time` in nanoseconds."""
    total = 0
    for folder in _class_folders(root):
        try:
            entries = os.scandir(folder)
        except FileNotFoundError:
            continue
        with entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if status.st_mtime_ns > time:
                    total += hash((entry.name, status.st_size, status.st_mtime_ns))
    return total


def _times(root: Path) -> _Times:
    """Size and time of the root, its files of lines, and its class folders; zeros for what is not there."""
    return tuple(map(_time, (root, root / MANIFEST, root / REJECTION_LOG, *_class_folders(root))))


def _class_folders(root: Path) -> list[Path]:
    class_folders = ClassFolders(root)
    return [path for name in read_description(root).folders.values() for path in class_folders.called(name)]


def _time(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_size, status.st_mtime_ns

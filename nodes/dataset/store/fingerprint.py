"""What tells ComfyUI that a set has to be looked at again, cheap enough to be asked before every run.

Reads dataset.json and the sizes and times of files and folders: two microseconds a picture. Compares the class folders
with the manifest only when one of these changed.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ....evaluation.pictures.manifest import MANIFEST, REJECTION_LOG
from ....evaluation.pictures.unlisted import rank_in_name
from .class_folders import ClassFolders
from .description import read_description, read_revision
from .store import DatasetStore

_Times = tuple[tuple[int, int], ...]
# by the set's folder: times as they were when its folders were listed, and whether pictures were gone. A set of 300,000
# takes a second to compare with its folders, which would be a second before every run of any graph.
_looked_at: dict[Path, tuple[_Times, bool]] = {}
_pictures: dict[str, int] = {}  # by the set's folder: the hash of its pictures when they were looked at or written last
_changes: dict[str, int] = {}  # by the set's folder: see changes_by_others


def set_fingerprint(root: Path) -> str:
    """Changes when the set in `root` gets, loses or marks pictures, also by hand; "none" where it cannot be read."""
    try:
        size = (root / MANIFEST).stat().st_size
        pictures = _hash_of_pictures(root)
    except (OSError, ValueError):
        return "none"
    return f"{read_revision(root)}:{size}:{lacks_pictures(root)}:{pictures}"


def changes_by_others(root: Path) -> int:
    """How often pictures of the set in `root` were seen to be changed by no writer of ours, since this process began.

    Never raises.
    """
    key = os.path.realpath(root)
    count = _changes.get(key, 0)
    with contextlib.suppress(OSError, ValueError):
        pictures = _hash_of_pictures(root)
        count += _pictures.setdefault(key, pictures) != pictures
        _pictures[key], _changes[key] = pictures, count
    return count


def changes_of_any_set() -> int:
    """The changes by others of all sets together that this process wrote or looked at. Never raises."""
    return sum(changes_by_others(Path(root)) for root in sorted(_pictures))


def note_own_changes(root: Path) -> None:
    """For a writer of ours that is done: the pictures as they are now are no change by others. Never raises."""
    with contextlib.suppress(OSError, ValueError):
        _pictures[os.path.realpath(root)] = _hash_of_pictures(root)


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


def _hash_of_pictures(root: Path) -> int:
    """A sum over folder, name, size and time of the files in the class folders that are called as a set's pictures.

    A program that looks at the folders leaves files of its own there, such as .DS_Store and Thumbs.db. What is added
    are hashes of strings: those of tuples are so nearly linear that every fifth swap of two files kept their sum.
    """
    total = 0
    for folder in _class_folders(root):
        try:
            entries = os.scandir(folder)
        except FileNotFoundError:
            continue
        with entries:
            for entry in entries:
                if rank_in_name(entry.name) >= 0:
                    status = entry.stat(follow_symlinks=False)
                    total += hash(f"{folder.name}/{entry.name} {status.st_size} {status.st_mtime_ns}")
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

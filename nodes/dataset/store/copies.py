"""Small copies of a set's pictures, kept in sets of their own beside it: <name>.32px and so on.

Reads pictures that are added, or the set's files; writes the sets of copies. A copy's line names the same item, with
the copy's own size and hash; such a set is one like any other, but only its original may change it.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from ....evaluation.files import is_there
from ....evaluation.pictures.decode import decode
from ....evaluation.pictures.generated_mark import has_mark
from ....evaluation.pictures.manifest import DESCRIPTION, Record
from ....evaluation.pictures.resize import resize
from . import folders
from .class_folders import ClassFolders
from .description import Copies, Description, read_description, write_description
from .encode import Encoding, encode
from .identity import differences, refuse
from .index import NO_PICTURE, Index
from .manifest import Manifest
from .picture_files import PictureFiles

logger = logging.getLogger("hyponet")

_ENCODING = Encoding("png", text=False)


class SmallCopies:
    """The copies of one set that is open for writing.

    Args:
        root: the set's folder. work: its work folder.
        description: of the set; `copies` holds sizes and filter.
    """

    def __init__(self, root: Path, work: Path, description: Description) -> None:
        self._name = root.name
        self._work = work
        self._mutex = threading.Lock()
        self._filter = description.copies.filter
        self._manifests: dict[int, Manifest] = {
            size: _open_copies(root, work, description, size) for size in description.copies.sizes
        }
        self._files = {size: PictureFiles(ClassFolders(self._folder(size)), work) for size in self._manifests}

    def describe(self, description: Description) -> None:
        """Bring the copies' descriptions up to date with `description` of the set, which got a class or a revision."""
        for size, manifest in self._manifests.items():
            root = self._folder(size)
            write_description(root, self._work, _description_of_copies(self._name, description, size))
            manifest.folders = description.folders

    def prune(self, index: Index) -> None:
        """Delete the copies of pictures that `index` has not, or has by another attempt."""
        for size, manifest in self._manifests.items():
            if manifest.index.is_part_of(index):
                continue
            stale = {
                record.key: record for record in manifest.records() if index.attempt(*record.key) != record.attempt
            }
            for record in stale.values():  # first: a file without a line would stay
                self._files[size].delete(record.file_name)
            manifest.rewrite(lambda record, stale=stale: None if record.key in stale else record)  # type: ignore[misc]

    def add(self, record: Record, image: np.ndarray, *, generated: bool) -> None:
        """Write and commit the copies of one picture, [H, W, 3] uint8, with the mark of generated ones or without."""
        for size in self._manifests:
            self._add(size, record, image, generated)

    def complete(self, records: Callable[[], Iterable[Record]], read: Callable[[Record], bytes]) -> None:
        """Make the copies that are missing, of pictures added before the size was asked for or taken from elsewhere.

        A copy has the mark of generated pictures if the picture has it. One that cannot be read gets no copy: whoever
        mends the set makes it as well.

        Args:
            read: the file of a picture.
        """
        for size, manifest in self._manifests.items():
            for record in records():
                if manifest.index.attempt(*record.key) != NO_PICTURE:
                    continue
                try:
                    content = read(record)
                    image = decode(content, record.file_name)
                except ValueError as error:  # corrupt, missing, or a link
                    logger.warning("no copy of %d pixels: %s", size, error)
                else:
                    self._add(size, record, image, has_mark(content))

    def close(self) -> None:
        """Bring the copies' manifests to the disk."""
        for manifest in self._manifests.values():
            manifest.close()

    def _folder(self, size: int) -> Path:
        return self._manifests[size].path.parent

    def _add(self, size: int, record: Record, image: np.ndarray, generated: bool) -> None:
        content = encode(resize(image, size, self._filter), _ENCODING, {}, generated=generated)
        file_name = str(PurePosixPath(record.file_name).with_suffix(".png"))
        self._files[size].write(file_name, content)
        digest = hashlib.sha256(content).hexdigest()
        copy = replace(record, file_name=file_name, width=size, height=size, sha256=digest)
        with self._mutex:
            self._manifests[size].append(copy)


def _open_copies(root: Path, work: Path, description: Description, size: int) -> Manifest:
    folder = folders.sidecar(root, f"{size}px")
    of_copies = _description_of_copies(root.name, description, size)
    folders.make_own_folder(folder)
    if is_there(folder / DESCRIPTION):
        refuse(folder.name, differences(read_description(folder).identity, of_copies.identity))
    write_description(folder, work, of_copies)
    manifest = Manifest(folder, work, {}, description.folders)
    if manifest.damage:
        manifest.mend()  # the rest is made again
    manifest.recover()
    return manifest


def _description_of_copies(name: str, description: Description, size: int) -> Description:
    """Of the copies, out of `description` of the set called `name`."""
    identity = {"copy_of": name, "size": size, "filter": description.copies.filter}
    copies = Copies((), description.copies.filter)
    return replace(
        description, name=f"{name}.{size}px", pictures=0, identity=identity, encoding=_ENCODING, copies=copies
    )

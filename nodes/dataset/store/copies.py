"""Small copies of a set's pictures, kept in sets of their own beside it: <name>.32px and so on.

Reads pictures that are added, or the set's files; writes the siblings. A copy's line names the same item, with the
copy's own size and hash; a sibling is a set like any other, but only its original may change it.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ....evaluation.pictures.decode import decode, resize
from . import folders
from .description import copies_json, encoding_json
from .encode import Encoding, encode
from .identity import differences, refuse
from .manifest import Index, Manifest
from .placing import Placer
from .record import Line

_ENCODING = Encoding("png", text=False)


class SmallCopies:
    """The copies of one set that is open for writing.

    Args:
        root: the set's folder. work: its work folder.
        description: what its dataset.json says; `copies` holds sizes and filter.
    """

    def __init__(self, root: Path, work: Path, description: dict[str, Any]) -> None:
        self._work = work
        self._mutex = threading.Lock()
        self._filter: str = description["copies"]["filter"]
        self._sets: dict[int, Manifest] = {
            size: _open(root, work, description, size) for size in description["copies"]["sizes"]
        }

        self._placers = {size: Placer(each.path.parent, work) for size, each in self._sets.items()}

    def prune(self, index: Index) -> None:
        """Delete the copies of pictures that `index` has not, or has by another try."""
        for manifest in self._sets.values():
            if manifest.index.part_of(index):
                continue
            stale = {line.key: line for line in manifest.lines() if index.get(*line.key) != line.attempt}
            manifest.rewrite(self._work, lambda line, stale=stale: None if line.key in stale else line)  # type: ignore[misc]
            for line in stale.values():
                (manifest.path.parent / line.file_name).unlink(missing_ok=True)

    def add(self, line: Line, image: np.ndarray) -> None:
        """Write and commit the copies of one picture, [H, W, 3] uint8."""
        for size in self._sets:
            self._add(size, line, image)

    def complete(self, lines: Callable[[], Iterable[Line]], root: Path) -> None:
        """Make the copies that are missing, of pictures added before the size was asked for or taken from elsewhere."""
        for size, manifest in self._sets.items():
            for line in lines():
                if manifest.index.get(*line.key) < 0:
                    self._add(size, line, decode(root / line.file_name, line.file_name))

    def close(self) -> None:
        for manifest in self._sets.values():
            manifest.close()

    def _add(self, size: int, line: Line, image: np.ndarray) -> None:
        data = encode(resize(image, size, self._filter), _ENCODING, {})
        name = str(PurePosixPath(line.file_name).with_suffix(".png"))
        manifest = self._sets[size]
        self._placers[size].put(name, data)
        copy = replace(line, file_name=name, width=size, height=size, sha256=hashlib.sha256(data).hexdigest())
        with self._mutex:
            manifest.append(copy)


def _open(root: Path, work: Path, description: dict[str, Any], size: int) -> Manifest:
    folder = folders.sibling(root, f"{size}px")
    identity = {"copy_of": root.name, "size": size, "filter": description["copies"]["filter"]}
    folders.claim(folder)
    if (folder / folders.DESCRIPTION).exists():
        refuse(folder.name, differences(folders.read_description(folder)["identity"], identity))
    own = {
        "name": folder.name,
        "copy_of": root.name,
        "identity": identity,
        "copies": {**description["copies"], "sizes": []},
    }
    none = copies_json((), description["copies"]["filter"])
    folders.write_json(folder, work, {**description, **own, "encoding": encoding_json(_ENCODING), "copies": none})
    manifest = Manifest(folder / "metadata.jsonl", lambda label, rank: -1)
    manifest.recover(work)
    return manifest

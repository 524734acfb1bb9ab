"""Lines of a manifest whose pictures lie where they belong: in the folder of their class, called by their rank.

Reads and writes no files.
"""

from __future__ import annotations

from collections.abc import Mapping

from .manifest import SUFFIXES, Head, is_blank, misplaced, parse
from .manifest_heads import heads

_SUFFIXES = tuple(suffix.encode() for suffix in SUFFIXES)


def placed_heads(block: bytes, starts: Starts) -> tuple[list[Head], dict[int, ValueError]]:
    """The heads of the lines of `block`, which ends with a line break, and what is wrong with the others; see `heads`.

    Returns:
        The heads in the order of the lines, and number of the line in the block (from 0) -> what is wrong with it.
    """
    usable, damage = heads(block)
    if all(
        file_name.startswith(starts[label])
        and file_name.startswith(b"%06d." % rank, len(starts[label]))
        and file_name.endswith(_SUFFIXES)
        for label, rank, _, _, file_name, _ in usable
    ):
        return usable, damage
    placed: list[Head] = []
    for offset, line in enumerate(block.split(b"\n")):
        if is_blank(line) or offset in damage:
            continue
        record = parse(line)
        if problem := misplaced(record, starts.folders):
            damage[offset] = ValueError(problem)
        else:
            placed.append(record.head())
    return placed, damage


class Starts(dict[str, bytes]):
    """label -> class folder and slash, as a file_name begins; for an unknown label what no name begins with.

    Args:
        folders: label -> class folder, as dataset.json has them.
    """

    def __init__(self, folders: Mapping[str, str]) -> None:
        super().__init__()
        self.folders = folders

    def __missing__(self, label: str) -> bytes:
        folder = self.folders.get(label)
        self[label] = b"\n" if folder is None else folder.encode("utf-8", "surrogatepass") + b"/"
        return self[label]

"""Damaged lines of a set's files: how a writer refuses them, the copy that is kept, and what can still be read.

Reads the two files of lines of a set; writes copies into its work folder.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ....evaluation.files import file_sha256, is_there, replacing
from ....evaluation.pictures.manifest import columns_of, is_blank

T = TypeVar("T")

COPY_OF_DAMAGED = "damaged-"  # how the names of copies begin
_SHOWN = 5  # damaged lines that a message lists
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class DamagedLine(NamedTuple):
    """A line that no reader can use: the file, its number from 1, and what is wrong with it ("is no JSON ...")."""

    file: str
    number: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.number} {self.reason}"


def damage_text(damage: Sequence[DamagedLine]) -> str:
    """What a node that only shows a set says of lines that it left out; "" where there are none."""
    if not damage:
        return ""
    return (
        f"{len(damage)} damaged lines are left out ({'; '.join(map(str, damage[:_SHOWN]))}); put the file right, or "
        "run Verify Dataset with mend_lines on."
    )


def refusal(name: str, damage: Sequence[DamagedLine], copies: Sequence[Path] = ()) -> ValueError:
    """The error of what must not go on with `damage` in the set `name`; `copies` of the files were kept."""
    listed = "; ".join(map(str, damage[:_SHOWN]))
    tail = f"; and {len(damage) - _SHOWN} more" if len(damage) > _SHOWN else ""
    copied = f", a copy lies at {', '.join(map(str, copies))}" if copies else ""
    return ValueError(
        f"data set {name!r} has damaged lines ({listed}{tail}); expected lines as HypoNet wrote them; nothing was "
        f"changed{copied}; put the file right, or run Verify Dataset with mend_lines on, which keeps what can be read "
        "and makes the rest count as missing"
    )


def keep_copy(path: Path, work: Path) -> Path:
    """Copy a damaged file into the work folder, once for each content; where it lies.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    copy = work / f"{COPY_OF_DAMAGED}{path.stem}-{file_sha256(path)[:12]}{path.suffix}"
    if not is_there(copy):
        with replacing(copy, durable=True, make_folder=False) as part:
            shutil.copyfile(path, part)
    return copy


def salvage(lines: Iterable[bytes], read: Callable[[Any], T]) -> Iterator[T]:
    """What `read` takes of the objects in `lines`, in their order: those of whole lines, and those in what is left.

    An object may stand in an array, over several lines, between old Mac line ends, or in UTF-16.

    Args:
        read: takes an object of JSON; raises ValueError for one that is not wanted.
    """
    unusable: list[bytes] = []
    for line in lines:
        try:
            value = read(columns_of(line))
        except ValueError:
            if not is_blank(line):
                unusable.append(line)
            continue
        yield from _objects(b"".join(unusable), read)
        unusable.clear()
        yield value
    yield from _objects(b"".join(unusable), read)


def _objects(content: bytes, read: Callable[[Any], T]) -> Iterator[T]:
    is_utf16 = content.startswith(_UTF16_MARKS)
    text = content.decode("utf-16", "replace") if is_utf16 else content.decode("utf-8", "surrogateescape")
    decoder = json.JSONDecoder()
    position = 0
    while (position := text.find("{", position)) >= 0:
        try:
            columns, end = decoder.raw_decode(text, position)
            text[position:end].encode("utf-8")  # what is no UTF-8 stands there as half pairs
            value = read(columns)
        except (ValueError, RecursionError):
            position += 1  # an object inside may be one
            continue
        yield value
        position = end

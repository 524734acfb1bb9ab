"""From the bytes of a wildcard file to its options, one a line, also for files of millions of lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
import numpy.typing as npt

from ..language import syntax
from ..language.errors import SourceLocation, TemplateError
from . import encodings

MIN_PACKED = 1 << 18  # bytes from which lines stay packed: a str object takes some 60 bytes beside its characters
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # byte order marks
_BLANK = " \t\v\f"
_HASH, _NEWLINE = b"#"[0], b"\n"[0]
_MARKS = tuple(mark.encode() for mark in syntax.MARKS)


class PackedLines(Sequence[str]):
    """Lines that stay bytes until they are asked for: the file once, and two offsets a line.

    Args:
        data: the file.
        starts, ends: (lines,) the offsets of each line's first byte and after its last.
        plain: no line has anything of the template language.
    """

    def __init__(self, data: bytes, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], plain: bool) -> None:
        self.data = data
        self.starts = starts
        self.ends = ends
        self.plain = plain

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self.data[self.starts[index] : self.ends[index]].decode()

    def __iter__(self) -> Iterator[str]:
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            yield self.data[start:end].decode()

    def select(self, indices: npt.NDArray[np.int64]) -> PackedLines:
        """The lines of those indices."""
        return PackedLines(self.data, self.starts[indices], self.ends[indices], self.plain)


def read_lines(data: bytes) -> Sequence[str]:
    """The options of a text file: lines without blank ones, comment lines, and the spaces around them; order kept.

    Args:
        data: the file's bytes as `readable` gives them.
    """
    if len(data) > MIN_PACKED:
        return _packed(data)
    lines = (line.strip(_BLANK) for line in data.decode().split("\n"))
    return tuple(line for line in lines if line and not line.startswith("#"))


def readable(data: bytes, source: str) -> tuple[bytes, tuple[TemplateError, ...]]:
    """A file as UTF-8 without byte order mark, line ends as newlines.

    A file that is no UTF-8 is read as CP949 or Windows-1252 where it is plainly that; else its lines that are no text
    are made empty.

    Args:
        data: the file's bytes.
        source: how errors name the file.

    Returns:
        The bytes; and in which encoding they were read, or why each of those lines is left out.

    Raises:
        TemplateError: the file is UTF-16.
    """
    if data.startswith(_UTF_16):
        raise TemplateError("UTF-16 text", "expected UTF-8; save the file as UTF-8", SourceLocation(source, ""))
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\0" not in data and _is_utf8(data):
        return data, ()
    name = encodings.older(data)
    if name:
        data, note = data.decode(name).encode(), _read_as(name, data, source)
        return data, (note,)
    lines = data.split(b"\n")
    left_out = []
    for row, line in enumerate(lines):
        error = _fault(line, row + 1, source)
        if error:
            left_out.append(error)
            lines[row] = b""
    return b"\n".join(lines), tuple(left_out)


def line_numbers(data: bytes) -> tuple[int, ...]:
    """The line of each option of a text file, from 1.

    Args:
        data: the file's bytes as `readable` gives them.
    """
    stripped = (line.strip(_BLANK.encode()) for line in data.split(b"\n"))
    return tuple(number for number, line in enumerate(stripped, start=1) if line and not line.startswith(b"#"))


def _packed(data: bytes) -> PackedLines:
    """As read_lines does it, without a Python object for each line."""
    view = np.frombuffer(data, np.uint8)  # (bytes,)
    breaks = np.flatnonzero(view == _NEWLINE)  # (lines - 1,)
    starts = np.concatenate([[0], breaks + 1])  # (lines,)
    ends = np.concatenate([breaks, [len(data)]])  # (lines,)
    filled = ends > starts
    if not filled.all():
        starts, ends = starts[filled], ends[filled]
    blank = np.isin(view[starts], list(_BLANK.encode())) | np.isin(view[ends - 1], list(_BLANK.encode()))
    for row in np.flatnonzero(blank).tolist():
        line = data[starts[row] : ends[row]]
        starts[row] += len(line) - len(line.lstrip(_BLANK.encode()))
        ends[row] = starts[row] + len(line.strip(_BLANK.encode()))
    marks = [mark for mark in _MARKS if mark in data]
    if blank.any() or b"#" in marks:
        # a line that was blank now starts where it ends, which may be the end of the data
        options = (ends > starts) & (view[np.minimum(starts, len(data) - 1)] != _HASH)
        starts, ends = starts[options], ends[options]
    return PackedLines(data, starts, ends, plain=not marks)


def _is_utf8(data: bytes) -> bool:
    try:
        return data.isascii() or bool(data.decode())
    except UnicodeDecodeError:
        return False


def _read_as(name: str, data: bytes, source: str) -> TemplateError:
    """What is said of a file that is in an older encoding, at its first line that shows it."""
    lines = data.split(b"\n")
    row = next(row for row, line in enumerate(lines) if not line.isascii())
    location = SourceLocation(source, lines[row].decode(name), row + 1)
    return TemplateError(
        f"text that is not UTF-8, read as {encodings.NAMES[name]},", "save the file as UTF-8", location
    )


def _fault(line: bytes, number: int, source: str) -> TemplateError | None:
    """Why a line is no UTF-8 text; None where it is."""
    location = SourceLocation(source, line.decode("utf-8", "replace").replace("\0", " "), number)
    if b"\0" in line:
        before = line[: line.find(b"\0")].decode("utf-8", "replace")
        return TemplateError("a zero byte", "expected a text file in UTF-8", location, len(before))
    try:
        line.decode()
    except UnicodeDecodeError as error:
        what = f"byte 0x{line[error.start]:02x}, which is not UTF-8,"
        return TemplateError(what, "save the file as UTF-8", location, len(line[: error.start].decode()))
    return None

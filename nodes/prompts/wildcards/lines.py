"""From the bytes of a wildcard file to its options, one a line, also for files of millions of lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
import numpy.typing as npt

from ..language import syntax
from ..language.errors import SourceLocation, TemplateError

MIN_PACKED = 1 << 18  # bytes from which lines stay packed: a str object takes some 60 bytes beside its characters
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # byte order marks
_BLANK = " \t\v\f"
_HASH, _NEWLINE = b"#"[0], b"\n"[0]
_MARKS = (*(mark.encode() for mark in syntax.MARKS), b"::")  # of the language, and of a weight before a line


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


def read_lines(data: bytes, source: str) -> Sequence[str]:
    """The options of a text file: lines without blank ones, comment lines, and the spaces around them; order kept.

    Args:
        data: the file's bytes: UTF-8 with or without a byte order mark; any line ends.
        source: how errors name the file.

    Raises:
        TemplateError: the file is not UTF-8 (the message names the line) or is no text.
    """
    data = checked(data, source)
    if len(data) > MIN_PACKED:
        return _packed(data)
    lines = (line.strip(_BLANK) for line in data.decode().split("\n"))
    return tuple(line for line in lines if line and not line.startswith("#"))


def checked(data: bytes, source: str) -> bytes:
    """`data` without byte order mark, line ends as newlines, known to be UTF-8 text."""
    if data.startswith(_UTF_16):
        how = "expected UTF-8; save the file as UTF-8"
        raise TemplateError("UTF-16 text", how, SourceLocation(source, ""))
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    zero = data.find(b"\0")
    if zero >= 0:
        raise _bad(data, zero, source, "a zero byte", "expected a text file in UTF-8")
    try:
        data.isascii() or data.decode()
    except UnicodeDecodeError as error:
        what = f"byte 0x{data[error.start]:02x}, which is not UTF-8,"
        raise _bad(data, error.start, source, what, "save the file as UTF-8") from None
    return data


def line_number(data: bytes, index: int) -> int:
    """The line of the file, from 1, on which option `index` stands."""
    count = -1
    for number, line in enumerate(data.split(b"\n"), start=1):
        stripped = line.strip(_BLANK.encode())
        count += bool(stripped) and not stripped.startswith(b"#")
        if count == index:
            return number
    return 1


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


def _bad(data: bytes, offset: int, source: str, what: str, how: str) -> TemplateError:
    """The error for the byte at `offset`."""
    start = data.rfind(b"\n", 0, offset) + 1
    end = data.find(b"\n", offset)
    line = data[start : end if end >= 0 else len(data)].decode("utf-8", "replace").replace("\0", " ")
    column = len(data[start:offset].decode("utf-8", "replace"))
    return TemplateError(what, how, SourceLocation(source, line, data.count(b"\n", 0, offset) + 1), column)

"""The characters of a template: text, escapes, comments and blanks, the bounds of a choice, where a wrap ends.

What each means stands in parser.py.
"""

from __future__ import annotations

import re

from . import lookalikes
from .errors import PartLocation, SourceLocation, TemplateError
from .syntax import ESCAPABLE, SAMPLER_SIGNS

_MAX_INDENT = 200  # blanks before the # of a comment line; looking back without end would take the square of the length
ARGUMENT_ENDS = ",)"  # of a wildcard
_RUN = re.compile(r"(?:[^{}|$_#\\]|(?<=\S)#)+")
_RUN_IN_ARGUMENT = re.compile(r"(?:[^{}|$_#\\,)]|(?<=\S)#)+")
_BLANKS = re.compile(r"\s*")
_BOUNDS = re.compile(r"(\d{1,6})?(-)?(\d{1,6})?\$\$")
_SEPARATOR = re.compile(r"([^${}]{0,100})\$\$")
_COUNT_IN = re.compile(r"\d+#")
_WRAP_MARKS = re.compile(r"\\.|\$\$|\$\{|[{}]", re.S)
_NUMBERED = re.compile(r"\{\s*[~@!]?\s*[\d -]*\$\$")


class TextReader:
    """Reads one text from its beginning; `offset` is the next character."""

    def __init__(self, location: SourceLocation) -> None:
        self.location = location
        self.text = location.text
        self.offset = 0
        self.bar = -1  # the offset of the last | that is text

    def error(self, what: str, how: str, offset: int) -> TemplateError:
        """The error of this text at `offset`."""
        return TemplateError(what, how, self.location, min(offset, len(self.text)))

    def refuse(self, error: TemplateError | None) -> None:
        """Raises the error where there is one."""
        if error:
            raise error

    def literal(self, stop: str) -> str | None:
        """A piece of text as the prompt will have it, "" for a comment; None where another node begins."""
        run = (_RUN_IN_ARGUMENT if "," in stop else _RUN).match(self.text, self.offset)
        if run:
            self.refuse(lookalikes.weight(self.location, self.offset, run[0]))
            self.offset = run.end()
            return run[0]
        if self.text.startswith(("{", "${", "__"), self.offset):
            return None
        char, after = self.text[self.offset], self.text[self.offset + 1 : self.offset + 2]
        if char == "#" and self.is_comment():
            self.skip_comment()
            return ""
        if char == "\\" and after and (after in ESCAPABLE or (after in stop and after in ARGUMENT_ENDS)):
            self.offset += 2
            return after
        if char == "|":
            self.bar = self.offset
        elif char == "}":
            self.refuse(lookalikes.closing(self.location, self.offset, self.bar))
            self.bar = -1
        self.refuse(lookalikes.dollars(self.location, self.offset))
        self.offset += 1
        return char

    def is_comment(self) -> bool:
        """Whether the # at the offset begins a line or stands between blanks."""
        line = self.text[max(0, self.offset - _MAX_INDENT) : self.offset].rstrip(" \t\r\f\v")
        if line.endswith("\n") or (not line and self.offset < _MAX_INDENT):
            return True
        before, after = self.text[self.offset - 1 : self.offset], self.text[self.offset + 1 : self.offset + 2]
        return before.isspace() and (not after or after.isspace())

    def skip_comment(self) -> None:
        """Moves to the end of the line, before the line break."""
        end = self.text.find("\n", self.offset)
        self.offset = len(self.text) if end < 0 else end

    def skip_blanks(self) -> None:
        """Moves past blanks and line breaks."""
        blanks = _BLANKS.match(self.text, self.offset)
        self.offset = blanks.end() if blanks else self.offset

    def skip_sampler(self) -> None:
        """Moves past the sampler that dynamicprompts allows; it changes nothing here."""
        if self.text.startswith(SAMPLER_SIGNS, self.offset):
            self.offset += 1

    def wrapper_end(self) -> int:
        """The offset of the two dollars of the wrap whose { is at the offset; -1 where it is a choice."""
        if self.text[self.offset] != "{" or _NUMBERED.match(self.text, self.offset):
            return -1
        depth = 0
        for mark in _WRAP_MARKS.finditer(self.text, self.offset + 1):
            if mark[0] == "$$" and not depth:
                return mark.start()
            depth += {"{": 1, "${": 1, "}": -1}.get(mark[0], 0)
            if depth < 0:
                return -1
        return -1

    def bounds(self) -> tuple[int, int | None, str]:
        """How many options a choice takes at least and at most (None: all), and what stands between them."""
        bounds = _BOUNDS.match(self.text, self.offset)
        if not bounds or not (bounds[1] or bounds[3]):
            return 1, 1, ","
        low = int(bounds[1]) if bounds[1] else 1
        high = int(bounds[3]) if bounds[3] else (None if bounds[2] else low)
        if high is not None and high < low:
            low, high = high, low
        self.offset = bounds.end()
        separator = _SEPARATOR.match(self.text, self.offset)
        if not separator:
            return low, high, ","
        start, self.offset = self.offset, separator.end()
        return low, high, self.separator(separator[1], start)

    def separator(self, text: str, start: int) -> str:
        """What stands between the options of a choice, its escapes read; `start` is its offset."""
        reader = TextReader(PartLocation(self.location.source, text, whole=self.location, start=start))
        count = _COUNT_IN.search(text)
        words = []
        while reader.offset < len(text):
            is_comment = text[reader.offset] == "#" and reader.is_comment()
            word = None if is_comment or count else reader.literal("")
            if word is None:
                how = "expected text; write a backslash before the character itself"
                offset = start + (count.start() if count else reader.offset)
                raise self.error("a wildcard, a count or a comment in a separator", how, offset)
            words.append(word)
        return "".join(words)

"""The one error that a template or a wildcard file raises, with line, column and the text of the mistake."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

_MAX_EXCERPT = 100  # characters of a line that an error quotes; a judgement


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """Where a text stands.

    Args:
        source: its file, or "template".
        text: the text itself.
        line: of the file that it begins on.
        folder: of wildcards, where the names in it are looked for first.
    """

    source: str
    text: str
    line: int = 1
    folder: str = ""

    def position(self, offset: int) -> tuple[int, int, str]:
        """Line and column of a character of the text, both from 1, and the text of that line."""
        before = self.text[:offset]
        start = before.rfind("\n") + 1
        end = self.text.find("\n", offset)
        return self.line + before.count("\n"), offset - start + 1, self.text[start : len(self.text) if end < 0 else end]


@dataclass(frozen=True)
class PartLocation(SourceLocation):
    """Where a part of a text stands that is read by itself.

    Args:
        whole: the text that it is of.
        start: its offset there.
    """

    whole: SourceLocation = SourceLocation("", "")
    start: int = 0

    def position(self, offset: int) -> tuple[int, int, str]:
        """As of the whole text."""
        return self.whole.position(self.start + offset)


class TemplateError(ValueError):
    """A template or a wildcard file cannot be used; the message shows file, line, column and a caret under the mistake.

    Args:
        what: is wrong.
        how: what was expected, or how to mend it.
        location: the text that holds the mistake.
        offset: of the mistake in that text.
        trail: the wildcards that led there, outermost first.
    """

    def __init__(
        self, what: str, how: str, location: SourceLocation, offset: int = 0, trail: Iterable[str] = ()
    ) -> None:
        self.source = location.source
        self.line, self.column, text = location.position(offset)
        start = max(0, self.column - 1 - _MAX_EXCERPT // 2)
        excerpt = text[start : start + _MAX_EXCERPT].replace("\t", " ")
        steps = " -> ".join(trail)
        super().__init__(
            f"{what} in {location.source}, line {self.line}, column {self.column}; {how}"
            + (f" (reached by {steps})" if steps else "")
            + f"\n  {excerpt}\n  {' ' * (self.column - 1 - start)}^"
        )


def nearest(name: str, names: Iterable[str]) -> str:
    """How an error names the one of `names` that is most like `name`, "" when none is."""
    close = difflib.get_close_matches(name[:200], list(names), n=1, cutoff=0.5)
    return f"; the nearest is {close[0]}" if close else ""

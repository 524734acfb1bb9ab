"""The one error that a template or a wildcard file raises, with the place of the mistake."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

_SHOWN = 100  # characters of a line


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text stands: its file or "template", its first line there, and the text itself."""

    source: str
    text: str
    line: int = 1

    def at(self, offset: int) -> tuple[int, int, str]:
        """Line and column, both from 1, and the text of that line."""
        before = self.text[:offset]
        start = before.rfind("\n") + 1
        end = self.text.find("\n", offset)
        return self.line + before.count("\n"), offset - start + 1, self.text[start : len(self.text) if end < 0 else end]


class TemplateError(ValueError):
    """A template or a wildcard file cannot be used; the message shows file, line, column and the place.

    Args:
        what: what was found.
        how: what was expected, or how to mend it.
        place: the text that holds the mistake.
        offset: of the mistake in that text.
        trail: how it was reached, outermost first.
    """

    def __init__(self, what: str, how: str, place: Place, offset: int = 0, trail: Iterable[str] = ()) -> None:
        self.source = place.source
        self.line, self.column, text = place.at(offset)
        start = max(0, self.column - 1 - _SHOWN // 2)
        shown = text[start : start + _SHOWN].replace("\t", " ")
        way = " -> ".join(trail)
        super().__init__(
            f"{what} in {place.source}, line {self.line}, column {self.column}; {how}"
            + (f" (reached by {way})" if way else "")
            + f"\n  {shown}\n  {' ' * (self.column - 1 - start)}^"
        )


def nearest(name: str, names: Iterable[str]) -> str:
    """How an error names the known name that is most like `name`, "" when none is."""
    close = difflib.get_close_matches(name[:200], list(names), n=1, cutoff=0.5)
    return f"; the nearest is {close[0]}" if close else ""

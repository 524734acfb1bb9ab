"""What looks like the language where it is not read: a mistake with its place, so that none of it reaches a model.

Each function looks at one place of a text and returns the error, None where the place is as it should be.
"""

from __future__ import annotations

import re

from .errors import SourceLocation, TemplateError

_COUNT_BEFORE = re.compile(r"\d+(?:\s*-\s*\d*)?#\Z")
_VALUES_AFTER = re.compile(r"\(\s*[^\W\d][\w-]*\s*=")
_WEIGHT_LIKE = re.compile(r"(?P<number>(?<![\w.,])[-+]?[.,]?\d[\d.,]*\s*%?\s*)::")
_BOUNDS_LIKE = re.compile(r"\{[\s~@!]*\d+[\s~@!-]*\d*[\s~@!]*\Z")
_MAX_BEFORE = 20  # characters looked back at for a number


def weight(location: SourceLocation, offset: int, run: str) -> TemplateError | None:
    """A weight, or its colons, in the text `run` at `offset`: they are read at the beginning of an option alone."""
    if "::" not in run:
        return None
    like = _WEIGHT_LIKE.search(run)
    number = like["number"].strip() if like else ""
    what = f"a weight {number}" if like else "a :: that is no weight"
    how = "expected it before an option, with a point in a fraction, as in {2::a|0.5::b}; or write \\::"
    if number.startswith("-"):
        how = "expected a weight of 0 or more, as in {2::a|0::b}; or write \\::"
    return TemplateError(what, how, location, offset + (like.start() if like else run.index("::")))


def count(location: SourceLocation, offset: int) -> TemplateError | None:
    """A count before the wildcard or the brace at `offset`, which is none that an option begins with."""
    before = _COUNT_BEFORE.search(location.text[max(0, offset - _MAX_BEFORE) : offset])
    if not before:
        return None
    how = "expected it alone in an option, as in {2$$, $$3#__color__}; or write \\# for the character"
    return TemplateError(f"a count {before[0]} outside a choice", how, location, offset - len(before[0]))


def values(location: SourceLocation, offset: int) -> TemplateError | None:
    """Values for a wildcard behind its last underscores."""
    if not _VALUES_AFTER.match(location.text, offset):
        return None
    how = "expected them before the last underscores, as in __name(x=red)__; write \\( for the character"
    return TemplateError("values after a wildcard", how, location, offset)


def dollars(location: SourceLocation, offset: int) -> TemplateError | None:
    """Two dollars that are no part of a choice's beginning."""
    if not location.text.startswith("$$", offset):
        return None
    how = "expected it after the number of a choice, as in {2$$a|b} or {1-2$$a|b}; or write \\$\\$"
    if _BOUNDS_LIKE.search(location.text[max(0, offset - _MAX_BEFORE) : offset]):
        how = "expected the numbers of a choice without blanks or signs, as in {1-2$$a|b}; or write \\$\\$"
    return TemplateError("$$ that is no part of a choice", how, location, offset)


def wrap(location: SourceLocation, offset: int, *, is_bounded: bool) -> TemplateError | None:
    """A % before the choice at `offset`, whose beginning is a number and two dollars: it wraps nothing."""
    before = location.text[max(0, offset - 2) : offset]
    if not is_bounded or not before.endswith("%") or before[:1].isdecimal():
        return None
    how = "expected words to wrap with, as in %{a photo of ...$$a cat}, or a blank before the choice"
    return TemplateError("a % before a choice", how, location, offset - 1)


def closing(location: SourceLocation, offset: int, bar: int) -> TemplateError | None:
    """A } that closes nothing at `offset`, behind a | at `bar` of the same line, which is text as well."""
    if bar < 0 or "\n" in location.text[bar:offset]:
        return None
    how = "expected a { before the |; write \\} for the character itself"
    return TemplateError("a } that closes nothing", how, location, offset)

"""Rules between the slots of a template, one a line: what may not stand together, and lists that go in step.

    truck: not Ocean, Reef
    view=Underwater View: only location=Reef
    not red
    maker with model

A rule begins with what it holds for (options, or names of classes; any of several), or holds always.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import SourceLocation, TemplateError
from .names import bare_name

_RULE = re.compile(r"(?:(?P<condition>.*?):\s*|\s*)(?P<kind>not|only)\s+(?P<targets>\S.*)", re.I)
_LINK = re.compile(r"\s*(?P<first>\S.*?)\s+with\s+(?P<second>\S.*?)\s*", re.I)
_HOW = "expected a rule such as truck: not Ocean, Reef or maker with model"


@dataclass(frozen=True, slots=True)
class Named:
    """An option, or a class, that a rule names; `slot` "" where it is not said in which one it stands."""

    slot: str
    option: str
    offset: int


@dataclass(frozen=True, slots=True)
class Rule:
    """`condition: not targets`, or `only`; no condition: it holds always.

    Args:
        text: the line.
        location: the text of all rules, for errors.
    """

    text: str
    location: SourceLocation
    condition: tuple[Named, ...]
    is_only: bool
    targets: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """`first with second`: two slots take the same line of their lists."""

    text: str
    location: SourceLocation
    slots: tuple[Named, Named]


def parse_rules(text: str, source: str) -> list[Rule | Link]:
    """The rules of a text, one a line; `#` begins a comment line.

    Raises:
        TemplateError: a line is no rule.
    """
    location = SourceLocation(source, text)
    rules: list[Rule | Link] = []
    offset = 0
    for line in text.split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            rules.append(_rule(line, location, offset))
        offset += len(line) + 1
    return rules


def _rule(line: str, location: SourceLocation, offset: int) -> Rule | Link:
    rule = _RULE.fullmatch(line)
    if rule:
        condition = tuple(_named(rule, "condition", location, offset)) if rule["condition"] is not None else ()
        targets = tuple(_named(rule, "targets", location, offset))
        return Rule(line.strip(), location, condition, rule["kind"].lower() == "only", targets)
    link = _LINK.fullmatch(line)
    if link:
        first, second = (Named(bare_name(link[part]), "", offset + link.start(part)) for part in ("first", "second"))
        return Link(line.strip(), location, (first, second))
    raise TemplateError(f"a rule {line.strip()[:80]!r}", _HOW, location, offset)


def _named(rule: re.Match[str], part: str, location: SourceLocation, offset: int) -> Iterator[Named]:
    """The options between the commas; a slot's name holds for those after it too."""
    slot = ""
    for item in re.finditer(r'\s*((?:"[^"]*"|\([^()]*\)|[^,])*)(?:,|$)', rule[part]):
        text, at = item[1].strip(), offset + rule.start(part) + item.start(1)
        if not text:
            if item.start() == len(rule[part]):
                return
            raise TemplateError("an option without a name", _HOW, location, at)
        name, sign, option = text.partition("=")
        if sign and not text.startswith('"'):
            slot, text = bare_name(name), option.strip()
        yield Named(slot, text.strip('"'), at)

"""How many options a list has, as the page shows it: counted in one pass, nothing looked up and nothing parsed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from ..language import syntax
from ..language.errors import TemplateError
from .lines import read_lines, readable

MAX_COUNTED = 1 << 24  # bytes of one text file; a judgement: the list of nodes waits for the count


class Size(NamedTuple):
    """Of a list.

    Args:
        plain: different options of a weight above 0 without anything of the template language.
        templates: other lines; what they give, and whether they can be used, is not known.
    """

    plain: int
    templates: int


def size_of(lines: Iterable[str]) -> Size:
    """The size of a list with those lines, weights and all."""
    plain: set[str] = set()
    templates = 0
    for line in lines:
        if syntax.is_plain(line):
            plain.add(line)
            continue
        weight = syntax.WEIGHT.match(line)
        text = line[weight.end() :].lstrip() if weight else line
        if weight and not float(weight[1]):
            continue
        if text and syntax.is_plain(text):
            plain.add(text)
        else:
            templates += 1
    plain.discard("")
    return Size(len(plain), templates)


def size_of_file(path: Path) -> Size | None:
    """The size of the list in a text file; None where it cannot be read."""
    try:
        data, _ = readable(path.read_bytes(), path.name)
    except (OSError, TemplateError):
        return None
    return size_of(read_lines(data))

"""Shared by the tests of this room: a template made ready over lists given outright, and its whole set of prompts."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from hyponet.nodes.prompts.drawing.compile import Compiler
from hyponet.nodes.prompts.drawing.program import Program
from hyponet.nodes.prompts.drawing.resolve import EMPTY, RESERVED, Resolver, Words
from hyponet.nodes.prompts.language.errors import SourceLocation
from hyponet.nodes.prompts.language.parser import parse
from hyponet.nodes.prompts.wildcards.library import Library
from hyponet.nodes.prompts.wildcards.usable import UsableLists

THESIS = (("view", 5), ("color", 45), ("location", 45))
CLASSES = (("automobile", 37, True), ("cat", 40, False), ("horse", 38, False), ("ship", 22, True), ("truck", 23, True))


def library(lists: Mapping[str, Sequence[str]]) -> Library:
    return Library(lists={name: (f"{name}.txt", lines) for name, lines in lists.items()})


class Made:
    """A template over `lists`, checked and counted as a plan does it."""

    def __init__(self, template, lists=None, coverage="combinatorial", key="test", words=None):
        found = lists if isinstance(lists, Library) else library(lists or {})
        lists = UsableLists(found, RESERVED if words else ())
        resolver = Resolver(lists, words, coverage != "random")
        self.left_out = lambda: [error for each in resolver.used.values() for error in each.left_out]
        location = SourceLocation("template", template)
        self.tree = parse(template, lines_of=lists.names_at(location))
        self.bounds = resolver.check(self.tree, location)
        self.count = resolver.count(self.tree, EMPTY, location) if self.tree else 0
        self.program = Program(Compiler(resolver).template(self.tree, location), coverage, key)

    def prompt(self, number):
        return self.program.render(number)[0]

    def picks(self, number):
        return self.program.render(number)[1]

    def all(self):
        return [self.prompt(number) for number in range(self.count)]


def thesis_template(with_color: bool) -> str:
    color = "__color__ " if with_color else ""
    return f"__view__ of a {color}(__hyponym__:1.4) in __location__, best quality"


@functools.cache
def thesis_lists() -> dict[str, tuple[str, ...]]:
    """Lists of the thesis's lengths (Tables 3-1 and 5-3): only the lengths matter to coverage."""
    return {name: tuple(f"{name} {number}" for number in range(size)) for name, size in THESIS}


def thesis_words(size: int) -> Words:
    return Words("thing", "", tuple(f"kind {number}" for number in range(size)))

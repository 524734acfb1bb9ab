"""The templates of one class of a plan, ready to give its prompts."""

from __future__ import annotations

import functools
import unicodedata
from typing import Protocol

from .drawing.binding import apply_rules
from .drawing.compile import Block, Compiler
from .drawing.program import Program
from .drawing.resolve import EMPTY, Resolver, Words
from .drawing.rules import SlotRules, count_combinations
from .item import ClassSpec
from .language.errors import SourceLocation, TemplateError
from .language.omit import without
from .language.parser import parse
from .language.rules import parse_rules
from .language.syntax import Choice, Nodes, gives_text, walk
from .wildcards.library import WildcardList
from .wildcards.usable import UsableLists

RULES = "the rules of the plan"  # how errors call them


class PlanSettings(Protocol):
    """What the templates of a class need of their plan."""

    template: str
    negative: str
    rules: str
    seed: int
    coverage: str
    reserved: bool
    labels: tuple[str, ...]


class ClassPrograms:
    """The positive and the negative template of one class: checked at once, made ready when first used.

    Attributes:
        tree: the positive template, without what the class leaves out.
        rules: between its slots, those of the plan first; own_rules: those of the class.
        seed_key: what the seeds of its images depend on beside rank and attempt.
    """

    def __init__(self, plan: PlanSettings, spec: ClassSpec, lists: UsableLists) -> None:
        self.spec = spec
        self.coverage = plan.coverage
        self.own_rules = parse_rules(spec.rules, f"the rules of class {spec.name}") if spec.rules else []
        self.rules = [*(parse_rules(plan.rules, RULES) if plan.rules else []), *self.own_rules]
        self.has_rules = bool(self.rules)
        self._labels = plan.labels
        self.seed_key = _seed_key(plan.seed, spec.name)
        words = Words(spec.name, spec.hypernym, spec.hyponyms) if plan.reserved else None
        self._resolver = Resolver(lists, words, plan.coverage != "random")
        self._location = SourceLocation(f"template of class {spec.name}", spec.template or plan.template)
        tree = parse(self._location.text, self._location.source, lines_of=lists.names_at(self._location))
        self.tree: Nodes = without(tree, spec.omit, self._location)
        if not self.tree:
            what = "leaves nothing" if self._location.text else "is empty"
            raise ValueError(f"template of class {spec.name} {what}; expected text such as __class__")
        negative = plan.negative if spec.negative is None else spec.negative
        _check_gives_text(self.tree, self._location)
        self._negative_location = SourceLocation(f"negative template of class {spec.name}", negative)
        lines_of = lists.names_at(self._negative_location)
        self._negative_tree = parse(negative, self._negative_location.source, lines_of=lines_of)
        self._resolver.check(self.tree, self._location)
        self._resolver.check(self._negative_tree, self._negative_location)

    def block(self, distinct: bool = False) -> Block:
        """The positive template, compiled; `distinct`: equal options joined whatever the coverage."""
        resolver = self._resolver
        if distinct and not resolver.distinct:
            resolver = Resolver(resolver.lists, resolver.words, True)
        return Compiler(resolver).template(self.tree, self._location)

    @functools.cached_property
    def bound(self) -> tuple[Block, SlotRules | None]:
        """The positive template, compiled, and the rules between its slots."""
        block = self.block()
        return block, apply_rules(self.rules, self.spec.name, self._labels, block)

    @functools.cached_property
    def positive(self) -> Program:
        """The prompt's program."""
        block, rules = self.bound if self.has_rules else (self.block(), None)
        return Program(block, self.coverage, f"{self.seed_key}\x1fpositive", rules)

    @functools.cached_property
    def negative(self) -> Program:
        """The negative prompt's program; where the positive enumerates, this one is balanced."""
        block = Compiler(self._resolver).template(self._negative_tree, self._negative_location, "negative ")
        coverage = "balanced" if self.coverage == "combinatorial" else self.coverage
        return Program(block, coverage, f"{self.seed_key}\x1fnegative")

    @functools.cached_property
    def combinations(self) -> int:
        """How many different picks the positive template has, equal options of a slot counted once."""
        if self.has_rules:
            block = self.block(distinct=True)
            return count_combinations(block, apply_rules(self.rules, self.spec.name, self._labels, block))
        resolver = self._resolver
        if not resolver.distinct:
            resolver = Resolver(resolver.lists, resolver.words, True)
        return resolver.count(self.tree, EMPTY, self._location)

    def used(self) -> dict[str, WildcardList]:
        """The lists that the templates reach."""
        return {**self._resolver.lists.drawn, **self._resolver.used}


def _check_gives_text(tree: Nodes, location: SourceLocation) -> None:
    """Raises where a template, or an option in it that is written, gives nothing."""
    if not gives_text(tree):
        raise TemplateError("an empty prompt for every image", "expected text such as __class__", location)
    for node in walk(tree):
        for option in node.options if isinstance(node, Choice) else ():
            if option.body and not gives_text(option.body):
                how = "expected a text, or nothing between the bars as in {red|}"
                raise TemplateError("an option that gives nothing", how, location, option.offset)


def _seed_key(seed: int, label: str) -> str:
    """What the seeds of one class of one plan depend on; made once a class."""
    return f"{seed}\x1f{unicodedata.normalize('NFC', label)}"

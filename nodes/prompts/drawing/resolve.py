"""What the names of a template stand for: wildcards, variables and a class's own words; checked whole before use.

A Resolver walks the tree with everything that it can reach, once for each (part, variables): it finds what is missing
and what runs in a circle, bounds what one prompt can grow to, and counts the combinations without making them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..language import syntax
from ..language.counting import limits, selections
from ..language.errors import SourceLocation, TemplateError, nearest
from ..language.names import key_of
from ..language.parser import parse
from ..wildcards.library import Library, WildcardList
from ..wildcards.tables import OptionTable, table_of_choice, table_of_lists
from ..wildcards.usable import UsableLists

# Far above any prompt (CLIP reads 77 tokens at a time, T5 512): they keep a template from filling the memory.
MAX_DEPTH = 60  # files and braces within each other
MAX_CHARACTERS = 200_000  # of one prompt
MAX_PARTS = 20_000  # of one prompt
MAX_VISITS = 1_000_000  # parts of templates looked at, once for each set of variables that they see

_IN_NAME = re.compile(r"\$\{([\w-]+)(?::([^{}]*))?\}")


@dataclass(frozen=True, eq=False)
class Binding:
    """What a variable stands for: a tree in the scope where it was written, or (`drawn`) a text drawn once a prompt.

    Args:
        number: of the binding, in the order in which its Resolver made them.
    """

    name: str
    value: syntax.Nodes
    scope: Scope
    drawn: bool
    location: SourceLocation
    number: int


@dataclass(frozen=True, eq=False)
class Scope:
    """The variables that a part of a template sees, and their numbers in order: two scopes of one key are the same."""

    values: Mapping[str, Binding]
    key: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that one prompt can grow to: parts and characters."""

    parts: int
    characters: int


@dataclass(frozen=True, slots=True)
class Words:
    """What the reserved names of a class stand for; None where a template has no class."""

    name: str
    hypernym: str
    hyponyms: tuple[str, ...]


@dataclass
class _Path:
    """How a check came to where it is: the wildcards, outermost first, and how many templates within each other."""

    trail: list[str] = field(default_factory=list)
    depth: int = 0


EMPTY = Scope({}, ())

RESERVED = ("class", "hyponym", "hypernym")  # wildcards that stand for the words of a class

# What is worked out for a template is kept by the id of its first node (each stands in one template only) and by the
# variables that it sees.
_MemoKey = tuple[int, tuple[int, ...]]


class Resolver:
    """The names that templates of one class use.

    Args:
        lists: where wildcards are looked up; read once for all classes of a plan.
        words: of the class, for `__class__`, `__hypernym__` and `__hyponym__`.
        distinct: whether equal options of a slot are one.
    """

    def __init__(self, lists: UsableLists, words: Words | None, distinct: bool) -> None:
        self.lists = lists
        self.words = words
        self.distinct = distinct
        self.used: dict[str, WildcardList] = {}
        self._choices: dict[int, OptionTable] = {}  # by the id of the node
        self._hyponyms: OptionTable | None = None
        self._bindings: dict[_MemoKey, Binding] = {}
        self._bounds: dict[_MemoKey, Bounds] = {}
        self._counts: dict[_MemoKey, int] = {}
        self._visits = 0

    # What a name stands for

    def constant(self, name: str) -> str | None:
        """The text of `__class__` or `__hypernym__`."""
        if self.words is None:
            return None
        return {"class": self.words.name, "hypernym": self.words.hypernym or self.words.name}.get(key_of(name))

    def table(self, node: syntax.Choice | syntax.Wildcard, scope: Scope, location: SourceLocation) -> OptionTable:
        """The options of a choice or a wildcard.

        Raises:
            TemplateError: no wildcard has that name, or it has no option.
        """
        if isinstance(node, syntax.Wildcard):
            return self._wildcard(node, scope, location)
        inner = self.list_of(node)
        if inner is not None:
            return self._wildcard(inner, scope, location)
        if node.id not in self._choices:
            self._choices[node.id] = table_of_choice(node, self.distinct, location)
        return self._choices[node.id]

    def list_of(self, node: syntax.Choice | syntax.Wildcard) -> syntax.Wildcard | None:
        """The wildcard whose lines an ordered selection such as `{2$$__name__}` picks from."""
        if isinstance(node, syntax.Wildcard):
            return node
        body = node.options[0].body
        single = len(node.options) == 1 and len(body) == 1 and isinstance(body[0], syntax.Wildcard)
        if not single or (node.low, node.high) == (1, 1) or not isinstance(body[0], syntax.Wildcard):
            return None
        return None if self.constant(body[0].name) is not None else body[0]

    def inner(self, node: syntax.Choice | syntax.Wildcard, scope: Scope, location: SourceLocation) -> Scope:
        """The scope of its options: a wildcard's own values are added."""
        wildcard = self.list_of(node)
        for argument in wildcard.arguments if wildcard else ():
            scope = self.bind(argument, scope, location)
        return scope

    def bind(self, node: syntax.Assign, scope: Scope, location: SourceLocation) -> Scope:
        """`scope` with the variable of `node` added."""
        if node.keep and node.name in scope.values:
            return scope
        key = (node.id, scope.key)
        if key not in self._bindings:
            number = len(self._bindings)
            self._bindings[key] = Binding(node.name, node.value, scope, node.immediate, location, number)
        values = {**scope.values, node.name: self._bindings[key]}
        return Scope(values, tuple(sorted(binding.number for binding in values.values())))

    def binding(self, node: syntax.Variable, scope: Scope, location: SourceLocation) -> Binding | None:
        """What the variable stands for; None where its default does."""
        binding = scope.values.get(node.name)
        if binding is None and node.default is None:
            example = "${" + node.name + "=red}"
            how = f"give it a value before, as in {example}, or a default{nearest(node.name, scope.values)}"
            raise TemplateError(f"variable ${{{node.name}}} without a value", how, location, node.offset)
        return binding

    def _wildcard(self, node: syntax.Wildcard, scope: Scope, location: SourceLocation) -> OptionTable:
        name = self._name(node, scope, location)
        key = key_of(name)
        if key == "hyponym" and self.words is not None:
            if self._hyponyms is None:
                hyponyms = WildcardList("hyponym", "hyponyms", self.words.hyponyms or (self.words.name,))
                self._hyponyms = table_of_lists([hyponyms], self.distinct, emphasis=False)
            return self._hyponyms
        lists = self.lists.require(name, location, node.offset)
        reached = self.lists.in_scope(lists, {*scope.values, *(argument.name for argument in node.arguments)})
        for whole, wildcards in zip(lists, reached, strict=True):  # a saved plan keeps each list whole
            if key_of(whole.name) not in self.used or wildcards is not whole:
                self.used[key_of(whole.name)] = replace(whole, left_out=wildcards.left_out)
        return self.lists.table(reached, self.distinct)

    def _trail_name(self, node: syntax.Wildcard, scope: Scope, location: SourceLocation) -> str:
        """The key of the one list that a wildcard stands for, however it is written; else that of the name."""
        name = key_of(self._name(node, scope, location))
        if self.words is not None and name in RESERVED:
            return name
        lists = self.lists.require(name, location, node.offset)
        return key_of(lists[0].name) if len(lists) == 1 else name

    def _name(self, node: syntax.Wildcard, scope: Scope, location: SourceLocation) -> str:
        """The name of a wildcard, with the text of each variable in it: `__${season}_sky__`."""

        def text_of(match: re.Match[str]) -> str:
            binding = scope.values.get(match[1])
            if binding is None and match[2] is not None:
                return match[2].strip()
            if binding is None or not syntax.is_text(binding.value):
                how = "expected a variable that is plain text there, as in ${season=winter}"
                raise TemplateError(f"${{{match[1]}}} in the name of a wildcard", how, location, node.offset)
            return "".join(part.value for part in binding.value if isinstance(part, syntax.Text)).strip()

        return _IN_NAME.sub(text_of, node.name)

    # Checks

    def check(self, nodes: syntax.Nodes, location: SourceLocation) -> Bounds:
        """The most that one prompt of `nodes` can grow to, everything that it reaches looked at.

        Raises:
            TemplateError: a name is missing, wildcards run in a circle, or a prompt could grow beyond the limits.
        """
        return self._template(nodes, EMPTY, location, _Path())

    def _template(self, nodes: syntax.Nodes, scope: Scope, location: SourceLocation, path: _Path) -> Bounds:
        if not nodes:
            return Bounds(0, 0)
        key = (nodes[0].id, scope.key)
        if key in self._bounds:
            return self._bounds[key]
        self._visits += 1
        if self._visits > MAX_VISITS:
            raise TemplateError(f"more than {MAX_VISITS} parts", "use fewer nested wildcards", location, 0, path.trail)
        path.depth += 1
        if path.depth > MAX_DEPTH:
            how = f"expected at most {MAX_DEPTH} files and braces within each other"
            raise TemplateError(f"a template {path.depth} deep", how, location, 0, path.trail)
        parts = characters = 0
        for node in nodes:
            if isinstance(node, syntax.Assign):
                parts += self._template(node.value, scope, location, path).parts if node.immediate else 0
                scope = self.bind(node, scope, location)
                continue
            bounds = self._node(node, scope, location, path)
            parts, characters = parts + bounds.parts, characters + bounds.characters
        path.depth -= 1
        if parts > MAX_PARTS or characters > MAX_CHARACTERS:
            what = f"a prompt of up to {characters} characters in {parts} parts"
            raise TemplateError(what, f"expected at most {MAX_CHARACTERS} in {MAX_PARTS}", location, 0, path.trail)
        self._bounds[key] = Bounds(parts, characters)
        return self._bounds[key]

    def _node(self, node: syntax.Node, scope: Scope, location: SourceLocation, path: _Path) -> Bounds:
        if isinstance(node, syntax.Text):
            return Bounds(1, len(node.value))
        if isinstance(node, syntax.Variable):
            binding = self.binding(node, scope, location)
            if binding is None:
                return self._template(node.default or (), scope, location, path)
            bounds = self._template(binding.value, binding.scope, binding.location, path)
            return Bounds(1, bounds.characters) if binding.drawn else bounds
        assert not isinstance(node, syntax.Assign)
        if isinstance(node, syntax.Wildcard):
            constant = self.constant(node.name)
            if constant is not None:
                return Bounds(1, len(constant))
        return self._options(node, scope, location, path)

    def _options(
        self, node: syntax.Choice | syntax.Wildcard, scope: Scope, location: SourceLocation, path: _Path
    ) -> Bounds:
        table = self.table(node, scope, location)
        wildcard = self.list_of(node)
        name = "" if wildcard is None else self._trail_name(wildcard, scope, location)
        if name and name in path.trail:
            circle = [*path.trail[path.trail.index(name) :], name]
            how = "expected wildcards that do not lead back to themselves"
            raise TemplateError(f"wildcard __{name}__ runs in a circle", how, location, node.offset, circle)
        inner = self.inner(node, scope, location)
        for argument in wildcard.arguments if wildcard else ():
            self._template(argument.value, scope, location, path)
        if name:
            path.trail.append(name)
        bounds = [
            self._template(table.tree(index), inner, table.location(index) if table.origin else location, path)
            for index in sorted(table.special)
        ]
        if name:
            path.trail.pop()
        _, picked = limits(node, len(table))
        separator = node.separator if isinstance(node, syntax.Choice) else ""
        parts = max((option.parts for option in bounds), default=1)
        characters = max((option.characters for option in bounds), default=0)
        return Bounds(picked * max(1, parts), picked * (max(characters, table.longest) + len(separator)))

    # Counts

    def count(self, nodes: syntax.Nodes, scope: Scope, location: SourceLocation) -> int:
        """How many different picks `nodes` has, exactly; 1 where there is nothing to pick."""
        if not nodes:
            return 1
        key = (nodes[0].id, scope.key)
        if key not in self._counts:
            total = 1
            for node in nodes:
                if isinstance(node, syntax.Assign):
                    before, scope = scope, self.bind(node, scope, location)
                    if node.immediate and scope is not before:
                        total *= self.count(node.value, before, location)
                else:
                    total *= self.count_node(node, scope, location)
            self._counts[key] = total
        return self._counts[key]

    def count_node(self, node: syntax.Node, scope: Scope, location: SourceLocation) -> int:
        """How many different picks one node has."""
        if isinstance(node, syntax.Text | syntax.Assign):
            return 1
        if isinstance(node, syntax.Variable):
            binding = self.binding(node, scope, location)
            if binding is None:
                return self.count(node.default or (), scope, location)
            return 1 if binding.drawn else self.count(binding.value, binding.scope, binding.location)
        if isinstance(node, syntax.Wildcard) and self.constant(node.name) is not None:
            return 1
        table = self.table(node, scope, location)
        counts = self.option_counts(table, self.inner(node, scope, location), location)
        low, high = limits(node, len(table))
        if (low, high) == (1, 1):
            return len(table) if counts is None else sum(counts)
        return sum(selections(counts, len(table), size) for size in range(low, high + 1))

    def option_counts(self, table: OptionTable, scope: Scope, location: SourceLocation) -> list[int] | None:
        """How many different picks each option has; None where each is one."""
        if not table.special:
            return None
        counts = [1] * len(table)
        for index in table.special:
            option = table.location(index) if table.origin else location
            counts[index] = self.count(table.tree(index), scope, option)
        return counts if any(count != 1 for count in counts) else None


def lists_reached(library: Library, templates: Sequence[str], reserved: bool) -> set[str] | None:
    """The names of every list that the templates reach, None where that cannot be told since they cannot be used.

    Args:
        reserved: whether `__class__` and the like are words of a class and no lists.
    """
    resolver = Resolver(
        UsableLists(library, RESERVED if reserved else ()), Words("", "", ("",)) if reserved else None, True
    )
    try:
        for text in templates:
            location = SourceLocation("template", text)
            resolver.check(parse(text, lines_of=resolver.lists.names_at(location)), location)
    except ValueError:
        return None
    used = [*resolver.used.values(), *resolver.lists.drawn.values()]
    if any(wildcards.left_out for wildcards in used):
        return None  # a line that names a missing wildcard waits for any file
    return {wildcards.name for wildcards in used}

"""What the names of a template stand for: wildcards, variables and a class's own words; checked whole before use.

A Resolver walks the tree with everything that it can reach, once for each (part, variables): it finds what is missing
and what runs in a circle, bounds what one prompt can grow to, and counts the combinations without making them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..language import syntax
from ..language.counting import limits, selections
from ..language.errors import Place, TemplateError, nearest
from ..language.names import key_of
from ..wildcards.library import Library, WildcardList
from ..wildcards.tables import Table, table_of_choice, table_of_lists

DEEPEST = 60  # files and braces within each other
LONGEST = 200_000  # characters of one prompt
LARGEST = 20_000  # parts of one prompt
MOST_STATES = 1_000_000  # parts looked at

_IN_NAME = re.compile(r"\$\{([\w-]+)(?::([^{}]*))?\}")


@dataclass(frozen=True, eq=False)
class Binding:
    """What a variable stands for: a tree in the scope where it was written, or (`drawn`) a text drawn once a prompt."""

    name: str
    value: syntax.Sequence
    scope: Scope
    drawn: bool
    place: Place
    number: int


@dataclass(frozen=True, eq=False)
class Scope:
    """The variables that a part of a template sees."""

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
class _Walk:
    trail: list[str] = field(default_factory=list)
    depth: int = 0


EMPTY = Scope({}, ())
SharedTables = dict[str, tuple[Table, tuple[WildcardList, ...]]]


class Resolver:
    """The names that templates of one class use.

    Args:
        library: where wildcards are looked up.
        words: of the class, for `__class__`, `__hypernym__` and `__hyponym__`.
        distinct: whether equal options of a slot are one.
        shared: the options of wildcards, for all classes of a plan.
    """

    def __init__(self, library: Library, words: Words | None, distinct: bool, shared: SharedTables) -> None:
        self.library = library
        self.words = words
        self.distinct = distinct
        self.shared = shared
        self.used: dict[str, WildcardList] = {}
        self._tables: dict[object, Table] = {}
        self._bindings: dict[tuple[int, tuple[int, ...]], Binding] = {}
        self._bounds: dict[tuple[int, tuple[int, ...]], Bounds] = {}
        self._counts: dict[tuple[int, tuple[int, ...]], int] = {}
        self._alive: list[object] = []  # what the memo's ids refer to

    # What a name stands for

    def constant(self, name: str) -> str | None:
        """The text of `__class__` or `__hypernym__`."""
        if self.words is None:
            return None
        return {"class": self.words.name, "hypernym": self.words.hypernym or self.words.name}.get(key_of(name))

    def table(self, node: syntax.Choice | syntax.Wildcard, scope: Scope, place: Place) -> Table:
        """The options of a choice or a wildcard.

        Raises:
            TemplateError: no wildcard has that name, or it has no option.
        """
        if isinstance(node, syntax.Wildcard):
            return self._wildcard(node, scope, place)
        inner = self.list_of(node)
        if inner is not None:
            return self._wildcard(inner, scope, place)
        if id(node) not in self._tables:
            self._alive.append(node)
            self._tables[id(node)] = table_of_choice(node, self.distinct, place)
        return self._tables[id(node)]

    def list_of(self, node: syntax.Choice | syntax.Wildcard) -> syntax.Wildcard | None:
        """The wildcard whose lines an ordered selection such as `{2$$__name__}` picks from."""
        if isinstance(node, syntax.Wildcard):
            return node
        body = node.options[0].body
        single = len(node.options) == 1 and len(body) == 1 and isinstance(body[0], syntax.Wildcard)
        if not single or (node.low, node.high) == (1, 1) or not isinstance(body[0], syntax.Wildcard):
            return None
        return None if self.constant(body[0].name) is not None else body[0]

    def inner(self, node: syntax.Choice | syntax.Wildcard, scope: Scope, place: Place) -> Scope:
        """The scope of its options: a wildcard's own values are added."""
        wildcard = self.list_of(node)
        for name, value in wildcard.arguments if wildcard else ():
            scope = self.bind(syntax.Assign(name, value), id(value), scope, place)
        return scope

    def bind(self, node: syntax.Assign, identity: int, scope: Scope, place: Place) -> Scope:
        """`scope` with the variable of `node` added."""
        if node.keep and node.name in scope.values:
            return scope
        key = (identity, scope.key)
        if key not in self._bindings:
            self._alive.append((node, node.value, scope))
            number = len(self._bindings)
            self._bindings[key] = Binding(node.name, node.value, scope, node.immediate, place, number)
        values = {**scope.values, node.name: self._bindings[key]}
        return Scope(values, tuple(sorted(binding.number for binding in values.values())))

    def binding(self, node: syntax.Variable, scope: Scope, place: Place) -> Binding | None:
        """What the variable stands for; None where its default does."""
        found = scope.values.get(node.name)
        if found is None and node.default is None:
            how = (
                "give it a value before, as in ${"
                + node.name
                + "=red}, or a default"
                + nearest(node.name, scope.values)
            )
            raise TemplateError(f"variable ${{{node.name}}} without a value", how, place, node.at)
        return found

    def _wildcard(self, node: syntax.Wildcard, scope: Scope, place: Place) -> Table:
        name = self._name(node, scope, place)
        if key_of(name) == "hyponym" and self.words is not None:
            words = self.words.hyponyms or (self.words.name,)
            if "hyponym" not in self._tables:
                found = [WildcardList("hyponym", "hyponyms", words)]
                self._tables["hyponym"] = table_of_lists(found, self.distinct, emphasis=False)
            return self._tables["hyponym"]
        key = key_of(name)
        if key not in self.shared:
            lists = tuple(self.library.find(name))
            if not lists:
                reserved = () if self.words is None else ("class", "hyponym", "hypernym")
                how = "expected the name of a wildcard file" + self.library.nearest(name, reserved)
                raise TemplateError(f"no wildcard named {name}", how, place, node.at)
            self.shared[key] = (table_of_lists(lists, self.distinct, emphasis=True), lists)
        table, lists = self.shared[key]
        self.used.update((key_of(found.name), found) for found in lists)
        return table

    def _name(self, node: syntax.Wildcard, scope: Scope, place: Place) -> str:
        def text(found: re.Match[str]) -> str:
            bound = scope.values.get(found[1])
            if bound is None and found[2] is not None:
                return found[2].strip()
            parts = bound.value if bound else ()
            if bound is None or not all(isinstance(part, syntax.Text) for part in parts):
                how = "expected a variable that is plain text there, as in ${season=winter}"
                raise TemplateError(f"${{{found[1]}}} in the name of a wildcard", how, place, node.at)
            return "".join(part.value for part in parts if isinstance(part, syntax.Text)).strip()

        return _IN_NAME.sub(text, node.name)

    # Checks

    def check(self, nodes: syntax.Sequence, place: Place) -> Bounds:
        """The most that one prompt of `nodes` can grow to, everything that it reaches looked at.

        Raises:
            TemplateError: a name is missing, wildcards run in a circle, or a prompt could grow beyond the limits.
        """
        return self._sequence(nodes, EMPTY, place, _Walk())

    def _sequence(self, nodes: syntax.Sequence, scope: Scope, place: Place, walk: _Walk) -> Bounds:
        key = (id(nodes), scope.key)
        if key in self._bounds:
            return self._bounds[key]
        self._alive.append(nodes)
        if len(self._alive) > MOST_STATES:
            raise TemplateError(f"more than {MOST_STATES} parts", "use fewer nested wildcards", place, 0, walk.trail)
        walk.depth += 1
        if walk.depth > DEEPEST:
            how = f"expected at most {DEEPEST} files and braces within each other"
            raise TemplateError(f"a template {walk.depth} deep", how, place, 0, walk.trail)
        parts = characters = 0
        for node in nodes:
            if isinstance(node, syntax.Assign):
                parts += self._sequence(node.value, scope, place, walk).parts if node.immediate else 0
                scope = self.bind(node, id(node), scope, place)
                continue
            more = self._node(node, scope, place, walk)
            parts, characters = parts + more.parts, characters + more.characters
        walk.depth -= 1
        if parts > LARGEST or characters > LONGEST:
            what = f"a prompt of up to {characters} characters in {parts} parts"
            raise TemplateError(what, f"expected at most {LONGEST} in {LARGEST}", place, 0, walk.trail)
        self._bounds[key] = Bounds(parts, characters)
        return self._bounds[key]

    def _node(self, node: syntax.Node, scope: Scope, place: Place, walk: _Walk) -> Bounds:
        if isinstance(node, syntax.Text):
            return Bounds(1, len(node.value))
        if isinstance(node, syntax.Variable):
            bound = self.binding(node, scope, place)
            if bound is None:
                return self._sequence(node.default or (), scope, place, walk)
            inner = self._sequence(bound.value, bound.scope, bound.place, walk)
            return Bounds(1, inner.characters) if bound.drawn else inner
        assert not isinstance(node, syntax.Assign)
        if isinstance(node, syntax.Wildcard):
            fixed = self.constant(node.name)
            if fixed is not None:
                return Bounds(1, len(fixed))
        return self._options(node, scope, place, walk)

    def _options(self, node: syntax.Choice | syntax.Wildcard, scope: Scope, place: Place, walk: _Walk) -> Bounds:
        table = self.table(node, scope, place)
        wildcard = self.list_of(node)
        name = "" if wildcard is None else key_of(self._name(wildcard, scope, place))
        if name and name in walk.trail:
            circle = [*walk.trail[walk.trail.index(name) :], name]
            how = "expected wildcards that do not lead back to themselves"
            raise TemplateError(f"wildcard __{name}__ runs in a circle", how, place, node.at, circle)
        inner = self.inner(node, scope, place)
        for _, value in wildcard.arguments if wildcard else ():
            self._sequence(value, scope, place, walk)
        if name:
            walk.trail.append(name)
        bounds = [
            self._sequence(table.tree(index), inner, table.place(index) if table.origin else place, walk)
            for index in sorted(table.special)
        ]
        if name:
            walk.trail.pop()
        times, separator = 1, ""
        if isinstance(node, syntax.Choice):
            times = min(len(table), len(table) if node.high is None else node.high)
            separator = node.separator
        parts = max((one.parts for one in bounds), default=1)
        characters = max((one.characters for one in bounds), default=0)
        return Bounds(times * max(1, parts), times * (max(characters, table.longest) + len(separator)))

    # Counts

    def count(self, nodes: syntax.Sequence, scope: Scope, place: Place) -> int:
        """How many different picks `nodes` has, exactly; 1 for a text, 0 for no template at all is the caller's."""
        key = (id(nodes), scope.key)
        if key not in self._counts:
            total = 1
            for node in nodes:
                if isinstance(node, syntax.Assign):
                    total *= self.count(node.value, scope, place) if node.immediate else 1
                    scope = self.bind(node, id(node), scope, place)
                else:
                    total *= self.count_node(node, scope, place)
            self._alive.append(nodes)
            self._counts[key] = total
        return self._counts[key]

    def count_node(self, node: syntax.Node, scope: Scope, place: Place) -> int:
        """How many different picks one node has."""
        if isinstance(node, syntax.Text | syntax.Assign):
            return 1
        if isinstance(node, syntax.Variable):
            bound = self.binding(node, scope, place)
            if bound is None:
                return self.count(node.default or (), scope, place)
            return 1 if bound.drawn else self.count(bound.value, bound.scope, bound.place)
        if isinstance(node, syntax.Wildcard) and self.constant(node.name) is not None:
            return 1
        table = self.table(node, scope, place)
        counts = self.option_counts(table, self.inner(node, scope, place), place)
        low, high = limits(node, len(table))
        if (low, high) == (1, 1):
            return len(table) if counts is None else sum(counts)
        return sum(selections(counts, len(table), size) for size in range(low, high + 1))

    def option_counts(self, table: Table, scope: Scope, place: Place) -> list[int] | None:
        """How many different picks each option has; None where each is one."""
        if not table.special:
            return None
        counts = [1] * len(table)
        for index in table.special:
            here = table.place(index) if table.origin else place
            counts[index] = self.count(table.tree(index), scope, here)
        return counts if any(count != 1 for count in counts) else None

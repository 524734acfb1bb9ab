"""A template made ready: flat parts and slots, from which any prompt is made by its number alone.

A Block is what one prompt joins: texts, slots, and texts drawn once for a variable. Options that are templates
themselves become blocks when they first come up. Which option a slot takes a strategy says (strategies.py).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import lcm

from ..item import Pick
from ..language import syntax
from ..language.brackets import escape, escape_parts
from ..language.counting import limits
from ..language.errors import Place
from ..wildcards.tables import Table
from .resolve import EMPTY, Resolver, Scope

_KEPT_BLOCKS = 4096  # compiled options a slot keeps
_KEPT_PICKS = 10_000  # options whose picks are made once


@dataclass(frozen=True, slots=True)
class Store:
    """A variable's text, drawn once here."""

    number: int
    block: Block


@dataclass(frozen=True, slots=True)
class Load:
    """The text that a Store drew."""

    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What one prompt, or one option, joins."""

    parts: tuple[str | Slot | Store | Load, ...]

    def slots(self) -> Iterator[Slot]:
        """The slots that every prompt of this block visits, in order."""
        for part in self.parts:
            if isinstance(part, Slot):
                yield part
            elif isinstance(part, Store):
                yield from part.block.slots()

    def count(self) -> int:
        """How many different picks there are."""
        total = 1
        for part in self.parts:
            total *= part_count(part)
        return total


class Slot:
    """One choice point. `name` is unique in its template; decks and draws depend on it."""

    def __init__(
        self, compiler: Compiler, node: syntax.Choice | syntax.Wildcard, scope: Scope, place: Place, name: str
    ) -> None:
        self.name = name
        self.node = node
        self.table: Table = compiler.resolver.table(node, scope, place)
        self.low, self.high = limits(node, len(self.table))
        self.separator = node.separator if isinstance(node, syntax.Choice) else ","
        self.single = (self.low, self.high) == (1, 1)
        self.plain = not self.table.special
        self._compiler = compiler
        self._scope = compiler.resolver.inner(node, scope, place)
        self._outer = scope
        self._place = place
        self._blocks: dict[int, Block] = {}
        self._picks: dict[int, Pick] = {}
        self._counts: list[int] | None = None
        self._counted = False

    def __len__(self) -> int:
        return len(self.table)

    def pick(self, index: int) -> Pick:
        """The record of option `index`."""
        found = self._picks.get(index)
        if found is None:
            found = Pick(self.name, self.table.texts[index], self.table.source(index))
            if len(self._picks) < _KEPT_PICKS:
                self._picks[index] = found
        return found

    def piece(self, index: int) -> str:
        """The text of option `index`, which has no slots of its own, as a prompt has it."""
        table = self.table
        if table.emphasis is None:
            return "".join(node.value for node in table.bodies[index] if isinstance(node, syntax.Text))
        return escape(table.texts[index], table.emphasis)

    def block(self, index: int) -> Block | None:
        """Option `index` where it is a template itself."""
        if index not in self.table.special:
            return None
        if index not in self._blocks:
            if len(self._blocks) >= _KEPT_BLOCKS:
                self._blocks.clear()
            self._blocks[index] = self._compiler.option(self, index)
        return self._blocks[index]

    @property
    def scope(self) -> Scope:
        return self._scope

    @property
    def place(self) -> Place:
        return self._place

    def counts(self) -> list[int] | None:
        """How many different picks each option has; None where each is one."""
        if not self._counted:
            self._counts = self._compiler.resolver.option_counts(self.table, self._scope, self._place)
            self._counted = True
        return self._counts

    @functools.cached_property
    def sums(self) -> list[int]:
        """How many different picks the options before each option have."""
        return list(accumulate(self.counts() or [1] * len(self), initial=0))[:-1]

    @functools.cached_property
    def shares(self) -> list[int] | None:
        """The weights as whole numbers, summed up to each option; None where they are equal."""
        weights = self.table.weights
        if weights is None:
            return None
        scale = lcm(*(weight.denominator for weight in weights))
        return list(accumulate(int(weight * scale) for weight in weights))

    def count(self) -> int:
        """How many different picks the slot has."""
        return self._compiler.resolver.count_node(self.node, self._outer, self._place)


class Compiler:
    """Makes blocks of trees."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self._names: dict[int, str] = {}
        self._roots: list[syntax.Sequence] = []

    def template(self, nodes: syntax.Sequence, place: Place, prefix: str = "") -> Block:
        """The block of a whole template; `prefix` begins the names of its slots."""
        self._name(nodes)
        return Block(tuple(_merged(self._parts(nodes, EMPTY, place, prefix))))

    def option(self, slot: Slot, index: int) -> Block:
        """The block of an option that is a template itself."""
        nodes = slot.table.tree(index)
        if not slot.table.origin:
            prefix = slot.name[: len(slot.name) - len(self._names[id(slot.node)])]
            return Block(tuple(_merged(self._parts(nodes, slot.scope, slot.place, prefix))))
        self._name(nodes)
        texts = escape_parts(
            [node.value if isinstance(node, syntax.Text) else None for node in nodes], bool(slot.table.emphasis)
        )
        return Block(
            tuple(
                _merged(
                    self._parts(
                        _replaced(nodes, texts), slot.scope, slot.table.place(index), f"{slot.name}[{index + 1}] "
                    )
                )
            )
        )

    def _parts(
        self, nodes: syntax.Sequence, scope: Scope, place: Place, prefix: str
    ) -> Iterator[str | Slot | Store | Load]:
        resolver = self.resolver
        for node in nodes:
            if isinstance(node, syntax.Text):
                yield node.value
            elif isinstance(node, syntax.Assign):
                before, scope = scope, resolver.bind(node, id(node), scope, place)
                if node.immediate and scope is not before:
                    block = Block(tuple(_merged(self._parts(node.value, before, place, prefix))))
                    yield Store(scope.values[node.name].number, block)
            elif isinstance(node, syntax.Variable):
                bound = resolver.binding(node, scope, place)
                if bound is None:
                    yield from self._parts(node.default or (), scope, place, prefix)
                elif bound.drawn:
                    yield Load(bound.number)
                else:
                    use = f"{prefix}{self._names[id(node)]}: "
                    yield from self._parts(bound.value, bound.scope, bound.place, use)
            else:
                fixed = resolver.constant(node.name) if isinstance(node, syntax.Wildcard) else None
                if fixed is not None:
                    yield escape(fixed, emphasis=False)
                else:
                    yield Slot(self, node, scope, place, prefix + self._names[id(node)])

    def _name(self, nodes: syntax.Sequence) -> None:
        """Give each choice point of one text its name there: choice 1, color, color 2, ${x}."""
        self._roots.append(nodes)
        seen: dict[str, int] = {}
        for node in sorted(_named(nodes), key=lambda found: found.at):
            base = {syntax.Choice: "choice", syntax.Variable: "${" + getattr(node, "name", "") + "}"}.get(type(node))
            name = base if base is not None else getattr(node, "name", "")
            seen[name] = seen.get(name, 0) + 1
            many = seen[name] > 1 or name == "choice"
            self._names[id(node)] = f"{name} {seen[name]}" if many else name


def part_count(part: str | Slot | Store | Load) -> int:
    """How many different picks one part of a block has."""
    if isinstance(part, Slot):
        return part.count()
    return part.block.count() if isinstance(part, Store) else 1


def _named(nodes: syntax.Sequence) -> Iterator[syntax.Choice | syntax.Wildcard | syntax.Variable]:
    for node in nodes:
        if isinstance(node, syntax.Choice):
            yield node
            for option in node.options:
                yield from _named(option.body)
        elif isinstance(node, syntax.Wildcard):
            yield node
            for _, value in node.arguments:
                yield from _named(value)
        elif isinstance(node, syntax.Variable):
            yield node
            yield from _named(node.default or ())
        elif isinstance(node, syntax.Assign):
            yield from _named(node.value)


def _replaced(nodes: syntax.Sequence, texts: Sequence[str | None]) -> syntax.Sequence:
    words = [text for text in texts if text is not None]
    out: list[syntax.Node] = []
    place = 0  # of the text before the next choice
    for node in nodes:
        if isinstance(node, syntax.Text):
            out.append(dataclasses.replace(node, value=words[place]))
        else:
            out.append(node)
            place += 1
    return tuple(out)


def _merged(parts: Iterator[str | Slot | Store | Load]) -> Iterator[str | Slot | Store | Load]:
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
        text = ""
        yield part
    if text:
        yield text

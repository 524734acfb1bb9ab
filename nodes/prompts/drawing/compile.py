"""A template made ready: flat parts and slots, from which any prompt is made by its number alone.

A Block is what one prompt joins: texts, slots, and variables that are drawn once. Options that are templates
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
from ..language.errors import SourceLocation
from ..wildcards.tables import OptionTable
from .resolve import EMPTY, Resolver, Scope

_MAX_BLOCKS = 4096  # compiled options that a slot keeps; a judgement: others are compiled again when they come up
_MAX_PICKS = 10_000  # options of a slot whose records are kept; a judgement that bounds memory


@dataclass(frozen=True, slots=True)
class DrawnVariable:
    """`${x=!..}`: its text is drawn here, once a prompt, and comes at each use of that number."""

    number: int
    block: Block


@dataclass(frozen=True, slots=True)
class VariableUse:
    """The text that the DrawnVariable of that number has drawn before; of a wrapper a part of it."""

    number: int
    part: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What one prompt, or one option, joins."""

    parts: tuple[Part, ...]

    def slots(self) -> Iterator[Slot]:
        """The slots that every prompt of this block visits, in order."""
        for part in self.parts:
            if isinstance(part, Slot):
                yield part
            elif isinstance(part, DrawnVariable):
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
        self,
        compiler: Compiler,
        node: syntax.Choice | syntax.Wildcard,
        scope: Scope,
        location: SourceLocation,
        name: str,
    ) -> None:
        self.name = name
        self.node = node
        self.table: OptionTable = compiler.resolver.table(node, scope, location)
        self.low, self.high = limits(node, len(self.table))
        self.separator = node.separator if isinstance(node, syntax.Choice) else ","
        self.single = (self.low, self.high) == (1, 1)
        self.plain = not self.table.special
        self._compiler = compiler
        self.scope = compiler.resolver.inner(node, scope, location)
        self._outer_scope = scope
        self.location = location
        self._blocks: dict[int, Block] = {}
        self._picks: dict[int, Pick] = {}

    def __len__(self) -> int:
        return len(self.table)

    def restrict(self, options: Sequence[int]) -> None:
        """Keep those options alone; for a slot that takes one and has not been used."""
        self.table = self.table.select(options)
        self.plain = not self.table.special

    def pick(self, index: int) -> Pick:
        """The record of option `index`."""
        pick = self._picks.get(index)
        if pick is None:
            pick = Pick(self.name, self.table.texts[index], self.table.source(index))
            if len(self._picks) < _MAX_PICKS:
                self._picks[index] = pick
        return pick

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
            if len(self._blocks) >= _MAX_BLOCKS:
                self._blocks.clear()
            self._blocks[index] = self._compiler.option(self, index)
        return self._blocks[index]

    @functools.cached_property
    def counts(self) -> list[int] | None:
        """How many different picks each option has; None where each is one."""
        return self._compiler.resolver.option_counts(self.table, self.scope, self.location)

    @functools.cached_property
    def picks_before(self) -> list[int]:
        """For each option how many different picks the options before it have together."""
        return list(accumulate(self.counts or [1] * len(self), initial=0))[:-1]

    @functools.cached_property
    def cumulative_weights(self) -> list[int] | None:
        """For each option the weights up to it, itself included, as whole numbers; None where they are equal."""
        weights = self.table.weights
        if weights is None:
            return None
        scale = lcm(*(weight.denominator for weight in weights))
        return list(accumulate(int(weight * scale) for weight in weights))

    def count(self) -> int:
        """How many different picks the slot has."""
        if self.single:
            return sum(self.counts) if self.counts else len(self)
        return self._compiler.resolver.count_node(self.node, self._outer_scope, self.location)


Part = str | Slot | DrawnVariable | VariableUse


class Compiler:
    """Makes blocks of trees."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self._names: dict[int, str] = {}  # of the choice points, by the id of their node

    def template(self, nodes: syntax.Nodes, location: SourceLocation, prefix: str = "") -> Block:
        """The block of a whole template; `prefix` begins the names of its slots."""
        self._name(nodes)
        return Block(tuple(_merged(self._parts(nodes, EMPTY, location, prefix))))

    def option(self, slot: Slot, index: int) -> Block:
        """The block of an option that is a template itself."""
        nodes = slot.table.tree(index)
        if not slot.table.origin:
            prefix = slot.name.removesuffix(self._names[slot.node.id])
            if isinstance(slot.node, syntax.Choice) and slot.node.is_drawn_name:
                prefix += f"{slot.table.texts[index]}: "  # what follows a drawn name, once for each
            return Block(tuple(_merged(self._parts(nodes, slot.scope, slot.location, prefix))))
        self._name(nodes)
        escaped = _with_brackets_escaped(nodes, bool(slot.table.emphasis))
        parts = self._parts(escaped, slot.scope, slot.table.location(index), f"{slot.name}[{index + 1}] ")
        return Block(tuple(_merged(parts)))

    def _parts(self, nodes: syntax.Nodes, scope: Scope, location: SourceLocation, prefix: str) -> Iterator[Part]:
        resolver = self.resolver
        for node in nodes:
            if isinstance(node, syntax.Text):
                yield node.value
            elif isinstance(node, syntax.Assign):
                before, scope = scope, resolver.bind(node, scope, location)
                if node.immediate and scope is not before:
                    block = Block(tuple(_merged(self._parts(node.value, before, location, prefix))))
                    yield DrawnVariable(scope.values[node.name].number, block)
            elif isinstance(node, syntax.Variable):
                binding = resolver.binding(node, scope, location)
                if binding is None:
                    yield from self._parts(node.default or (), scope, location, prefix)
                elif binding.drawn:
                    yield VariableUse(binding.number, node.part)
                else:
                    use = f"{prefix}{self._names[node.id]}: "
                    yield from self._parts(binding.value, binding.scope, binding.location, use)
            else:
                constant = resolver.constant(node.name) if isinstance(node, syntax.Wildcard) else None
                if constant is not None:
                    yield escape(constant, emphasis=False)
                else:
                    yield Slot(self, node, scope, location, prefix + self._names[node.id])

    def _name(self, nodes: syntax.Nodes) -> None:
        """Give each choice point of one text its name there: choice 1, color, color 2, ${x}."""
        counts: dict[str, int] = {}
        for node in {node.id: node for node in syntax.walk(nodes)}.values():
            if isinstance(node, syntax.Choice):
                name = "choice"
            elif isinstance(node, syntax.Wildcard):
                name = node.name
            elif isinstance(node, syntax.Variable):
                name = "${" + node.name + "}"
            else:
                continue
            counts[name] = counts.get(name, 0) + 1
            is_numbered = counts[name] > 1 or name == "choice"
            self._names[node.id] = f"{name} {counts[name]}" if is_numbered else name


def part_count(part: Part) -> int:
    """How many different picks one part of a block has."""
    if isinstance(part, Slot):
        return part.count()
    return part.block.count() if isinstance(part, DrawnVariable) else 1


def _with_brackets_escaped(nodes: syntax.Nodes, emphasis: bool) -> syntax.Nodes:
    """The nodes of an option, the brackets escaped that are no weight, also where a choice stands between the two."""
    parts = escape_parts([node.value if isinstance(node, syntax.Text) else None for node in nodes], emphasis)
    texts = [text for text in parts if text is not None]  # the one after n choices is texts[n]
    escaped: list[syntax.Node] = []
    choices = 0
    for node in nodes:
        if isinstance(node, syntax.Text):
            escaped.append(dataclasses.replace(node, value=texts[choices]))
        else:
            escaped.append(node)
            choices += 1
    return tuple(escaped)


def _merged(parts: Iterator[Part]) -> Iterator[Part]:
    """The parts with texts that follow one another joined to one."""
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

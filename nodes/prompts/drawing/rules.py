"""The rules of one class applied to its slots: which options may stand together, how many prompts there are, and draws.

Options of a slot that every rule treats alike are one group. All groups that may stand together form a tree, one level
for each slot that a rule binds; its branches are what is allowed. So counting, drawing and enumerating are walks in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod

from .compile import Block, Slot
from .keyed_random import Stream


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """What the slots so far leave: for each group of the next slot that may follow, the node after it."""

    children: dict[int, Node]
    weight: Fraction = Fraction(1)  # of all that may follow, where every option has its weight
    count: int = 1  # of different picks that may follow


@dataclass(frozen=True, eq=False)
class SlotRules:
    """Slots that rules bind, in the order of the template.

    Args:
        slots: m of them.
        groups: of each slot, the group of each of its options.
        members: of each slot, the options of each group.
        root: of the tree, m levels deep.
        notes: what was forbidden, for people.
    """

    slots: tuple[Slot, ...]
    groups: tuple[tuple[int, ...], ...]
    members: tuple[tuple[tuple[int, ...], ...], ...]
    root: Node
    notes: tuple[str, ...] = ()
    _pairs: dict[tuple[int, int], set[tuple[int, int]]] = field(default_factory=dict, repr=False)

    def draw(self, stream: Stream) -> dict[str, int]:
        """An option for each slot, by their weights among all that is allowed."""
        drawn, node = {}, self.root
        for number, slot in enumerate(self.slots):
            weights = weights_of(slot)
            options = [
                (option, child, weights[option] * child.weight)
                for group, child in node.children.items()
                for option in self.members[number][group]
            ]
            total = sum((weight for _, _, weight in options), Fraction(0))
            left = Fraction(stream.below(1 << 64), 1 << 64) * total
            for option, child, weight in options:  # noqa: B007 - those that it ends at
                left -= weight
                if left < 0:
                    break
            drawn[slot.name], node = option, child
        return drawn

    def combination(self, number: int) -> dict[str, tuple[int, int]]:
        """The options of combination `number`, each with the number of the pick inside it."""
        picked, node = {}, self.root
        for index, slot in enumerate(self.slots):
            for option in range(len(slot)):
                child = node.children.get(self.groups[index][option])
                inside = slot.counts[option] if slot.counts else 1
                if child is None:
                    continue
                if number < inside * child.count:
                    break
                number -= inside * child.count
            assert child is not None
            picked[slot.name] = (option, number // child.count)
            number, node = number % child.count, child
        return picked

    def pairs(self, first: str, second: str) -> int | None:
        """How many pairs of options of two slots may stand together; None where no rule binds both."""
        names = [slot.name for slot in self.slots]
        if first not in names or second not in names:
            return None
        numbers = names.index(first), names.index(second)
        return sum(
            len(self.members[numbers[0]][group]) * len(self.members[numbers[1]][following])
            for group, following in self.group_pairs(*numbers)
        )

    def group_pairs(self, first: int, second: int) -> set[tuple[int, int]]:
        """The pairs of groups of two slots, by their numbers, that may stand together."""
        if (first, second) not in self._pairs:
            self._pairs[first, second] = {(path[first], path[second]) for path in paths(self.root, len(self.slots))}
        return self._pairs[first, second]


def paths(node: Node, depth: int) -> Iterator[tuple[int, ...]]:
    """Every branch of the tree."""
    if not depth:
        yield ()
    for group, child in node.children.items():
        for path in paths(child, depth - 1):
            yield (group, *path)


def weights_of(slot: Slot) -> Sequence[Fraction]:
    """The weight of each option."""
    return slot.table.weights or (Fraction(1),) * len(slot)


def count_combinations(block: Block, rules: SlotRules | None) -> int:
    """How many different picks a template has under its rules."""
    bound = {slot.name for slot in rules.slots} if rules else set()
    free = prod(slot.count() for slot in block.slots() if slot.name not in bound)
    return free * (rules.root.count if rules else 1)

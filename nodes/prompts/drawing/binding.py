"""Rules as written, bound to the slots of one class: the options that they name, and what they forbid."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ..language.errors import SourceLocation, TemplateError, nearest
from ..language.names import key_of
from ..language.rules import Link, Named, Rule
from ..wildcards.tables import OptionTable, weighted
from .compile import Block, Slot
from .decks import MAX_SHUFFLED
from .rules import Node, SlotRules, paths, weights_of

_MAX_NAMED = 100_000  # options of a list that rules may name; a judgement, likewise
MAX_NODES = 100_000  # of the tree; a judgement that bounds memory and time

_Allowed = np.ndarray[Any, np.dtype[np.bool_]]


def apply_rules(rules: Sequence[Rule | Link], label: str, labels: Sequence[str], block: Block) -> SlotRules | None:
    """What the rules make of the slots of one class; takes options away from slots where they never may come.

    Args:
        label: the class; `labels` are those of the plan, which a rule may name.
        block: its template.

    Raises:
        TemplateError: the rules leave nothing.
    """
    bound = _Bound(label, labels, block)
    for rule in rules:
        if isinstance(rule, Rule):
            bound.add(rule)
        else:
            bound.link(rule)
    return bound.made()


def check_named(rules: Sequence[Rule | Link], labels: Sequence[str], blocks: Sequence[Block]) -> None:
    """Raises where a rule names an option, a slot or a class that no template of the plan has."""
    slots = [slot for block in blocks for slot in block.slots()]
    singles = [slot for slot in slots if slot.single]
    for rule in rules:
        named = (*rule.condition, *rule.targets) if isinstance(rule, Rule) else rule.slots
        for name in named:
            _check_slot(name, rule.location, slots)
            if isinstance(rule, Link) or not name.option:
                continue
            is_class = name in rule.condition and _is_class(name, labels)
            if is_class or any(_options_of(name, slot) for slot in singles):
                continue
            options = [text for slot in singles for text in slot.table.texts[:2000] if _is_slot(name, slot)]
            what = f"no option {name.option}" + (f" of slot {name.slot}" if name.slot else "")
            how = "expected an option of a slot that every prompt has, which takes one"
            raise TemplateError(what, how + nearest(name.option, options), rule.location, name.offset)


def _check_slot(name: Named, location: SourceLocation, slots: Sequence[Slot]) -> None:
    """Raises where a slot that is named is no slot, or takes several options."""
    if not name.slot or key_of(name.slot) == "class":
        return
    matching = [slot for slot in slots if _is_slot(name, slot)]
    if not matching:
        names = sorted({slot.name for slot in slots})
        how = f"expected one that every prompt has ({', '.join(names) or 'there is none'})"
        raise TemplateError(f"no slot {name.slot}", how + nearest(name.slot, names), location, name.offset)
    if not any(slot.single for slot in matching):
        how = "rules are for slots that take one option"
        raise TemplateError(f"slot {name.slot}, which takes several options", how, location, name.offset)


class _Bound:
    """The rules of one class so far: options that never come, and pairs of options that may not stand together."""

    def __init__(self, label: str, labels: Sequence[str], block: Block) -> None:
        self.label = label
        self.labels = labels
        self.slots = [slot for slot in block.slots() if slot.single]
        self.allowed = [np.ones(len(slot), dtype=bool) for slot in self.slots]
        self.together: dict[tuple[int, int], _Allowed] = {}  # (first, second) slot -> (S_first, S_second)
        self.notes: list[str] = []
        self.last: Rule | Link | None = None

    def add(self, rule: Rule) -> None:
        """A rule with `not` or `only`."""
        conditions: dict[int, set[int]] = {}
        is_whole = not rule.condition  # whether it holds for the whole class
        for name in rule.condition:
            if _is_class(name, self.labels):
                is_whole |= key_of(name.option) == key_of(self.label)
                continue
            for position, options in self._positions(name):
                conditions.setdefault(position, set()).update(options)
        if not is_whole and not conditions:
            return  # another class's
        targets: dict[int, set[int]] = {}
        for name in rule.targets:
            positions = self._positions(name)
            if rule.is_only and len(positions) > 1:
                slots = " and ".join(self.slots[position].name for position, _ in positions)
                how = (
                    f"it stands in several slots ({slots}); say in which, as in {self.slots[positions[0][0]].name}={{}}"
                )
                raise TemplateError(f"option {name.option}", how.format(name.option), rule.location, name.offset)
            for position, options in positions:
                targets.setdefault(position, set()).update(options)
        for position, options in targets.items():
            if len(self.slots[position]) > MAX_SHUFFLED:
                how = f"rules are for lists of at most {MAX_SHUFFLED} options"
                raise TemplateError(f"slot {self.slots[position].name}", how, rule.location)
            keeps = np.array([(option in options) == rule.is_only for option in range(len(self.slots[position]))])
            self._forbid(rule, {} if is_whole else conditions, position, keeps)

    def _forbid(self, rule: Rule, conditions: dict[int, set[int]], position: int, keeps: _Allowed) -> None:
        self.last = rule
        if not conditions:
            self.allowed[position] &= keeps
            self.notes.append(f"{rule.text}: {int((~keeps).sum())} options of {self.slots[position].name} never come")
        for limited, options in conditions.items():
            if limited == position:
                how = "a rule is between options of two slots, or about a class"
                raise TemplateError(f"a rule of slot {self.slots[position].name} alone", how, rule.location)
            if len(self.slots[limited]) > MAX_SHUFFLED:
                how = f"rules are for lists of at most {MAX_SHUFFLED} options"
                raise TemplateError(f"slot {self.slots[limited].name}", how, rule.location)
            allowed = np.ones((len(self.slots[limited]), len(keeps)), dtype=bool)
            allowed[sorted(options)] = keeps
            self._and(limited, position, allowed)
            pairs = f"{int((~allowed).sum())} pairs of {self.slots[limited].name} and {self.slots[position].name}"
            self.notes.append(f"{rule.text}: {pairs} never come")

    def link(self, link: Link) -> None:
        """Two lists in step."""
        positions = [[n for n, slot in enumerate(self.slots) if _is_slot(name, slot)] for name in link.slots]
        if not all(positions):
            return  # another class's
        first, second = positions[0][0], positions[1][0]
        lines = [_lines(self.slots[position]) for position in (first, second)]
        if first == second or len(lines[0]) != len(lines[1]):
            names = " and ".join(
                f"{self.slots[position].name} with {len(_lines(self.slots[position]))} lines"
                for position in (first, second)
            )
            raise TemplateError(
                f"slots {names}", "expected two lists of equally many lines", link.location, link.slots[0].offset
            )
        self.last = link
        allowed = np.zeros((len(self.slots[first]), len(self.slots[second])), dtype=bool)
        for one, other in zip(*lines, strict=True):
            if one is not None and other is not None:
                allowed[one, other] = True
        self._and(first, second, allowed)
        self.notes.append(f"{link.text}: line by line, {int(allowed.sum())} pairs")

    def _and(self, first: int, second: int, allowed: _Allowed) -> None:
        if first > second:
            first, second, allowed = second, first, allowed.T
        before = self.together.get((first, second))
        self.together[first, second] = allowed if before is None else before & allowed

    def _positions(self, name: Named) -> list[tuple[int, set[int]]]:
        """The slots that have the option, by number, with its numbers there."""
        positions = ((number, _options_of(name, slot)) for number, slot in enumerate(self.slots))
        return [(number, options) for number, options in positions if options]

    def made(self) -> SlotRules | None:
        """The tree; options that no branch has are taken away from their slots."""
        if self.last is None:
            return None
        for number, slot in enumerate(self.slots):
            self._keep(number, slot, self.allowed[number])
        for (first, second), allowed in self.together.items():
            self.together[first, second] = allowed[self.allowed[first]][:, self.allowed[second]]
        bound = sorted({number for pair in self.together for number in pair})
        tree = self._tree(bound)
        reached = [{path[level] for path in paths(tree.root, len(bound))} for level in range(len(bound))]
        if not all(reached):
            raise self._nothing("every prompt")
        keeps = [np.array([group in reached[level] for group in tree.groups[level]]) for level in range(len(bound))]
        if all(keep.all() for keep in keeps):
            return tree
        for number, keep in zip(bound, keeps, strict=True):
            self.allowed[number] = keep
            self._keep(number, self.slots[number], keep)
            never = int((~keep).sum())
            if never:
                self.notes.append(
                    f"{never} options of {self.slots[number].name} never come, since nothing may stand beside them"
                )
        for (first, second), allowed in self.together.items():
            one, other = keeps[bound.index(first)], keeps[bound.index(second)]
            self.together[first, second] = allowed[one][:, other]
        return self._tree(bound)

    def _keep(self, number: int, slot: Slot, keep: _Allowed) -> None:
        if not keep.any():
            raise self._nothing(f"every option of slot {slot.name}")
        if not keep.all():
            slot.restrict([int(option) for option in np.flatnonzero(keep)])

    def _nothing(self, what: str) -> TemplateError:
        assert self.last is not None
        how = f"leave something to class {self.label}: take this rule or one above it back"
        return TemplateError(f"a rule that forbids {what}", how, self.last.location, self._offset())

    def _offset(self) -> int:
        assert self.last is not None
        return max(0, self.last.location.text.find(self.last.text))

    def _tree(self, bound: Sequence[int]) -> SlotRules:
        slots = tuple(self.slots[number] for number in bound)
        groups: list[tuple[int, ...]] = []
        members: list[tuple[tuple[int, ...], ...]] = []
        for number, slot in zip(bound, slots, strict=True):
            rows = [allowed for (first, _), allowed in self.together.items() if first == number]
            rows += [allowed.T for (_, second), allowed in self.together.items() if second == number]
            alike: dict[bytes, list[int]] = {}
            for option in range(len(slot)):
                alike.setdefault(b"".join(row[option].tobytes() for row in rows), []).append(option)
            members.append(tuple(map(tuple, alike.values())))
            group_of = {option: group for group, options in enumerate(members[-1]) for option in options}
            groups.append(tuple(group_of[option] for option in range(len(slot))))
        nodes = 0

        def grow(path: tuple[int, ...]) -> Node | None:
            """The node after the groups of `path`, None where nothing may follow."""
            nonlocal nodes
            level = len(path)
            nodes += 1
            if nodes > MAX_NODES:
                assert self.last is not None
                raise TemplateError("too many rules", f"expected at most {MAX_NODES} cases", self.last.location)
            if level == len(bound):
                return Node({})
            slot, weights, children = slots[level], weights_of(slots[level]), {}
            for group, options in enumerate(members[level]):
                earlier = ((bound[one], members[one][path[one]][0]) for one in range(level))
                pairs = ((self.together.get((number, bound[level])), option) for number, option in earlier)
                if all(allowed is None or allowed[option, options[0]] for allowed, option in pairs):
                    child = grow((*path, group))
                    if child is not None:
                        children[group] = child
            if not children:
                return None
            counts = slot.counts
            return Node(
                children,
                sum(
                    (
                        child.weight * sum(weights[option] for option in members[level][group])
                        for group, child in children.items()
                    ),
                    Fraction(0),
                ),
                sum(
                    child.count * sum(counts[option] if counts else 1 for option in members[level][group])
                    for group, child in children.items()
                ),
            )

        root = grow(())
        if root is None:
            raise self._nothing("every prompt")
        return SlotRules(slots, tuple(groups), tuple(members), root, tuple(self.notes))


def _is_class(name: Named, labels: Sequence[str]) -> bool:
    return key_of(name.slot) in ("", "class") and key_of(name.option) in map(key_of, labels)


def _is_slot(name: Named, slot: Slot) -> bool:
    """Whether a slot is the one that is named, whole or without its folder; every one where none is."""
    name_key = key_of(name.slot)
    return name_key in ("", key_of(slot.name), key_of(slot.name).rpartition("/")[2])


def _options_of(name: Named, slot: Slot) -> set[int]:
    """The numbers of the options of a slot that are called so."""
    if not slot.single or not _is_slot(name, slot) or len(slot) > _MAX_NAMED:
        return set()
    return _numbers(slot.table).get(_plain(name.option), set())


@functools.lru_cache(maxsize=64)
def _numbers(table: OptionTable) -> dict[str, set[int]]:
    """The numbers of the options of each name."""
    numbers: dict[str, set[int]] = {}
    for number, text in enumerate(table.texts):
        numbers.setdefault(_plain(text), set()).add(number)
    return numbers


def _plain(text: str) -> str:
    """An option as it is compared: without a weight in brackets, without case, one blank between words."""
    bracket = re.fullmatch(r"\((.*?)(?::[\d.]+)?\)", text.strip())
    return key_of(" ".join((bracket[1] if bracket else text).split()))


def _lines(slot: Slot) -> list[int | None]:
    """For each line of a slot's lists, equal ones too, the number of its option; None where its weight is 0."""
    number_of = {text: number for number, text in enumerate(slot.table.texts)}
    if not slot.table.origin:
        return [number_of[text] for text in slot.table.texts]
    return [number_of.get(weighted(line)[0]) for wildcards, _ in slot.table.origin for line in wildcards.lines]

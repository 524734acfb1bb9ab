"""One template of one class as a function: number of the prompt -> its text and what was picked."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from ..item import Pick
from ..language.brackets import ends_in_number
from .compile import Block, Slot
from .decks import MAX_SHUFFLED, Deck, WeightedDeck, few_cards, quota_sequence, whole_shares
from .orders import Column, planned_orders, ruled_orders
from .render import render
from .rules import SlotRules
from .shards import Cut, Shard, cut, cut_planned
from .strategies import Balanced, Combinatorial, Random

_MAX_CARDS = 500  # of a deck of weighted options that rules bind; finer weights are rounded to it
_MAX_LAID_OUT = 1000  # options of a slot whose decks are laid out; a judgement that bounds memory


class Program:
    """One template of one class, ready to give any of its prompts.

    Args:
        block: the compiled template.
        coverage: "balanced", "random" or "combinatorial".
        key: what every choice depends on beside the number of the prompt.
        rules: between slots of the template.
    """

    def __init__(self, block: Block, coverage: str, key: str, rules: SlotRules | None = None) -> None:
        self.block = block
        self.coverage = coverage
        self.key = key
        self.rules = rules
        self.binds = bool(rules and rules.slots)
        self.balanced = _planned(block, key, rules if self.binds else None) if coverage == "balanced" else None
        self._format, self._decks = _laid_out(block, self.balanced) if self.balanced else ("", None)

    def render(self, number: int) -> tuple[str, tuple[Pick, ...]]:
        """Prompt `number`, from 0, and what was picked for it."""
        if self._decks is not None:
            return self._fill(self._decks, number)
        if self.balanced:
            return render(self.block, number, self.balanced)
        if self.coverage == "random":
            return render(self.block, None, Random(f"{self.key}\x1f{number}", self.rules))
        if not self.rules:
            return render(self.block, number, Combinatorial())
        bound, number = divmod(number, self.block.count() // prod(slot.count() for slot in self.rules.slots))
        return render(self.block, number, Combinatorial(self.rules.combination(bound)))

    def cut(self, images: int, count: int) -> Cut:
        """The first `images` prompts in `count` shards, each as even as it can be."""
        balanced = self.balanced
        if not balanced:
            return Cut(tuple(Shard(range(number, images, count)) for number in range(count)), 0)
        slots = [slot for slot in self.block.slots() if slot.single and 1 < len(slot) <= MAX_SHUFFLED]
        orders = [balanced.orders.get(slot.name, ()) for slot in slots]
        has_weights = any(slot.table.weights for slot in slots)
        if not self.binds and not has_weights and all(images <= len(order) for order in orders):
            return cut_planned(tuple(map(len, slots)), images, count)
        return cut(list(map(len, slots)), [balanced.deck(slot) for slot in slots], images, count)

    def _fill(self, decks: tuple[_LaidOutDeck, ...], number: int) -> tuple[str, tuple[Pick, ...]]:
        texts = []
        picks = []
        for slot in decks:
            deck, card = divmod(number, slot.size)
            current = slot.current
            if current[0] != deck:
                current = slot.lay_out(deck)
            texts.append(current[1][card])
            picks.append(current[2][card])
        return self._format % tuple(texts), tuple(picks)


class _LaidOutDeck:
    """The decks of one slot, of which the current one is laid out: the texts and the picks of its cards, in order."""

    def __init__(self, slot: Slot, deck: Deck) -> None:
        self.size = len(slot)
        self.deck = deck
        self.texts = [slot.piece(index) for index in range(self.size)]
        self.picks = [slot.pick(index) for index in range(self.size)]
        self.current: tuple[int, list[str], list[Pick]] = (-1, [], [])  # one value, since threads may share the plan

    def lay_out(self, number: int) -> tuple[int, list[str], list[Pick]]:
        """Deck `number`; the current one until another is asked for."""
        options = [self.deck.at(number * self.size + card)[0] for card in range(self.size)]
        self.current = (number, [self.texts[option] for option in options], [self.picks[option] for option in options])
        return self.current


def _laid_out(block: Block, balanced: Balanced) -> tuple[str, tuple[_LaidOutDeck, ...] | None]:
    """A format with %s for each slot, and the slots' decks; None where render() is needed.

    A second way to the same prompts (test_plan.py compares the two), for the template that nearly every plan has: text
    and slots that take one plain option each, in balanced coverage. Then a prompt is one `format % texts` over decks
    that are laid out once for as many prompts as the slot has options, and there is no weight to look for. Measured on
    the template of benchmarks/prompts.py: 377,000 prompts a second, 136,000 by render().
    """
    template, decks = "", []
    for part in block.parts:
        if isinstance(part, str):
            template += part.replace("%", "%%")
            continue
        if not isinstance(part, Slot) or not part.single or not part.plain or len(part) > _MAX_LAID_OUT:
            return "", None
        deck = balanced.deck(part)
        if isinstance(deck, WeightedDeck):
            return "", None
        decks.append(_LaidOutDeck(part, deck))
        if part.table.emphasis is not None and any(map(ends_in_number, decks[-1].texts)):
            return "", None
        template += "%s"
    return template, tuple(decks)


def _planned(block: Block, key: str, rules: SlotRules | None) -> Balanced:
    """The decks of the slots that every prompt has, planned together."""
    slots = [slot for slot in block.slots() if slot.single]
    if rules:
        bound = {slot.name for slot in rules.slots}
        orders, alike = _by_rules([slot for slot in slots if not slot.table.weights or slot.name in bound], rules)
        return Balanced(key, orders, alike=alike)
    cards: dict[str, Sequence[int]] = {
        slot.name: few for slot in slots if slot.table.weights and (few := few_cards(slot.table.weights))
    }
    slots = [slot for slot in slots if not slot.table.weights or slot.name in cards]
    planned = planned_orders(tuple(len(cards.get(slot.name, slot)) for slot in slots))
    orders = {slot.name: order for slot, order in zip(slots, planned, strict=True)}
    return Balanced(key, orders, cards=cards)


def _by_rules(
    slots: Sequence[Slot], rules: SlotRules
) -> tuple[dict[str, tuple[int, ...]], dict[str, Sequence[Sequence[int]]]]:
    """The order of each of the slots' options under the rules, and the options that are alike, by the slots' names."""
    level = {slot.name: number for number, slot in enumerate(rules.slots)}
    planned = [slot for slot in slots if len(slot) <= MAX_SHUFFLED]
    cards = [_cards(slot) for slot in planned]  # of each slot the option of each card
    columns = []
    for number, slot in enumerate(planned):
        if slot.name not in level:
            columns.append(Column(len(slot), (), {}))
            continue
        group = rules.groups[level[slot.name]]
        with_later = {}
        for later in range(number + 1, len(planned)):
            if planned[later].name in level:
                pairs = rules.group_pairs(level[slot.name], level[planned[later].name])
                second = rules.groups[level[planned[later].name]]
                with_later[later] = np.array(
                    [
                        [(group[card], second[following]) in pairs for following in cards[later]]
                        for card in cards[number]
                    ]
                )
        columns.append(Column(len(cards[number]), tuple(group[card] for card in cards[number]), with_later))
    orders: dict[str, tuple[int, ...]] = {}
    alike: dict[str, Sequence[Sequence[int]]] = {}
    for slot, options, order in zip(planned, cards, ruled_orders(columns, rules.root), strict=True):
        orders[slot.name] = tuple(options[card] for card in order)
        members = rules.members[level[slot.name]] if slot.name in level else [range(len(slot))]
        alike[slot.name] = members if slot.table.weights is None else ()
    return orders, alike


def _cards(slot: Slot) -> Sequence[int]:
    """The options of one deck of a slot, each as often as its weight says."""
    if slot.table.weights is None:
        return range(len(slot))
    shares = whole_shares(slot.table.weights, _MAX_CARDS)
    return quota_sequence(shares, slot.name)

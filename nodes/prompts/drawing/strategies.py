"""The three ways to choose: dealt from decks, drawn independently, or each combination once, in order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import perm, prod

from ..language.counting import selections, symmetric
from .compile import Block, DrawnVariable, Part, Slot, part_count
from .decks import CardDeck, Deck, RuledDeck, UniformDeck, WeightedDeck
from .keyed_random import Stream
from .rules import SlotRules

_MAX_DECKS = 100_000  # kept, a judgement that bounds memory; slots within long files have decks of their own


class Balanced:
    """Every option of a slot equally often; a token is the number of the visit.

    Args:
        key: what the shuffles depend on beside the slot's name.
        orders: of the decks of the slots that are planned, by name.
        cards: of those with weights, the option of each card of a deck.
        alike: where rules bind slots: of each that is planned, the options that may take each other's places.
    """

    def __init__(
        self,
        key: str,
        orders: dict[str, tuple[int, ...]],
        *,
        cards: dict[str, Sequence[int]] | None = None,
        alike: dict[str, Sequence[Sequence[int]]] | None = None,
    ) -> None:
        self.key = key
        self.orders = orders
        self.cards = cards or {}
        self.alike = alike or {}
        self._decks: dict[str, Deck] = {}

    def split(self, block: Block, token: int) -> Sequence[int]:
        """The number of the visit for every part: each slot of a block is visited as often as the block."""
        return (token,) * len(block.parts)

    def pick(self, slot: Slot, token: int) -> Sequence[tuple[int, int]]:
        """(option, its token) of every option picked: a slot of one asks its deck, others draw by the visit."""
        if slot.single:
            return (self.deck(slot).at(token),)
        stream = Stream(f"{self.key}\x1f{slot.name}\x1f{token}")
        return [(index, token) for index in draw_options(slot, stream)]

    def deck(self, slot: Slot) -> Deck:
        """The deck of a slot that takes one option."""
        deck = self._decks.get(slot.name)
        if deck is None:
            key = f"{self.key}\x1f{slot.name}"
            if slot.name in self.alike:
                deck = RuledDeck(len(slot), key, self.orders[slot.name], self.alike[slot.name])
            elif slot.name in self.cards:
                deck = CardDeck(self.cards[slot.name], key, self.orders[slot.name])
            elif slot.table.weights is not None:
                deck = WeightedDeck(slot.table.weights, key)
            else:
                deck = UniformDeck(len(slot), key, self.orders.get(slot.name, ()))
            if len(self._decks) > _MAX_DECKS:
                self._decks.clear()
            self._decks[slot.name] = deck
        return deck


class Random:
    """Every slot by itself, options by their weights (the thesis's algorithm 3-1); one object for each prompt.

    Slots that rules bind are drawn first, together, each allowed combination by the product of its weights.
    """

    def __init__(self, key: str, rules: SlotRules | None = None) -> None:
        self.stream = Stream(key)
        self._drawn = rules.draw(self.stream) if rules else {}

    def split(self, block: Block, token: None) -> Sequence[None]:
        """None for every part: the stream alone decides."""
        return (None,) * len(block.parts)

    def pick(self, slot: Slot, token: None) -> Sequence[tuple[int, None]]:
        """(option, None) of every option picked; moves the stream on."""
        if slot.name in self._drawn:
            return ((self._drawn[slot.name], None),)
        return [(index, None) for index in draw_options(slot, self.stream)]


class Combinatorial:
    """Each combination once; a token is its number, the last slot changing fastest; those that rules bind slowest.

    Args:
        bound: of the slots that rules bind, the option and the number of the combination inside it, by name.
    """

    def __init__(self, bound: dict[str, tuple[int, int]] | None = None) -> None:
        self._bound = bound or {}

    def split(self, block: Block, token: int) -> Sequence[int]:
        """The number of every part's combination: `token` in mixed radix, the last part its lowest digit."""
        tokens = []
        for part in reversed(block.parts):
            token, part_token = divmod(token, self._count(part))
            tokens.append(part_token)
        return tokens[::-1]

    def _count(self, part: Part) -> int:
        if isinstance(part, str) or (isinstance(part, Slot) and part.name in self._bound):
            return 1
        if isinstance(part, DrawnVariable) and self._bound:
            return prod(map(self._count, part.block.parts))
        return part_count(part)

    def pick(self, slot: Slot, token: int) -> Sequence[tuple[int, int]]:
        """(option, number of the combination inside it) of every option in the slot's selection number `token`."""
        if slot.name in self._bound:
            return (self._bound[slot.name],)
        if not slot.single:
            return _selection(slot.counts, len(slot), slot.low, slot.high, token)
        if slot.counts is None:
            return ((token, 0),)
        index = bisect_right(slot.picks_before, token) - 1
        return ((index, token - slot.picks_before[index]),)


def draw_options(slot: Slot, stream: Stream) -> list[int]:
    """The options that a slot takes at random: how many is drawn evenly, then one after another by weight.

    None comes twice. Without weights that is a Fisher-Yates shuffle stopped early, of which `moved` holds only the
    places that differ from the sorted order, so that two of a million options cost two steps.
    """
    cumulative = slot.cumulative_weights
    if slot.single:
        if cumulative is None:
            return [stream.below(len(slot))]
        return [bisect_right(cumulative, stream.below(cumulative[-1]))]
    size = slot.low + stream.below(slot.high - slot.low + 1)
    options = []
    if cumulative is None:
        moved: dict[int, int] = {}
        for number in range(size):
            index = number + stream.below(len(slot) - number)
            options.append(moved.get(index, index))
            moved[index] = moved.get(number, number)
        return options
    weights = [total - before for before, total in zip([0, *cumulative], cumulative, strict=False)]
    for _ in range(size):
        totals = list(accumulate(weights))
        index = bisect_right(totals, stream.below(totals[-1]))
        options.append(index)
        weights[index] = 0
    return options


def _selection(counts: list[int] | None, size: int, low: int, high: int, token: int) -> list[tuple[int, int]]:
    """Ordered selection number `token`: smaller ones first, then by the first option, what is inside it, the next...

    Args:
        counts: how many different picks each option has; None where each has one.
        size: how many options there are.
        low, high: how many are selected, at least and at most.
        token: in 0 to the number of all selections.

    Returns:
        The options, each with the number of the pick inside it.
    """
    for picked in range(low, high + 1):
        total = selections(counts, size, picked)
        if token < total:
            break
        token -= total
    selected: list[tuple[int, int]] = []
    if counts is None or len(set(counts)) == 1:  # every option opens as many selections: division finds it
        count = counts[0] if counts else 1
        for number in range(picked):
            remaining = picked - number - 1
            following = perm(size - number - 1, remaining) * count**remaining  # selections of what comes after
            nth, token = divmod(token, count * following)
            inside, token = divmod(token, following)
            selected.append((_nth_free(nth, [index for index, _ in selected]), inside))
        return selected
    free = list(range(size))
    for number in range(picked):
        remaining = picked - number - 1
        sums = symmetric([counts[index] for index in free], remaining)
        for index in free:
            following = perm(remaining) * _without(sums, counts[index])[remaining]
            if token < counts[index] * following:
                break
            token -= counts[index] * following
        inside, token = divmod(token, following)
        selected.append((index, inside))
        free.remove(index)
    return selected


def _without(sums: list[int], count: int) -> list[int]:
    """The symmetric polynomials without one of the counts: e_k(all) = e_k(others) + count e_k-1(others)."""
    others = [1]
    for degree in range(1, len(sums)):
        others.append(sums[degree] - count * others[degree - 1])
    return others


def _nth_free(number: int, selected: Sequence[int]) -> int:
    """The option that is number `number` of those not selected yet."""
    for index in sorted(selected):
        number += index <= number
    return number

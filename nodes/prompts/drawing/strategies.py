"""The three ways to choose: dealt from decks, drawn independently, or each combination once, in order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import perm

from ..language.counting import selections, symmetric
from .compile import Block, Slot, part_count
from .decks import Deck, UniformDeck, WeightedDeck
from .keyed_random import Stream


class Balanced:
    """Every option of a slot equally often; a token is the number of the visit.

    Args:
        key: what the shuffles depend on beside the slot's name.
        shifts: of the decks of the slots whose pairs are planned, by name.
    """

    def __init__(self, key: str, shifts: dict[str, tuple[int, ...]]) -> None:
        self.key = key
        self.shifts = shifts
        self._decks: dict[str, Deck] = {}

    def split(self, block: Block, token: int) -> Sequence[int]:
        return (token,) * len(block.parts)

    def pick(self, slot: Slot, token: int) -> Sequence[tuple[int, int]]:
        if slot.single:
            return (self.deck(slot).at(token),)
        stream = Stream(f"{self.key}\x1f{slot.name}\x1f{token}")
        return [(index, token) for index in several(slot, stream)]

    def deck(self, slot: Slot) -> Deck:
        """The deck of a slot that takes one option."""
        deck = self._decks.get(slot.name)
        if deck is None:
            key = f"{self.key}\x1f{slot.name}"
            if slot.table.weights is not None:
                deck = WeightedDeck(slot.table.weights, key)
            else:
                deck = UniformDeck(len(slot), key, self.shifts.get(slot.name, ()))
            if len(self._decks) > 100_000:
                self._decks.clear()
            self._decks[slot.name] = deck
        return deck


class Random:
    """Every slot by itself, options by their weights (the thesis's algorithm 3-1); one object for each prompt."""

    def __init__(self, key: str) -> None:
        self.stream = Stream(key)

    def split(self, block: Block, token: None) -> Sequence[None]:
        return (None,) * len(block.parts)

    def pick(self, slot: Slot, token: None) -> Sequence[tuple[int, None]]:
        return [(index, None) for index in several(slot, self.stream)]


class Combinatorial:
    """Each combination once; a token is its number, the last slot changing fastest."""

    def split(self, block: Block, token: int) -> Sequence[int]:
        tokens = []
        for part in reversed(block.parts):
            token, own = divmod(token, 1 if isinstance(part, str) else part_count(part))
            tokens.append(own)
        return tokens[::-1]

    def pick(self, slot: Slot, token: int) -> Sequence[tuple[int, int]]:
        counts = slot.counts()
        if not slot.single:
            return _selection(counts, len(slot), slot.low, slot.high, token)
        if counts is None:
            return ((token, 0),)
        before = slot.sums
        index = bisect_right(before, token) - 1
        return ((index, token - before[index]),)


def several(slot: Slot, stream: Stream) -> list[int]:
    """The options that an ordered selection takes: how many is drawn evenly, then one after another by weight."""
    shares = slot.shares
    if slot.single:
        return [stream.below(len(slot)) if shares is None else bisect_right(shares, stream.below(shares[-1]))]
    size = slot.low + stream.below(slot.high - slot.low + 1)
    if shares is None:
        moved: dict[int, int] = {}
        picked = []
        for done in range(size):
            at = done + stream.below(len(slot) - done)
            picked.append(moved.get(at, at))
            moved[at] = moved.get(done, done)
        return picked
    whole = [share - before for before, share in zip([0, *shares], shares, strict=False)]
    picked = []
    for _ in range(size):
        sums = list(accumulate(whole))
        index = bisect_right(sums, stream.below(sums[-1]))
        picked.append(index)
        whole[index] = 0
    return picked


def _selection(counts: list[int] | None, size: int, low: int, high: int, token: int) -> list[tuple[int, int]]:
    """Ordered selection number `token`: smaller ones first, then by the first option, what is inside it, the next..."""
    for picked in range(low, high + 1):
        total = selections(counts, size, picked)
        if token < total:
            break
        token -= total
    chosen: list[tuple[int, int]] = []
    if counts is None or len(set(counts)) == 1:
        each = counts[0] if counts else 1
        for done in range(picked):
            left = picked - done - 1
            rest = perm(size - done - 1, left) * each**left
            number, token = divmod(token, each * rest)
            inside, token = divmod(token, rest)
            chosen.append((_nth_free(number, [index for index, _ in chosen]), inside))
        return chosen
    free = list(range(size))
    for done in range(picked):
        left = picked - done - 1
        sums = symmetric([counts[index] for index in free], left)
        for index in free:
            rest = perm(left) * _without(sums, counts[index])[left]
            if token < counts[index] * rest:
                break
            token -= counts[index] * rest
        inside, token = divmod(token, rest)
        chosen.append((index, inside))
        free.remove(index)
    return chosen


def _without(sums: list[int], count: int) -> list[int]:
    """The symmetric polynomials without one of the counts."""
    out = [1]
    for degree in range(1, len(sums)):
        out.append(sums[degree] - count * out[degree - 1])
    return out


def _nth_free(number: int, taken: Sequence[int]) -> int:
    for index in sorted(taken):
        number += index <= number
    return number

"""Decks: how often and in which order the options of one slot come, by random access.

A slot's visit v is dealt from deck v // n, n cards each, so that after any number of visits two options differ in
count by at most one. Decks of the slots that every prompt has are planned in pairs: each is a shifted copy of a base
shuffle, the shifts chosen so that every pair of options of every two slots meets early (shift_tables). Weighted
options come by the quota rule: exact in each full deck, within 2 of the share anywhere.
"""

from __future__ import annotations

import functools
import hashlib
import heapq
import itertools
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Any, Protocol

import numpy as np

LARGEST_SHUFFLE = 4096  # options; longer lists are dealt by a keyed permutation that is never written out
LARGEST_WEIGHTED = 65_536  # cards of one deck; finer weights are rounded to it
LARGEST_PLANNED = 200  # options of a slot whose pairs are planned
_BUDGET = 40_000_000  # table look-ups that planning the pairs of one template may take
_SEEN_BITS = 20
_REPEAT = 0.02  # what a deck of repeated prompts costs, where a full set of new pairs of one slot is worth 1
_SMALL_BUDGET = 20_000  # deck-by-deck comparisons for templates of short lists
_HORIZON = 4  # decks are planned for this many times the largest product of two slots


class Deck(Protocol):
    def at(self, visit: int) -> tuple[int, int]:
        """The option of visit `visit`, and how often that option came before."""
        ...


class UniformDeck:
    """Equal options: each exactly once in every deck.

    Args:
        size: how many options.
        key: what the shuffles depend on, different for every slot.
        shifts: of each deck, over the same base shuffle; after the last a new base shuffle begins. Empty: a new
            shuffle for each deck.
    """

    def __init__(self, size: int, key: str, shifts: tuple[int, ...] = ()) -> None:
        self.size = size
        self.key = key
        self.shifts = shifts or (0,)
        self._period = len(self.shifts)
        self._base: tuple[int, Sequence[int]] = (-1, ())

    def at(self, visit: int) -> tuple[int, int]:
        size = self.size
        deck, place = divmod(visit, size)
        if size > LARGEST_SHUFFLE:
            return scrambled(place, size, f"{self.key}\x1f{deck}"), deck
        number, step = divmod(deck, self._period)
        base = self._base
        if base[0] != number:
            base = self._base = (number, shuffled(size, f"{self.key}\x1f{number}"))
        return base[1][(place + self.shifts[step]) % size], deck


class WeightedDeck:
    """Options with weights: equal weights form a group; groups follow the quota rule, options within one take turns.

    Every deck is the same quota sequence, begun at another place; so the count of a group at any prefix is off by
    less than 2, and exact at the end of a deck.
    """

    def __init__(self, weights: Sequence[Fraction], key: str) -> None:
        groups: dict[Fraction, list[int]] = {}
        for index, weight in enumerate(weights):
            groups.setdefault(weight, []).append(index)
        self.key = key
        self.groups = list(groups.values())
        self.cards = whole_shares([weight * len(members) for weight, members in groups.items()])
        self.sequence = quota_sequence(self.cards, key)
        self.places: list[list[int]] = [[] for _ in self.groups]
        for place, group in enumerate(self.sequence):
            self.places[group].append(place)
        self.within = [UniformDeck(len(members), f"{key}\x1fgroup{n}") for n, members in enumerate(self.groups)]

    def at(self, visit: int) -> tuple[int, int]:
        size = len(self.sequence)
        deck, place = divmod(visit, size)
        shift = number_of(f"{self.key}\x1f{deck}") % size
        at = (place + shift) % size
        group = self.sequence[at]
        places = self.places[group]
        before = (bisect_left(places, at) - bisect_left(places, shift)) % len(places)
        member, times = self.within[group].at(deck * self.cards[group] + before)
        return self.groups[group][member], times


def whole_shares(weights: Sequence[Fraction]) -> list[int]:
    """Whole numbers in the proportion of `weights`, at least 1 each; rounded where their sum would be too large."""
    scale = lcm(*(weight.denominator for weight in weights))
    cards = [int(weight * scale) for weight in weights]
    divisor = gcd(*cards)
    cards = [card // divisor for card in cards]
    total = sum(cards)
    if total <= LARGEST_WEIGHTED:
        return cards
    return [max(1, round(card * LARGEST_WEIGHTED / total)) for card in cards]


def quota_sequence(cards: Sequence[int], key: str) -> list[int]:
    """Group numbers, group g `cards[g]` times, so that each prefix has each group's share, rounded down or up.

    The j-th card of a group may come from place floor(j D / W) and must come before place ceil((j + 1) D / W); the
    earliest of those deadlines is always served (Liu and Layland 1973: that order meets them whenever any does).
    """
    total = sum(cards)
    order = shuffled(len(cards), f"{key}\x1fquota")
    waiting = [(0, order[group], group, 0) for group in range(len(cards))]
    heapq.heapify(waiting)
    ready: list[tuple[int, int, int, int]] = []
    sequence = []
    for place in range(total):
        while waiting and waiting[0][0] <= place:
            _, tie, group, done = heapq.heappop(waiting)
            heapq.heappush(ready, (-(-(done + 1) * total // cards[group]), tie, group, done))
        _, tie, group, done = heapq.heappop(ready)
        sequence.append(group)
        if done + 1 < cards[group]:
            heapq.heappush(waiting, ((done + 1) * total // cards[group], tie, group, done + 1))
    return sequence


def shift_tables(sizes: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """For each slot of those sizes the shift of each of its decks; () where its pairs are not planned.

    Each deck's shift is the one that brings most pairs, with the slots before it, that have not met; a pair of slots
    counts the more the fewer pairs it lacks. Depends on the sizes alone; what comes where is the base shuffle's matter.
    """
    planned = [index for index, size in enumerate(sizes) if 2 <= size <= LARGEST_PLANNED]
    while len(planned) > 1 and _cost([sizes[index] for index in planned]) > _BUDGET:
        planned.remove(max(planned, key=lambda index: (sizes[index], index)))
    tables = dict(zip(planned, _planned(tuple(sizes[index] for index in planned)), strict=True))
    return tuple(tables.get(index, ()) for index in range(len(sizes)))


def _horizon(sizes: Sequence[int]) -> int:
    """How many images are planned: enough for every pair, and for short lists enough that prompts rarely repeat."""
    two = sorted(sizes)[-2:]
    compared = sum(index / size for index, size in enumerate(sizes)) or 1.0  # tables looked at, an image
    return max(_HORIZON * two[0] * two[-1], min(1024, int(_SMALL_BUDGET / compared)))


def _cost(sizes: Sequence[int]) -> int:
    return _horizon(sizes) * sum(index * size for index, size in enumerate(sizes))


@functools.lru_cache(maxsize=512)
def _planned(sizes: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    length = _horizon(sizes) if len(sizes) > 1 else 0
    tables: list[tuple[int, ...]] = []
    dealt: list[_Dealt] = []
    prompts = np.zeros(length, dtype=np.uint64)  # a hash of what the slots so far dealt for each image
    for size in sizes:
        shifts = _greedy(size, length, dealt, prompts)
        decks = np.array(shifts, dtype=np.int64)
        row = ((np.arange(size)[None, :] + decks[:, None]) % size).reshape(-1)[:length]
        dealt.append(row)
        tables.append(shifts)
        prompts = _mixed(prompts, row)
    return tuple(tables)


_Dealt = np.ndarray[Any, np.dtype[np.int64]]
_Hashes = np.ndarray[Any, np.dtype[np.uint64]]


def _mixed(prompts: _Hashes, options: _Dealt) -> _Hashes:
    mixed: _Hashes = (prompts + options.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return mixed


def _greedy(size: int, length: int, dealt: Sequence[_Dealt], prompts: _Hashes) -> tuple[int, ...]:
    steps = np.arange(size)
    turned = (steps[:, None] + steps[None, :]) % size  # [shift, place] -> option
    missing = [np.ones((int(other.max()) + 1, size), dtype=bool) for other in dealt]
    seen = np.zeros(1 << _SEEN_BITS, dtype=bool)  # prompts so far, by a part of their hash
    shifts = []
    for deck in range(-(-length // size)):
        places = np.arange(deck * size, min(length, deck * size + size))
        options = turned[:, : len(places)]
        score = np.zeros(size)
        for other, pairs in zip(dealt, missing, strict=True):
            left = int(pairs.sum())
            if left:
                new = pairs[other[places]]  # [place, option]
                score += new[steps[: len(places)], options].sum(axis=1) / left
        made = (_mixed(prompts[places][None, :], options) >> np.uint64(64 - _SEEN_BITS)).astype(np.int64)
        score -= seen[made].sum(axis=1) * (_REPEAT / size)
        best = np.flatnonzero(score >= score.max() - 1e-9)
        shift = int(best[number_of(f"{size}\x1f{len(dealt)}\x1f{deck}") % len(best)]) if dealt else 0
        shifts.append(shift)
        seen[made[shift]] = True
        for other, pairs in zip(dealt, missing, strict=True):
            pairs[other[places], options[shift]] = False
    return tuple(shifts)


def shuffled(size: int, key: str) -> list[int]:
    """The numbers below `size` in an order that depends on `key` alone."""
    words = memoryview(hashlib.shake_128(key.encode()).digest(8 * size)).cast("Q")
    return sorted(range(size), key=words.__getitem__)


def scrambled(place: int, size: int, key: str) -> int:
    """A permutation of the numbers below `size` that depends on `key`, at one place: a Feistel network, walked until
    the number is below `size` (Black and Rogaway 2002, cycle walking)."""
    half = ((size - 1).bit_length() + 1) // 2
    mask = (1 << half) - 1
    rounds = memoryview(hashlib.blake2b(key.encode(), digest_size=64).digest()).cast("Q")
    while True:
        left, right = place >> half, place & mask
        for word in itertools.islice(rounds, 8):
            mixed = ((right ^ word) * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
            left, right = right, left ^ ((mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9 >> 32) & mask
        place = (left << half) | right
        if place < size:
            return place


def number_of(key: str) -> int:
    """A number below 2**64 that depends on `key` alone."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")

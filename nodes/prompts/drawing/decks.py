"""Decks: how often and in which order the options of one slot come, by random access.

A deck has each of a slot's n options once, in a shuffled order. The slot's visits (one a prompt; fewer for a slot
within an option) deal deck after deck: visit v is card v % n of deck v // n. So after any number of visits two options
differ in count by at most one. Decks of the slots that every prompt has are planned in pairs: each is a shifted copy of
a base shuffle, the shifts chosen so that every pair of options of every two slots meets early (shift_tables). Weighted
options come by the quota rule: exact in each full deck, within 2 of the share anywhere.
"""

from __future__ import annotations

import functools
import hashlib
import heapq
import itertools
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Any, Protocol

import numpy as np

MAX_SHUFFLED = 4096  # options; longer lists are dealt by a keyed permutation that is never written out
MAX_WEIGHTED = 65_536  # cards of one deck; finer weights are rounded to it
_MAX_SHIFTS = 512  # of one deck, that are compared: of longer lists these many, spread evenly
_MAX_LOOKUPS = 40_000_000  # of table entries, that planning the pairs of one template may take: less than a second
_HASH_BITS = 20  # of a prompt's hash that tell prompts apart while pairs are planned: a table of a million
_REPEAT_COST = 0.02  # of a deck of repeated prompts, where a full set of new pairs of one slot is worth 1
_SMALL_LOOKUPS = 20_000  # of decks, that templates of short lists may take beyond their horizon
_HORIZON = 4  # decks are planned for this many times the largest product of two slots

_Options = np.ndarray[Any, np.dtype[np.int64]]
_Hashes = np.ndarray[Any, np.dtype[np.uint64]]


class Deck(Protocol):
    """The options of one slot in the order of its visits."""

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
        self._base: tuple[int, Sequence[int]] = (-1, ())  # the last base shuffle, with its number

    def at(self, visit: int) -> tuple[int, int]:
        """The option of visit `visit`, and the number of its deck, which is how often the option came before."""
        size = self.size
        deck, card = divmod(visit, size)
        if size > MAX_SHUFFLED:
            return scrambled(card, size, f"{self.key}\x1f{deck}"), deck
        number, step = divmod(deck, self._period)
        base = self._base
        if base[0] != number:
            base = self._base = (number, shuffled(size, f"{self.key}\x1f{number}"))
        return base[1][(card + self.shifts[step]) % size], deck


class WeightedDeck:
    """Options with weights: equal weights form a group; groups follow the quota rule, options within one take turns.

    Every deck is the same quota sequence, begun at another card; so the count of a group at any prefix is off by
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
        self.indices: list[list[int]] = [[] for _ in self.groups]  # where each group stands in the sequence
        for index, group in enumerate(self.sequence):
            self.indices[group].append(index)
        self.within = [UniformDeck(len(members), f"{key}\x1fgroup{n}") for n, members in enumerate(self.groups)]

    def at(self, visit: int) -> tuple[int, int]:
        """The option of visit `visit`, and how often that option came before."""
        size = len(self.sequence)
        deck, card = divmod(visit, size)
        shift = number_of(f"{self.key}\x1f{deck}") % size
        index = (card + shift) % size
        group = self.sequence[index]
        indices = self.indices[group]
        before = (bisect_left(indices, index) - bisect_left(indices, shift)) % len(indices)  # of the group, this deck
        member, count = self.within[group].at(deck * self.cards[group] + before)
        return self.groups[group][member], count


def whole_shares(weights: Sequence[Fraction]) -> list[int]:
    """Whole numbers in the proportion of `weights`, at least 1 each; rounded where their sum would be too large."""
    cards = _smallest_shares(weights)
    total = sum(cards)
    if total <= MAX_WEIGHTED:
        return cards
    return [max(1, round(card * MAX_WEIGHTED / total)) for card in cards]


def is_rounded(weights: Sequence[Fraction]) -> bool:
    """Whether options of those weights come by rounded shares, since a deck of them would be too large."""
    return sum(_smallest_shares([weight * count for weight, count in Counter(weights).items()])) > MAX_WEIGHTED


def _smallest_shares(weights: Sequence[Fraction]) -> list[int]:
    scale = lcm(*(weight.denominator for weight in weights))
    cards = [int(weight * scale) for weight in weights]
    divisor = gcd(*cards)
    return [card // divisor for card in cards]


def quota_sequence(cards: Sequence[int], key: str) -> list[int]:
    """Group numbers, group g `cards[g]` times, so that each prefix has each group's share, rounded down or up.

    The j-th card of a group of W among D cards may not come before index floor(j D / W) and must come before index
    ceil((j + 1) D / W); the earliest of those deadlines is always served (Liu and Layland 1973: that order meets them
    whenever any does).
    """
    total = sum(cards)
    ties = shuffled(len(cards), f"{key}\x1fquota")
    # (when its next card may come, tie, group, how many came)
    waiting = [(0, ties[group], group, 0) for group in range(len(cards))]
    heapq.heapify(waiting)
    ready: list[tuple[int, int, int, int]] = []  # (before when its next card must come, tie, group, how many came)
    sequence = []
    for index in range(total):
        while waiting and waiting[0][0] <= index:
            _, tie, group, count = heapq.heappop(waiting)
            heapq.heappush(ready, (-(-(count + 1) * total // cards[group]), tie, group, count))
        _, tie, group, count = heapq.heappop(ready)
        sequence.append(group)
        if count + 1 < cards[group]:
            heapq.heappush(waiting, ((count + 1) * total // cards[group], tie, group, count + 1))
    return sequence


def shift_tables(sizes: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """For each slot of those sizes the shift of each of its decks; () where its pairs are not planned.

    Pairs are planned for as many images as `plannable` says; after these the decks begin anew, over another shuffle.
    Each deck's shift is the one that brings most pairs, with the slots before it, that have not met; a pair of slots
    counts the more the fewer pairs it lacks. Depends on the sizes alone; which options these are is the base
    shuffle's matter.
    """
    planned, images = plannable(sizes)
    tables = dict(zip(planned, _planned(tuple(sizes[index] for index in planned), images), strict=True))
    return tuple(tables.get(index, ()) for index in range(len(sizes)))


def plannable(sizes: Sequence[int]) -> tuple[list[int], int]:
    """The slots of those sizes whose pairs are planned, and for how many images.

    For every pair to meet, and for short lists so long that prompts rarely repeat; for fewer images where that would
    take too long, as with two lists of thousands, and without the longest list where even one deck of it would.
    """
    planned = [index for index, size in enumerate(sizes) if 2 <= size <= MAX_SHUFFLED]
    while len(planned) > 1:
        lengths = [sizes[index] for index in planned]
        affordable = _MAX_LOOKUPS // sum(index * min(size, _MAX_SHIFTS) for index, size in enumerate(lengths))
        if affordable >= max(lengths):
            return planned, min(affordable, _wanted(lengths))
        planned.remove(max(planned, key=lambda index: (sizes[index], index)))
    return planned, 0


def _wanted(sizes: Sequence[int]) -> int:
    """The images after which every pair has met, and for short lists so many that prompts rarely repeat."""
    largest = sorted(sizes)[-2:]
    decks = sum(index / size for index, size in enumerate(sizes))  # of earlier slots compared, for one image
    return max(_HORIZON * largest[0] * largest[-1], min(1024, int(_SMALL_LOOKUPS / decks)))


@functools.lru_cache(maxsize=512)
def _planned(sizes: tuple[int, ...], length: int) -> tuple[tuple[int, ...], ...]:
    """The shifts of each slot's decks, one slot after another, for N = `length` images."""
    tables: list[tuple[int, ...]] = []
    planned: list[_Options] = []
    prompts = np.zeros(length, dtype=np.uint64)  # (N,) a hash of what the slots so far have in each image
    for size in sizes:
        shifts = _best_shifts(size, length, planned, prompts)
        decks = np.array(shifts, dtype=np.int64)  # (decks,)
        cards = (np.arange(size)[None, :] + decks[:, None]) % size  # (decks, size)
        options = cards.reshape(-1)[:length]  # (N,) the option of each image
        planned.append(options)
        tables.append(shifts)
        prompts = _mixed(prompts, options)
    return tuple(tables)


def _mixed(prompts: _Hashes, options: _Options) -> _Hashes:
    """The hashes of the prompts with one more slot; 0x9E37.. is 2**64 over the golden ratio (Knuth's hash)."""
    mixed: _Hashes = (prompts + options.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return mixed


def _best_shifts(size: int, length: int, earlier: Sequence[_Options], prompts: _Hashes) -> tuple[int, ...]:
    """The shift of each deck of a slot, deck after deck, each the best one after those before it.

    Args:
        size: the slot's options, S.
        length: images, N.
        earlier: for each slot before it (N,) the option of each image; slot e has S_e options.
        prompts: (N,) a hash of what those slots have together.
    """
    cards = np.arange(size)
    compared = np.arange(min(size, _MAX_SHIFTS)) * size // min(size, _MAX_SHIFTS)  # (K,) the shifts
    by_shift = (compared[:, None] + cards[None, :]) % size  # (K shifts, S cards) -> option
    unmet = [np.ones((int(options.max()) + 1, size), dtype=bool) for options in earlier]  # each (S_e, S)
    used = np.zeros(1 << _HASH_BITS, dtype=bool)  # prompts so far, by a part of their hash
    shifts = []
    for deck in range(-(-length // size)):
        images = np.arange(deck * size, min(length, deck * size + size))  # (C,): C = S but in the last deck
        options = by_shift[:, : len(images)]  # (K, C)
        score = np.zeros(len(compared))  # (K,) of each shift
        for earlier_options, pairs in zip(earlier, unmet, strict=True):
            count = int(pairs.sum())
            if count:
                new = pairs[earlier_options[images]]  # (C, S): whether the image's option there has not met ours
                score += new[cards[: len(images)], options].sum(axis=1) / count  # (K, C) -> (K,)
        hashes = (_mixed(prompts[images][None, :], options) >> np.uint64(64 - _HASH_BITS)).astype(np.int64)  # (K, C)
        score -= used[hashes].sum(axis=1) * (_REPEAT_COST / size)  # (K, C) -> (K,)
        best = np.flatnonzero(score >= score.max() - 1e-9)
        shift = int(best[number_of(f"{size}\x1f{len(earlier)}\x1f{deck}") % len(best)])
        shifts.append(int(compared[shift]))
        used[hashes[shift]] = True
        for earlier_options, pairs in zip(earlier, unmet, strict=True):
            pairs[earlier_options[images], options[shift]] = False
    return tuple(shifts)


# The three below decide what every plan has: a change of their results would change every plan and every set.


def shuffled(size: int, key: str) -> list[int]:
    """The numbers below `size` in an order that depends on `key` alone (SHAKE-128, so on every machine)."""
    words = memoryview(hashlib.shake_128(key.encode()).digest(8 * size)).cast("Q")
    return sorted(range(size), key=words.__getitem__)


def scrambled(index: int, size: int, key: str) -> int:
    """Number `index` of a permutation of the numbers below `size` that depends on `key` alone, without the others.

    A Feistel network of 8 rounds over the least even number of bits, walked until the number is below `size` (Black
    and Rogaway 2002, cycle walking).
    """
    # the factors are those of the generator splitmix64, chosen there for how well they mix
    half = ((size - 1).bit_length() + 1) // 2
    mask = (1 << half) - 1
    rounds = memoryview(hashlib.blake2b(key.encode(), digest_size=64).digest()).cast("Q")
    while True:
        left, right = index >> half, index & mask
        for word in itertools.islice(rounds, 8):
            mixed = ((right ^ word) * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
            left, right = right, left ^ ((mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9 >> 32) & mask
        index = (left << half) | right
        if index < size:
            return index


def number_of(key: str) -> int:
    """A number below 2**64 that depends on `key` alone."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")

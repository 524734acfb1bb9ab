"""Decks: how often and in which order the options of one slot come, by random access.

A deck has each of a slot's n options once, in a shuffled order. The slot's visits (one a prompt; fewer for a slot
within an option) deal deck after deck: visit v is card v % n of deck v // n. So after any number of visits two options
differ in count by at most one. Decks of the slots that every prompt has are planned together (orders.py). Weighted
options come by the quota rule: exact in each full deck, within 2 of the share anywhere.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Protocol

MAX_SHUFFLED = 4096  # options; longer lists are dealt by a keyed permutation that is never written out
MAX_WEIGHTED = 65_536  # cards of one deck; finer weights are rounded to it


class Deck(Protocol):
    """The options of one slot in the order of its visits."""

    def at(self, visit: int) -> tuple[int, int]:
        """The option of visit `visit`, and how often that option came before."""
        ...

    def shares(self) -> list[Fraction]:
        """The part of all visits that each option has."""
        ...


class UniformDeck:
    """Equal options: each exactly once in every deck.

    Args:
        size: how many options.
        key: what the shuffles depend on, different for every slot.
        order: whole decks of numbers below `size`, which stand for shuffled options; after the last the first follows
            with another shuffle. Empty: a new shuffle for each deck.
    """

    def __init__(self, size: int, key: str, order: Sequence[int] = ()) -> None:
        self.size = size
        self.key = key
        self.order = order or range(size)
        self._shuffle: tuple[int, Sequence[int]] = (-1, ())  # the last one, with its number

    def at(self, visit: int) -> tuple[int, int]:
        """The option of visit `visit`, and the number of its deck, which is how often the option came before."""
        size = self.size
        if size > MAX_SHUFFLED:
            deck, card = divmod(visit, size)
            return scrambled(card, size, f"{self.key}\x1f{deck}"), deck
        number, index = divmod(visit, len(self.order))
        shuffle = self._shuffle
        if shuffle[0] != number:
            shuffle = self._shuffle = (number, shuffled(size, f"{self.key}\x1f{number}"))
        return shuffle[1][self.order[index]], visit // size

    def shares(self) -> list[Fraction]:
        """The part of all visits that each option has."""
        return [Fraction(1, self.size)] * self.size


class CardDeck:
    """Options with weights, on so few cards that they may come in any order within a deck; as UniformDeck otherwise.

    Args:
        cards: the option of each card of a deck.
        key, order: as of UniformDeck, for the cards.
    """

    def __init__(self, cards: Sequence[int], key: str, order: Sequence[int] = ()) -> None:
        self.cards = cards
        self._counts = Counter(cards)
        self._deck = UniformDeck(len(cards), key, order)

    def at(self, visit: int) -> tuple[int, int]:
        """The option of visit `visit`, and how often that option came before."""
        card, deck = self._deck.at(visit)
        option = self.cards[card]
        earlier = range(deck * len(self.cards), visit) if self._counts[option] > 1 else ()
        before = sum(self.cards[self._deck.at(card_before)[0]] == option for card_before in earlier)
        return option, deck * self._counts[option] + before

    def shares(self) -> list[Fraction]:
        """The part of all visits that each option has."""
        return [Fraction(self._counts[option], len(self.cards)) for option in range(len(self._counts))]


class RuledDeck:
    """Options of a slot in an order that was planned by rules; after its last image it begins anew.

    Args:
        order: the option of each image.
        alike: options that may take each other's places; shuffled each time.
        key: what the shuffles depend on.
    """

    def __init__(self, size: int, key: str, order: Sequence[int], alike: Sequence[Sequence[int]]) -> None:
        self.size = size
        self.key = key
        self.order = order
        self.alike = alike
        counts = Counter[int]()
        self._before = []
        for option in order:
            self._before.append(counts[option])
            counts[option] += 1
        self._most = max(counts.values())
        self._shuffle: tuple[int, Sequence[int]] = (-1, ())

    def at(self, visit: int) -> tuple[int, int]:
        """The option of visit `visit`, and a number that grows each time it comes."""
        number, index = divmod(visit, len(self.order))
        shuffle = self._shuffle
        if shuffle[0] != number:
            places = list(range(self.size))
            for group, options in enumerate(self.alike):
                for option, place in zip(
                    options, shuffled(len(options), f"{self.key}\x1f{number}\x1f{group}"), strict=True
                ):
                    places[option] = options[place]
            shuffle = self._shuffle = (number, places)
        return shuffle[1][self.order[index]], number * self._most + self._before[index]

    def shares(self) -> list[Fraction]:
        """The part of all visits that each option has."""
        counts = Counter(self.order)
        return [Fraction(counts[option], len(self.order)) for option in range(self.size)]


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

    def shares(self) -> list[Fraction]:
        """The part of all visits that each option has."""
        share: dict[int, Fraction] = {}
        for cards, members in zip(self.cards, self.groups, strict=True):
            share.update(dict.fromkeys(members, Fraction(cards, len(members) * len(self.sequence))))
        return [share[option] for option in range(len(share))]


def whole_shares(weights: Sequence[Fraction], most: int = MAX_WEIGHTED) -> list[int]:
    """Whole numbers in the proportion of `weights`, at least 1 each; rounded where their sum would be too large."""
    cards = _smallest_shares(weights)
    total = sum(cards)
    if total <= most:
        return cards
    return [max(1, round(card * most / total)) for card in cards]


def few_cards(weights: Sequence[Fraction]) -> tuple[int, ...]:
    """The option of each card of a deck where, in any order, each stays within 2 of its share; else none.

    Of D cards an option with W of them is off by W (D - W) / D at most, where all of them come first or last.
    """
    shares = whole_shares(weights)
    total = sum(shares)
    if total > MAX_SHUFFLED or any(share * (total - share) >= 2 * total for share in shares):
        return ()
    return tuple(option for option, share in enumerate(shares) for _ in range(share))


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

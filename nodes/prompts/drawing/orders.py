"""The order of the decks of slots that every prompt has, planned together so that pairs meet and prompts differ.

Few combinations are laid out whole, each once (products.py). Else each deck is a shifted copy of the same numbers,
the shifts chosen so that every pair of options of every two slots meets early, that no k-th image strays, and, where
that leaves a choice, that each differs little from the one before: then a run of images is nearly even wherever it
begins. Depends on the sizes alone; which options the numbers stand for is a shuffle's matter (decks.py).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm, prod
from typing import Any

import numpy as np

from .decks import MAX_SHUFFLED, number_of
from .mending import Mender
from .products import MAX_PRODUCT, product_orders
from .rules import Node
from .strides import UNIT, Strides

_MAX_SHIFTS = 512  # of one deck, that are compared: of longer lists these many, spread evenly
_MAX_LOOKUPS = 40_000_000  # of table entries, that planning the pairs of one template may take: a few seconds
_HASH_BITS = 20  # of a prompt's hash that tell prompts apart while pairs are planned: a table of a million
_REPEAT_COST = 50  # of a deck of repeated prompts, where the shift that brings most new pairs is worth 1
_STRIDE_COST = 8  # of counts of every k-th image that go beyond what they may by 1 (strides.py), likewise
_DRIFT_COST = 10  # of a shift that differs by a whole deck from the one before, since small changes make even shards
_ENOUGH = 0.5  # of the new pairs that any shift brings; more are not worth a larger change of the shift
_URGENT = 40  # what the last new pairs are worth once two slots have had 1.2 times as many images as they have pairs
_SMALL_LOOKUPS = 20_000  # of decks, that templates of short lists may take beyond their horizon
_HORIZON = 4  # decks are planned for this many times the largest product of two slots

_LATE = 4  # of the pairs that rules allow, the last part so large is kept from being exchanged
_SMALL_ORDER = 1000  # images that are planned under rules at least

_Options = np.ndarray[Any, np.dtype[np.int64]]
_Flags = np.ndarray[Any, np.dtype[np.bool_]]
_Hashes = np.ndarray[Any, np.dtype[np.uint64]]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A slot as `ruled_orders` plans it.

    Args:
        size: its cards, S.
        groups: of each card, where rules bind the slot; else empty.
        with_later: for bound slots after it, by their number, (S, S_later) whether two cards may stand together.
    """

    size: int
    groups: tuple[int, ...]
    with_later: dict[int, _Flags]


def planned_orders(sizes: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """For each slot of those sizes the order of its decks (see UniformDeck); () where it is not planned.

    Where there are few combinations, each comes once before any comes again. Else pairs are planned for as many images
    as `plannable` says; after these the decks begin anew. One long list alone has no pairs to plan.
    """
    planned, images = plannable(sizes)
    lengths = tuple(sizes[index] for index in planned)
    if prod(lengths) <= MAX_PRODUCT:
        orders = product_orders(lengths)
    else:
        orders = _shifted(lengths, images) if images else ((),) * len(planned)
    by_index = dict(zip(planned, orders, strict=True))
    return tuple(by_index.get(index, ()) for index in range(len(sizes)))


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
def _shifted(sizes: tuple[int, ...], length: int) -> tuple[tuple[int, ...], ...]:
    """The whole decks of each slot, for at least N = `length` images; the longest list is planned first.

    Each deck's shift is the one that brings most pairs, with the slots before it, that have not met; a pair of slots
    counts the more the fewer pairs it lacks. The short decks of short lists fit themselves to the long ones best.
    """
    orders: list[tuple[int, ...]] = [()] * len(sizes)
    planned: list[_Options] = []
    prompts = np.zeros(length, dtype=np.uint64)  # (N,) a hash of what the slots so far have in each image
    for index in sorted(range(len(sizes)), key=lambda index: -sizes[index]):
        decks = _decks(sizes[index], length, planned, prompts)
        options = decks[:length]  # (N,) the option of each image
        planned.append(options)
        orders[index] = tuple(decks.tolist())
        prompts = _mixed(prompts, options)
    return tuple(orders)


def ruled_orders(columns: Sequence[Column], root: Node) -> list[tuple[int, ...]]:
    """For each slot its cards in as many images as are planned, all bound slots by the rules of the tree.

    After the last image the first may follow again. Decks are whole at that place where that takes not too long.
    """
    sizes = [column.size for column in columns]
    _, images = plannable(sizes)
    length = max(images, _SMALL_ORDER, *sizes)
    whole = lcm(*sizes)
    length = -(-length // whole) * whole if whole <= 4 * length else length
    nodes = [root] * length
    planned: list[_Options] = []
    prompts = np.zeros(length, dtype=np.uint64)
    for number, column in enumerate(columns):
        possible = [columns[earlier].with_later.get(number) for earlier in range(number)]
        mender = Mender(column.groups, nodes) if column.groups else None
        cards = _decks(column.size, length, planned, prompts, mender, possible)[:length]
        planned.append(cards)
        prompts = _mixed(prompts, cards)
    return [tuple(cards.tolist()) for cards in planned]


def _mixed(prompts: _Hashes, options: _Options) -> _Hashes:
    """The hashes of the prompts with one more slot; 0x9E37.. is 2**64 over the golden ratio (Knuth's hash)."""
    mixed: _Hashes = (prompts + options.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return mixed


def _decks(
    size: int,
    length: int,
    earlier: Sequence[_Options],
    prompts: _Hashes,
    mender: Mender | None = None,
    possible: Sequence[_Flags | None] = (),
) -> _Options:
    """The options of a slot, whole decks of them but for a mended last one, each the best after those before it.

    Args:
        size: the slot's options, S.
        length: images, N.
        earlier: for each slot before it (N,) the option of each image; slot e has S_e options.
        prompts: (N,) a hash of what those slots have together.
        mender: puts decks right where rules bind the slot.
        possible: for each slot before it (S_e, S) whether rules let the two stand together; None: all.
    """
    cards = np.arange(size)
    compared = np.arange(min(size, _MAX_SHIFTS)) * size // min(size, _MAX_SHIFTS)  # (K,) the shifts
    by_shift = (compared[:, None] + cards[None, :]) % size  # (K shifts, S cards) -> option
    unmet = [np.ones((int(options.max()) + 1, size), dtype=bool) for options in earlier]  # each (S_e, S)
    lates = [-1] * len(unmet)  # of bound slots: where so few pairs lack, or so late, each that comes is kept
    for number, pairs in enumerate(possible):
        if pairs is not None:
            unmet[number] &= pairs[: len(unmet[number])]
            lates[number] = int(unmet[number].sum()) // _LATE
    used = np.zeros(1 << _HASH_BITS, dtype=bool)  # prompts so far, by a part of their hash
    strides = Strides(size)
    previous = 0
    dealt = []
    for deck in range(-(-length // size)):
        images = np.arange(deck * size, min(length, deck * size + size))  # (C,): C = S but in the last deck
        options = by_shift[:, : len(images)]  # (K, C)
        score, urgent = np.zeros(len(compared)), np.zeros(len(compared))  # (K,) new pairs of each shift
        worth = np.zeros((len(images), size if mender else 0))  # (C, S) of each option in each image
        for earlier_options, pairs in zip(earlier, unmet, strict=True):
            count = int(pairs.sum())
            if count:
                lacking = pairs[earlier_options[images]]  # (C, S): whether the image's option there has not met ours
                new_pairs = lacking[cards[: len(images)], options].sum(axis=1) / count  # (K, C) -> (K,)
                score += new_pairs
                if 5 * images[0] >= 6 * pairs.size:
                    urgent += new_pairs
                if mender:
                    worth += lacking / count
        hashes = (_mixed(prompts[images][None, :], options) >> np.uint64(64 - _HASH_BITS)).astype(np.int64)  # (K, C)
        drift = np.abs((compared - previous + size // 2) % size - size // 2)
        value = -_REPEAT_COST * used[hashes].mean(axis=1) - _DRIFT_COST * drift / size  # (K, C) -> (K,)
        value += np.minimum(score / max(score.max(), 1e-9), _ENOUGH) + _URGENT * urgent / max(urgent.max(), 1e-9)
        value -= _STRIDE_COST * strides.excess(compared) / UNIT
        best = np.flatnonzero(value >= value.max() - 1e-9)
        shift = int(best[number_of(f"{size}\x1f{len(earlier)}\x1f{deck}") % len(best)])
        previous = int(compared[shift])
        chosen = options[shift]
        if mender:
            new = np.zeros((len(images), size), dtype=bool)
            for earlier_options, pairs, late in zip(earlier, unmet, lates, strict=True):
                if pairs.sum() <= late or (late >= 0 and images[0] >= pairs.size):
                    new |= pairs[earlier_options[images]]
            chosen = mender.mend(images.tolist(), chosen, worth, new)
        dealt.append(chosen if mender else by_shift[shift])
        used[hashes[shift]] = True
        strides.add(images, chosen)
        for earlier_options, pairs in zip(earlier, unmet, strict=True):
            pairs[earlier_options[images], chosen] = False
    return np.concatenate(dealt)

"""Every combination of a few short lists once, in an order in which each list comes deck after deck.

A first such order is plain arithmetic (`_first_order`). Any other is reached from it by exchanging two options p and q
of one slot along a chain: an image with p, the image with q of the same deck, the one with p that has the same options
elsewhere, and so on, round to the beginning. Each deck and each combination along it has both before and after, so
decks stay decks and no combination comes twice (Kempe's chains, as in the colouring of a bipartite graph). Two whole
images change places where no deck ends between them. Such moves are made at random, at first all, then those alone that
bring pairs earlier and let no k-th image stray too far; then images within a deck change places for the latter alone.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import lcm, prod
from operator import mul

import numpy as np

from .keyed_random import Stream
from .strides import even_out, excess

MAX_PRODUCT = 2500  # combinations that are laid out; a judgement: a second or less, some seconds for many short lists
_LEAST_IMAGES = 1500  # of fewer combinations several orders are laid out after one another
_MIXING = 4  # times that every option of every image is exchanged before the order is improved
_LOOKUPS = 2_000_000  # options looked at while it is improved; up to ten times as many where pairs lack
_PAIR_MARKS = ((1, 1), (2, 4), (3, 1_000_000))  # after so many times the least images, a pair that lacks costs so much
_EXCESS_COST = 10_000  # of a chi-square that is a thousandth too large over its degrees of freedom
_TOO_LATE = 1_000_000  # a cost above which a pair lacks at the last mark, or a k-th image strays
_UNIT = 10_000  # of costs, which are whole numbers so that every machine compares them alike

_Move = tuple[int | None, Sequence[int], tuple[int, int]]  # the slot, or None; the images; the options exchanged


@functools.lru_cache(maxsize=256)
def product_orders(sizes: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """For each slot of those sizes its option in each image, of one or several times as many as there are combinations.

    Each time has each combination once. Each slot's options come in whole decks: images d * size to
    d * size + size - 1 have each once.
    """
    order = _Order(sizes)
    stream = Stream("products\x1f" + "\x1f".join(map(str, sizes)))
    if order.movable:
        while min(order.moved[slot] for slot in order.movable) < _MIXING * order.images:
            order.move(stream, order.images)
        _improve(order, stream)
        images = even_out(sizes, order.options)
        return tuple(tuple(options[image] for image in images) for options in order.options)
    return tuple(map(tuple, order.options))


def _improve(order: _Order, stream: Stream) -> None:
    """Move at random where the cost does not rise; longer where pairs would meet too late, or a k-th image strays."""
    costs = {slot: order.lateness(slot) + order.excess(slot) for slot in order.movable}
    steps = min(700, _LOOKUPS // (order.images * len(order.movable)))
    early = min(
        order.images, _PAIR_MARKS[-1][0] * prod(sorted(order.sizes)[-2:])
    )  # images in which all pairs should meet
    for step in range(10 * steps):
        late = max(costs.values()) >= _TOO_LATE
        if step >= steps and not late:
            break
        move = order.move(stream, early if late and step % 2 else order.images)
        slots = order.movable if move[0] is None else (move[0],)
        changed = order.costs(slots, sum(costs[slot] for slot in slots))
        if changed is None:
            order.undo(move)
        else:
            costs.update(changed)


class _Order:
    """All combinations of slots of those sizes, once or several times, in an order of whole decks."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = sizes
        combinations = prod(sizes)
        times = max(1, -(-_LEAST_IMAGES // combinations))
        self.images = times * combinations
        self.options = [options * times for options in _first_order(sizes)]  # [slot][image]
        self.arrays = [np.array(options, dtype=np.int64) for options in self.options]  # the same
        self.place = list(accumulate(sizes[:0:-1], mul, initial=1))[::-1]  # of each slot in a combination's number
        self.numbers = [  # of each image, its combination's, larger each time
            sum(map(mul, options, self.place)) + image // combinations * combinations
            for image, options in enumerate(zip(*self.options, strict=True))
        ]
        self.image_of = [0] * self.images  # from that number
        for image, number in enumerate(self.numbers):
            self.image_of[number] = image
        self.in_deck = [[0] * self.images for _ in sizes]  # [slot][deck * size + option] -> image
        for slot, size in enumerate(sizes):
            for image, option in enumerate(self.options[slot]):
                self.in_deck[slot][image // size * size + option] = image

        self.moved = [0] * len(sizes)  # images of the chains of each slot so far
        self.movable = [slot for slot, size in enumerate(sizes) if size > 1]
        ends = sorted({end for size in sizes if size > 1 for end in range(0, self.images + 1, size)})
        self.apart = [range(first, end) for first, end in pairwise(ends) if end - first > 1]  # between decks' ends

    def move(self, stream: Stream, images: int) -> _Move:
        """Exchange two options along a chain through the first `images`, or two images that no deck's end parts."""
        if self.apart and not stream.below(3):
            between = self.apart[stream.below(len(self.apart))]
            first = stream.below(len(between))
            second = (first + 1 + stream.below(len(between) - 1)) % len(between)
            move: _Move = (None, (between[first], between[second]), (0, 0))
        else:
            slot = min(self.movable, key=self.moved.__getitem__)
            image = stream.below(images)
            old, new = self.options[slot][image], stream.below(self.sizes[slot] - 1)
            new += new >= old
            move = (slot, self._chain(slot, image, new), (old, new))
            self.moved[slot] += len(move[1])
        self.undo(move)
        return move

    def undo(self, move: _Move) -> None:
        """Exchange back: what was exchanged twice is as before."""
        slot, images, pair = move
        if slot is None:
            first, other = images
            for options in self.options:
                options[first], options[other] = options[other], options[first]
            self.numbers[first], self.numbers[other] = self.numbers[other], self.numbers[first]
        else:
            place, options = self.place[slot], self.options[slot]
            for image in images:
                new = pair[1] if options[image] == pair[0] else pair[0]
                self.numbers[image] += (new - options[image]) * place
                options[image] = new
        for image in images:
            self.image_of[self.numbers[image]] = image
            for number in range(len(self.sizes)) if slot is None else (slot,):
                size = self.sizes[number]
                self.in_deck[number][image // size * size + self.options[number][image]] = image
        for number in range(len(self.sizes)) if slot is None else (slot,):
            self.arrays[number][list(images)] = [self.options[number][image] for image in images]

    def _chain(self, slot: int, first: int, new: int) -> list[int]:
        """The images along which `new` and the option of image `first` can be exchanged in `slot`."""
        size, old = self.sizes[slot], self.options[slot][first]
        step = (old - new) * self.place[slot]
        image, chain = first, []
        while True:
            partner = self.in_deck[slot][image // size * size + new]
            chain += [image, partner]
            image = self.image_of[self.numbers[partner] + step]
            if image == first:
                return chain

    def costs(self, slots: Sequence[int], most: int) -> dict[int, int] | None:
        """What slots cost, None where that is more than `most` in all: then not all of it is worked out."""
        costs = {slot: self.lateness(slot) for slot in slots}
        left = most - sum(costs.values())
        for slot in slots:
            if left < 0:
                return None
            excess = self.excess(slot)
            costs[slot] += excess
            left -= excess
        return costs if left >= 0 else None

    def lateness(self, slot: int) -> int:
        """How late the pairs of one slot meet."""
        size, options = self.sizes[slot], self.arrays[slot]
        late = 0
        for other, other_size in enumerate(self.sizes):
            pairs = size * other_size
            if other == slot:
                continue
            met = self.arrays[other] * size + options
            for times, weight in _PAIR_MARKS:
                images = min(self.images, times * pairs)
                lacking = min(images, pairs) - np.count_nonzero(np.bincount(met[:images], minlength=pairs))
                late += int(lacking) * weight * _UNIT // pairs
        return late

    def excess(self, slot: int) -> int:
        """How far every k-th image of one slot is from even."""
        return _EXCESS_COST * excess(self.sizes[slot], self.arrays[slot])


def _first_order(sizes: Sequence[int]) -> list[list[int]]:
    """Slot j of image i has option (i + (i mod P_j) div L_j) mod s_j, P_j = s_1 .. s_j, L_j = lcm(P_(j-1), s_j).

    What is added to i is the same for all of a deck, since s_j divides L_j. The slots before j have the same options
    in images i and i + P_(j-1); there i mod s_j runs through one coset after another as what is added grows by one.
    """
    images, before = prod(sizes), 1
    order = []
    for size in sizes:
        after, period = before * size, lcm(before, size)
        order.append([(image + image % after // period) % size for image in range(images)])
        before = after
    return order

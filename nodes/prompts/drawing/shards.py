"""Which images of a class each machine makes, so that every shard alone is as even as the whole.

Shard k of n is the k-th of n equal runs of images. A run holds whole decks of each slot and a part of one deck at each
end, so each option is less than 2 from its even share. What is left is mended by exchanges: two images of different
shards change sides, again and again, the two that bring most options to within 1 of their share. Where none brings
more, every option that is still too far counts more from then on, so that the search leaves such places (breakout:
Morris 1993). Whole numbers alone decide, so every machine cuts alike.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from .decks import Deck, RuledDeck, UniformDeck
from .keyed_random import Stream
from .orders import planned_orders

_MAX_EXCHANGES = 8000  # a judgement: seconds at most, and mostly a few dozen are enough
_MAX_CELLS = 20_000_000  # options of shards looked at by all exchanges, which bounds cuts into very many shards
_MAX_ALL = 4000  # images of a class of which any may change sides; of more those near the ends of the runs
_MAX_NEAR = 500  # images on either side of an end, likewise
_MAX_LEAVING, _MAX_COMPARED = 32, 4096  # images that may leave, and pairs of images compared, for one exchange
_WEIGHT = 30  # of an option at first, where it gains 1 whenever no exchange brings more
_REST = 3  # exchanges for which an image stays where it came, at most, unless another brings more
_FORBIDDEN = 1 << 40

_Integers = np.ndarray[Any, np.dtype[np.int64]]
_Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Shard:
    """The images of one class that one machine makes, in order.

    Args:
        run: those that stand together.
        without: of the run, made by other shards.
        also: of other runs, made by this shard.
    """

    run: range
    without: frozenset[int] = frozenset()
    also: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.run) - len(self.without) + len(self.also)

    def __iter__(self) -> Iterator[int]:
        yield from (image for image in self.also if image < self.run.start)
        yield from (image for image in self.run if image not in self.without) if self.without else self.run
        yield from (image for image in self.also if image >= self.run.stop)


@dataclass(frozen=True, slots=True)
class Cut:
    """A class cut into shards; `strayed` says by how much, summed over their options, these are beyond 1 from even."""

    shards: tuple[Shard, ...]
    strayed: int


@functools.lru_cache(maxsize=64)
def cut_planned(sizes: tuple[int, ...], images: int, count: int) -> Cut:
    """`cut` of so few images that the slots of those sizes, planned together, do not begin anew."""
    decks = [UniformDeck(size, "", order) for size, order in zip(sizes, planned_orders(sizes), strict=True)]
    return cut(sizes, decks, images, count)


def cut(sizes: Sequence[int], decks: Sequence[Deck], images: int, count: int) -> Cut:
    """Images 0 to `images` - 1 in `count` shards.

    Args:
        sizes: of the slots that are to be even, S_j.
        decks: of these slots.
    """
    ends = [images // count * number + min(number, images % count) for number in range(count + 1)]
    runs = [range(first, end) for first, end in pairwise(ends)]
    if not sizes or images < 2:
        return Cut(tuple(map(Shard, runs)), 0)
    table = _Table(sizes, decks, runs)
    strayed = table.mend()
    return Cut(tuple(table.shards()), strayed)


class _Table:
    """How often each shard has each option, and the M images near the runs' ends, which may change sides.

    The T options of all k slots are numbered through, slot after slot.
    """

    def __init__(self, sizes: Sequence[int], decks: Sequence[Deck], runs: Sequence[range]) -> None:
        self.runs = runs
        images, near = runs[-1].stop, min(_MAX_NEAR, 2 * max(sizes))
        if images > _MAX_ALL:
            chosen = {image for run in runs[1:] for image in range(run.start - near, run.start + near)}
            movable = sorted(image for image in chosen if 0 <= image < images)
        else:
            movable = list(range(images))
        self.movable: _Integers = np.array(movable, dtype=np.int64)  # (M,)
        starts = np.array([run.start for run in runs], dtype=np.int64)
        self.home: _Integers = np.searchsorted(starts, self.movable, side="right") - 1  # (M,) the shard of its run
        self.shard = self.home.copy()  # (M,)
        self.slot_of: _Integers = np.repeat(np.arange(len(sizes)), sizes)  # (T,)
        lengths = np.array([len(run) for run in runs], dtype=np.int64)[:, None]
        options: list[list[int]] = []
        counts, least, most = list[_Integers](), list[_Integers](), list[_Integers]()  # of each slot (n, S_j)
        for first, size, deck in zip(accumulate(sizes, initial=0), sizes, decks, strict=False):
            options.append([first + deck.at(image)[0] for image in movable])
            if isinstance(deck, UniformDeck):
                counts.append(np.array([_counted(deck, size, run) for run in runs], dtype=np.int64))
                shares = deck.shares()
            else:
                dealt = np.array([deck.at(image)[0] for image in range(images)], dtype=np.int64)
                counts.append(np.array([np.bincount(dealt[run.start : run.stop], minlength=size) for run in runs]))
                if isinstance(deck, RuledDeck):  # then rules decide how often options come
                    shares = [Fraction(count, images) for count in np.bincount(dealt, minlength=size).tolist()]
                else:
                    shares = deck.shares()
            part = np.array([share.numerator for share in shares], dtype=np.int64)
            whole = np.array([share.denominator for share in shares], dtype=np.int64)
            least.append(-((whole - part * lengths) // whole))
            most.append((part * lengths + whole) // whole)
        self.options: _Integers = np.array(options, dtype=np.int64)  # (k, M)
        self.counts: _Integers = np.concatenate(counts, axis=1)  # (n, T), as the next two
        self.least: _Integers = np.concatenate(least, axis=1)
        self.most: _Integers = np.concatenate(most, axis=1)

    def shards(self) -> Iterator[Shard]:
        """Every shard."""
        moved = self.shard != self.home
        for number, run in enumerate(self.runs):
            without = self.movable[moved & (self.home == number)]
            also = self.movable[moved & (self.shard == number)]
            yield Shard(run, frozenset(without.tolist()), tuple(also.tolist()))

    def mend(self) -> int:
        """Exchange images until every option is within 1 of its share; how far the best state found is from that."""
        stream = Stream("shards")
        rests = np.zeros(len(self.movable), dtype=np.int64)  # (M,) the exchange up to which each stays
        weights = np.full_like(self.counts, _WEIGHT)  # (n, T)
        beyond = self._beyond()
        best, best_shard, farthest = int(beyond.sum()), self.shard.copy(), max(1, int(beyond.max()))
        for number in range(min(_MAX_EXCHANGES, _MAX_CELLS // weights.size)):
            if not best:
                break
            exchange = self._exchange(stream, beyond, weights, rests >= number)
            if exchange is None:
                continue
            leaving, coming, cost = exchange
            if cost >= 0:
                weights[beyond > 0] += 1
            self._change_sides(leaving, coming)
            rests[[leaving, coming]] = number + stream.below(_REST + 1)
            beyond = self._beyond()
            if beyond.sum() < best and beyond.max() <= farthest:
                best, best_shard = int(beyond.sum()), self.shard.copy()
        self.shard = best_shard
        return best

    def _beyond(self) -> _Integers:
        """(n, T): by how much each option is more than 1 from its share."""
        beyond: _Integers = np.maximum(np.maximum(self.counts - self.most, self.least - self.counts), 0)
        return beyond

    def _exchange(
        self, stream: Stream, beyond: _Integers, weights: _Integers, resting: _Flags
    ) -> tuple[int, int, int] | None:
        """The best exchange for one option that is too far from even: the two images, and what it costs; or None.

        The first image leaves the shard with that option, the second comes to it.
        """
        cells = np.flatnonzero(beyond)
        shard, option = divmod(int(cells[stream.below(len(cells))]), len(self.slot_of))
        here, has = self.shard == shard, self.options[self.slot_of[option]] == option
        is_over = self.counts[shard, option] > self.most[shard, option]
        leaving = _some(np.flatnonzero(here & (has == is_over)), _MAX_LEAVING, stream)
        coming = _some(np.flatnonzero(~here & (has != is_over)), _MAX_COMPARED // max(1, len(leaving)), stream)
        if not len(leaving) or not len(coming):
            return None
        more = weights * ((self.counts >= self.most).astype(np.int64) - (self.counts < self.least))  # (n, T)
        fewer = weights * ((self.counts <= self.least).astype(np.int64) - (self.counts > self.most))
        first, second = self.options[:, leaving, None], self.options[:, None, coming]  # (k, L, 1), (k, 1, C)
        target = self.shard[coming]  # (C,)
        costs = (fewer[shard, first] + more[target, first]) + (more[shard, second] + fewer[target, second])  # (k, L, C)
        total = (costs * (first != second)).sum(axis=0)
        total[(resting[leaving, None] | resting[coming]) & (total >= 0)] += _FORBIDDEN
        best = np.flatnonzero(total == total.min())
        row, column = divmod(int(best[stream.below(len(best))]), len(coming))
        return int(leaving[row]), int(coming[column]), int(total[row, column])

    def _change_sides(self, leaving: int, coming: int) -> None:
        here, there = self.shard[leaving], self.shard[coming]
        for image, change in ((leaving, 1), (coming, -1)):
            self.counts[here, self.options[:, image]] -= change
            self.counts[there, self.options[:, image]] += change
        self.shard[leaving], self.shard[coming] = there, here


def _counted(deck: Deck, size: int, run: range) -> list[int]:
    """How often each option comes in a run: once in each whole deck, and in the parts of decks at its ends."""
    first, last = -(-run.start // size) * size, run.stop // size * size
    if first > last:
        counts, parts = [0] * size, [run]
    else:
        counts, parts = [(last - first) // size] * size, [range(run.start, first), range(last, run.stop)]
    for part in parts:
        for image in part:
            counts[deck.at(image)[0]] += 1
    return counts


def _some(images: _Integers, most: int, stream: Stream) -> _Integers:
    """At most so many of the images, evenly spaced from a random one on."""
    if len(images) <= most:
        return images
    places = (np.arange(most) * len(images) // most + stream.below(len(images))) % len(images)
    return images[places]

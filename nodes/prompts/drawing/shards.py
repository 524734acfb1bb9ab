"""Which images of a class each machine makes, so that every shard alone is as even as the whole.

Shard k of n is the k-th of n equal runs of images. A run holds whole decks of each slot and a part of one deck at each
end, so each option is less than 2 from its even share. What is left is mended where the runs meet: two images of
different shards change sides, again and again, each time the two that bring most options to within 1 of their share
(min-conflicts: Minton et al. 1992). Whole numbers alone decide, so every machine cuts alike.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from .decks import Deck, UniformDeck
from .keyed_random import Stream
from .orders import planned_orders

_MAX_EXCHANGES = 5000  # of one attempt; a judgement: seconds at most, and nearly always a few dozen are enough
_MAX_ALL = 4000  # images of a class of which any may change sides; of more those near the ends of the runs
_MAX_NEAR = 500  # images on either side of an end, likewise
_MAX_LEAVING, _MAX_COMING = 64, 2000  # images that are compared for one exchange
_BEYOND = 30  # what an option farther beyond 1 from its share costs, where one nearer to its end costs 2
_WAITING = (4, 2)  # exchanges for which an image stays where it came, for one attempt after another

_Integers = np.ndarray[Any, np.dtype[np.int64]]


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
        decks: of these slots; each has each option once in S_j images, but for those that rules bind.
    """
    ends = [images // count * number + min(number, images % count) for number in range(count + 1)]
    runs = [range(first, end) for first, end in pairwise(ends)]
    if not sizes or images < 2:
        return Cut(tuple(map(Shard, runs)), 0)
    cuts: list[Cut] = []
    for waiting in _WAITING:
        table = _Table(sizes, decks, runs)
        strayed = table.mend(waiting)
        cuts.append(Cut(tuple(table.shards()), strayed))
        if not strayed:
            break
    return min(cuts, key=lambda shards: shards.strayed)


class _Table:
    """How often each shard has each option, and the M images near the runs' ends, which may change sides."""

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
        self.options: list[_Integers] = []  # of each slot (M,)
        self.counts: list[_Integers] = []  # of each slot (n, S_j), as the next two
        self.least: list[_Integers] = []
        self.most: list[_Integers] = []
        lengths = np.array([len(run) for run in runs], dtype=np.int64)[:, None]
        for size, deck in zip(sizes, decks, strict=True):
            self.options.append(np.array([deck.at(image)[0] for image in movable], dtype=np.int64))
            if isinstance(deck, UniformDeck):
                counts = np.array([_counted(deck, size, run) for run in runs], dtype=np.int64)
                share, whole = np.ones(size, dtype=np.int64), size  # an even shard has share / whole of its images
            else:
                options = np.array([deck.at(image)[0] for image in range(images)], dtype=np.int64)
                counts = np.array([np.bincount(options[run.start : run.stop], minlength=size) for run in runs])
                share, whole = counts.sum(axis=0), images
            self.counts.append(counts)
            self.least.append(-(-(share * lengths - whole) // whole))
            self.most.append((share * lengths + whole) // whole)

    def shards(self) -> Iterator[Shard]:
        """Every shard."""
        for number, run in enumerate(self.runs):
            moved = self.shard != self.home
            without = self.movable[moved & (self.home == number)]
            also = self.movable[moved & (self.shard == number)]
            yield Shard(run, frozenset(without.tolist()), tuple(also.tolist()))

    def mend(self, waiting: int) -> int:
        """Exchange images until every option is within 1 of its share; how far the best state found is from that.

        Args:
            waiting: exchanges for which an image stays where it came, at least; up to twice as many.
        """
        stream = Stream(f"shards\x1f{waiting}")
        rests = np.zeros(len(self.movable), dtype=np.int64)  # (M,) the exchange up to which each stays
        strayed = sum(int(self._beyond(slot).sum()) for slot in range(len(self.counts)))
        best, best_shard = strayed, self.shard.copy()
        for number in range(_MAX_EXCHANGES):
            if not best:
                break
            exchange = self._exchange(stream, rests > number)
            if exchange is None:
                continue
            cost, leaving, coming = exchange
            self._change_sides(leaving, coming)
            rests[[leaving, coming]] = number + waiting + stream.below(waiting)
            strayed += cost
            if strayed < best:
                best, best_shard = strayed, self.shard.copy()
        self.shard = best_shard
        return best

    def _beyond(self, slot: int) -> _Integers:
        """(n, S_j): by how much each option is more than 1 from its share."""
        counts = self.counts[slot]
        beyond: _Integers = np.maximum(0, counts - self.most[slot]) + np.maximum(0, self.least[slot] - counts)
        return beyond

    def _exchange(self, stream: Stream, resting: np.ndarray[Any, np.dtype[np.bool_]]) -> tuple[int, int, int] | None:
        """The best exchange for one option that is too far from even: what it costs, and the two images; or None.

        The first image leaves the shard with that option, the second comes to it.
        """
        cells = [np.argwhere(self._beyond(slot)) for slot in range(len(self.counts))]
        number = stream.below(sum(map(len, cells)))
        slot = 0
        while number >= len(cells[slot]):
            number -= len(cells[slot])
            slot += 1
        shard, option = cells[slot][number]
        here, has = self.shard == shard, self.options[slot] == option
        is_over = self.counts[slot][shard, option] > self.most[slot][shard, option]
        leaving = _some(np.flatnonzero(here & (has == is_over)), _MAX_LEAVING, stream)
        coming = _some(np.flatnonzero(~here & (has != is_over)), _MAX_COMING, stream)
        if not len(leaving) or not len(coming):
            return None
        beyond, uneven = np.zeros((2, len(leaving), len(coming)), dtype=np.int64)
        there = self.shard[coming]
        for slot, options in enumerate(self.options):
            first, second = options[leaving][:, None], options[coming][None, :]
            differ = first != second
            for gets, loses, part in ((second, first, shard), (first, second, there)):
                for option, change in ((gets, 1), (loses, -1)):
                    farther, excess = self._step(slot, part, option, change)
                    beyond += differ * farther
                    uneven += differ * excess
        waits = (resting[leaving][:, None] | resting[coming][None, :]) & (beyond >= 0)
        costs = _BEYOND * beyond + uneven + waits * 1_000_000
        best = np.argwhere(costs == costs.min())
        row, column = best[stream.below(len(best))]
        return int(beyond[row, column]), int(leaving[row]), int(coming[column])

    def _step(self, slot: int, shard: _Integers, options: _Integers, change: int) -> tuple[_Integers, _Integers]:
        """By how much options of a slot are farther beyond 1 from their share when they come `change` times more.

        The second: by how much they are over their share already, in the direction of the change.
        """
        counts = self.counts[slot][shard, options]
        most, least = self.most[slot][shard, options], self.least[slot][shard, options]
        if change > 0:
            return (counts >= most).astype(np.int64) - (counts < least), 2 * counts - most - least
        return (counts <= least).astype(np.int64) - (counts > most), most + least - 2 * counts

    def _change_sides(self, leaving: int, coming: int) -> None:
        here, there = self.shard[leaving], self.shard[coming]
        for counts, options in zip(self.counts, self.options, strict=True):
            counts[here, options[leaving]] -= 1
            counts[there, options[leaving]] += 1
            counts[there, options[coming]] -= 1
            counts[here, options[coming]] += 1
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

"""Every k-th image, for k of 2 to 16, from any image on, has each option of a slot about equally often.

So it is within what is planned, where each option is due once or more. How far it strays is Pearson's chi-square over
its degrees of freedom, which is 1 on average for independent draws.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import combinations, pairwise
from math import sqrt
from typing import Any

import numpy as np

_STEPS = np.arange(2, 17)  # (15,) k
_FIRST_ROWS = np.cumsum(_STEPS) - _STEPS  # (15,) of each k where its k rows begin
_ROWS = int(_STEPS.sum())
_SWEEPS = 8  # times that all images are looked at by `even_out`; a judgement, later ones change little
_PART = 300  # images after one another, which are evened for themselves too, so that fewer images stray as little
_REACH = 8  # images between two that change places, at most
_WHOLE = 8  # times that all images count as much as each such part
_MORE = (0, 1.5)  # deviations of a whole, of a part, from which on it counts twice as much with every sweep
UNIT = 1000  # of weights and costs, which are whole numbers so that every machine decides alike

_Integers = np.ndarray[Any, np.dtype[np.int64]]
_Reals = np.ndarray[Any, np.dtype[np.float64]]


class Strides:
    """How often every k-th image had each option of a slot of S, of decks that are shifted copies of 0 to S - 1.

    Counted by u = (image - option) mod k, which is the same for all options of a deck but for the shift's turn. Counts
    stay about 1 from their means however many images there are, so that they stray little between any two images too.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._counts = np.zeros((_ROWS, size), dtype=np.int64)  # (u of every k, option)
        self._images = 0

    def excess(self, shifts: _Integers) -> _Integers:
        """(K,) of each of K shifts of the next deck: how far counts would go beyond what they may, in thousandths.

        Of each k the mean square of how far its counts are from their means, beyond 1; all k together.
        """
        size, first = self._size, self._images
        before = np.zeros((_ROWS, size + 1), dtype=np.int64)  # of each row how often options below came
        np.cumsum(self._counts, axis=1, out=before[:, 1:])
        unturned = _FIRST_ROWS + (first - shifts[:, None]) % _STEPS  # (K, 15) the rows of options from the shift on
        turned = _FIRST_ROWS + (first + size - shifts[:, None]) % _STEPS  # those of the options below it
        met = before[unturned, size] - before[unturned, shifts[:, None]] + before[turned, shifts[:, None]]
        squares = np.add.reduceat((self._counts * self._counts).sum(axis=1), _FIRST_ROWS) + 2 * met + size
        decks = first // size + 1
        beyond = squares * _STEPS - size * decks * decks  # (K, 15): k times the sum of all squared distances
        excess: _Integers = np.maximum(UNIT * beyond // (_STEPS * (_STEPS - 1) * size) - UNIT, 0).sum(axis=1)
        return excess

    def add(self, images: _Integers, options: _Integers) -> None:
        """Count the options that the next images got."""
        cells = (_FIRST_ROWS[:, None] + (images - options) % _STEPS[:, None]) * self._size + options
        self._counts += np.bincount(cells.ravel(), minlength=self._counts.size).reshape(self._counts.shape)
        self._images += len(images)


def excess(size: int, options: _Integers) -> int:
    """By how much every k-th image strays beyond one deviation, summed over all k and where they begin, in thousandths.

    Rounded before they are summed, since sums of fractions depend on their order.
    """
    counts = np.bincount((_cells(size, len(options)) + options).ravel(), minlength=_ROWS * size).reshape(_ROWS, size)
    return int((_beyond(size, counts, 1) * UNIT).astype(np.int64).sum())


@functools.lru_cache(maxsize=16)
def _cells(size: int, images: int) -> _Integers:
    """(15, N): of every k and image the place of option 0 in counts (row, option), one row after another."""
    cells: _Integers = (_FIRST_ROWS[:, None] + np.arange(images) % _STEPS[:, None]) * size
    return cells


def _beyond(size: int, counts: _Integers, deviations: float) -> _Reals:
    """(rows,): by how much chi-square of each row of counts is beyond that limit."""
    images = counts.sum(axis=1)
    ratios = ((counts * counts).sum(axis=1) * size / np.maximum(1, images) - images) / max(1, size - 1)
    beyond: _Reals = np.maximum(ratios - _limit(size, deviations), 0)
    return beyond


def _limit(size: int, deviations: float) -> float:
    """Of chi-square over its degrees of freedom (the cube root is nearly normal: Wilson and Hilferty 1931)."""
    spread = 2 / (9 * max(1, size - 1))
    root = 1 - spread + deviations * sqrt(spread)
    return root * root * root


def even_out(sizes: Sequence[int], options: Sequence[Sequence[int]]) -> list[int]:
    """An order of the images in which every k-th strays less; none leaves the deck of any slot.

    Args:
        sizes: of the slots, S_j.
        options: (slots, N) of each slot its option in each image, in whole decks.

    Returns:
        Of each place the image that now stands there.
    """
    rows = np.array(options, dtype=np.int64)  # (slots, N), changed as images change places
    total = rows.shape[1]
    order = list(range(total))
    images = np.arange(total)
    residues = _FIRST_ROWS[:, None] + images % _STEPS[:, None]  # (15, N) of all images
    residues = np.concatenate([residues, residues + _ROWS * (1 + images // _PART)])  # (30, N) and of each part
    counts = []  # of each slot (rows, S)
    for size, row in zip(sizes, rows, strict=True):
        cells = _ROWS * (2 + total // _PART) * size
        counts.append(np.bincount((residues * size + row).ravel(), minlength=cells).reshape(-1, size))
    steps = np.concatenate([_STEPS * _WHOLE, _STEPS])[:, None]
    weights = [steps * size * UNIT // max(1, size - 1) for size in sizes]  # each (30, 1)
    ends = sorted({end for size in sizes if size > 1 for end in range(0, total + 1, size)})
    apart = [(first, end) for first, end in pairwise(ends) if end - first > 1]
    for _ in range(_SWEEPS):
        changed = False
        for size, weight, count in zip(sizes, weights, counts, strict=True):
            for half, counted in enumerate((count[:_ROWS], count[_ROWS:])):
                beyond = (_beyond(size, counted, _MORE[half]) > 0).reshape(-1, _ROWS).any(axis=0)
                weight[15 * half : 15 * half + 15, 0] *= 1 + np.logical_or.reduceat(beyond, _FIRST_ROWS)
        for start, end in apart:
            for first in range(start, end, _REACH):
                firsts, seconds = first + _pairs(min(end - first, 2 * _REACH))
                one, other = residues[:, firsts], residues[:, seconds]  # (30, pairs)
                are_apart = one != other
                gains = np.zeros(len(firsts), dtype=np.int64)
                for count, weight, row in zip(counts, weights, rows, strict=True):
                    p, q = row[firsts], row[seconds]
                    gain = count[one, p] - count[one, q] + count[other, q] - count[other, p] - 2
                    gains += (gain * weight * (are_apart & (p != q))).sum(axis=0)
                if len(gains) and gains.max() > 0:
                    changed = True
                    pair = [int(firsts[gains.argmax()]), int(seconds[gains.argmax()])]
                    _count(counts, rows, residues, pair, -1)
                    rows[:, pair] = rows[:, pair[::-1]]
                    _count(counts, rows, residues, pair, 1)
                    order[pair[0]], order[pair[1]] = order[pair[1]], order[pair[0]]
        if not changed:
            break
    return order


@functools.lru_cache(maxsize=2 * _REACH + 1)
def _pairs(images: int) -> _Integers:
    """(2, P) every two of so many images after one another."""
    pairs: _Integers = np.array(list(combinations(range(images), 2)), dtype=np.int64).reshape(-1, 2).T
    return pairs


def _count(
    counts: Sequence[_Integers], rows: _Integers, residues: _Integers, images: Sequence[int], change: int
) -> None:
    """Count the options of images once more, or less."""
    for count, row in zip(counts, rows, strict=True):
        for image in images:
            count[residues[:, image], row[image]] += change

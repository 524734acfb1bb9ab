"""Every k-th of the first images, for k of 2 to 16, wherever it begins, has each option of a slot about equally often.

How far it strays is Pearson's chi-square over its degrees of freedom, which is 1 on average for independent draws.
"""

from __future__ import annotations

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
_UNIT = 1000  # of weights, which are whole numbers so that every machine decides alike

_Integers = np.ndarray[Any, np.dtype[np.int64]]
_Reals = np.ndarray[Any, np.dtype[np.float64]]


class Strides:
    """How often every k-th image had each option of a slot of S, of decks that are shifted copies of 0 to S - 1.

    Counted by u = (image - option) mod k, which is the same for all options of a deck but for the shift's turn. Of all
    `length` images every k-th strays less than of the first ones, since decks begin anew after them.
    """

    def __init__(self, size: int, length: int) -> None:
        self._size = size
        self._length = length
        self._counts = np.zeros((_ROWS, size), dtype=np.int64)  # (u of every k, option)
        self._images = 0

    def excess(self, shifts: _Integers) -> _Reals:
        """(K,) of each of K shifts of the next deck: how far every k-th image would stray beyond what it may."""
        size, first = self._size, self._images
        before = np.zeros((_ROWS, size + 1), dtype=np.int64)  # of each row how often options below came
        np.cumsum(self._counts, axis=1, out=before[:, 1:])
        unturned = _FIRST_ROWS + (first - shifts[:, None]) % _STEPS  # (K, 15) the rows of options from the shift on
        turned = _FIRST_ROWS + (first + size - shifts[:, None]) % _STEPS  # those of the options below it
        met = before[unturned, size] - before[unturned, shifts[:, None]] + before[turned, shifts[:, None]]
        squares = np.add.reduceat((self._counts * self._counts).sum(axis=1), _FIRST_ROWS) + 2 * met + size
        images = first + size
        strayed = (squares * _STEPS * size / images - images) / (_STEPS * max(1, size - 1))  # (K, 15)
        beyond = np.maximum(strayed - _limit(size, 1 - 3 * first / self._length), 0)
        excess: _Reals = (beyond * beyond).sum(axis=1)
        return excess

    def add(self, images: _Integers, options: _Integers) -> None:
        """Count the options that the next images got."""
        cells = (_FIRST_ROWS[:, None] + (images - options) % _STEPS[:, None]) * self._size + options
        self._counts += np.bincount(cells.ravel(), minlength=self._counts.size).reshape(self._counts.shape)
        self._images += len(images)


def strayed(size: int, options: _Integers) -> float:
    """By how much every k-th image strays beyond one deviation, summed over all k and where they begin."""
    classes = _FIRST_ROWS[:, None] + np.arange(len(options)) % _STEPS[:, None]  # (15, N)
    counts = np.bincount((classes * size + options).ravel(), minlength=_ROWS * size).reshape(_ROWS, size)
    return float(_beyond(size, counts, 1).sum())


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
    classes = _FIRST_ROWS[:, None] + images % _STEPS[:, None]  # (15, N) of all images
    classes = np.concatenate([classes, classes + _ROWS * (1 + images // _PART)])  # (30, N) and of each part
    counts = []  # of each slot (rows, S)
    for size, row in zip(sizes, rows, strict=True):
        cells = _ROWS * (2 + total // _PART) * size
        counts.append(np.bincount((classes * size + row).ravel(), minlength=cells).reshape(-1, size))
    steps = np.concatenate([_STEPS * _WHOLE, _STEPS])[:, None]
    weights = [steps * size * _UNIT // max(1, size - 1) for size in sizes]  # each (30, 1)
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
                near = range(first, min(end, first + 2 * _REACH))
                firsts, seconds = np.array(list(combinations(near, 2)), dtype=np.int64).reshape(-1, 2).T
                one, other = classes[:, firsts], classes[:, seconds]  # (30, pairs)
                gains = np.zeros(len(firsts), dtype=np.int64)
                for count, weight, row in zip(counts, weights, rows, strict=True):
                    p, q = row[firsts], row[seconds]
                    gain = count[one, p] - count[one, q] + count[other, q] - count[other, p] - 2
                    gains += (gain * weight * ((one != other) & (p != q))).sum(axis=0)
                if len(gains) and gains.max() > 0:
                    changed = True
                    pair = [int(firsts[gains.argmax()]), int(seconds[gains.argmax()])]
                    _count(counts, rows, classes, pair, -1)
                    rows[:, pair] = rows[:, pair[::-1]]
                    _count(counts, rows, classes, pair, 1)
                    order[pair[0]], order[pair[1]] = order[pair[1]], order[pair[0]]
        if not changed:
            break
    return order


def _count(
    counts: Sequence[_Integers], rows: _Integers, classes: _Integers, images: Sequence[int], change: int
) -> None:
    """Count the options of images once more, or less."""
    for count, row in zip(counts, rows, strict=True):
        for image in images:
            count[classes[:, image], row[image]] += change

"""How many ordered selections there are, exactly, without making them."""

from __future__ import annotations

from math import perm

from . import syntax

MAX_STEPS = 20_000_000  # additions to count the ordered selections of one choice; a judgement that bounds the time


def limits(node: syntax.Choice | syntax.Wildcard, size: int) -> tuple[int, int]:
    """The least and the most options that a choice among `size` picks."""
    if isinstance(node, syntax.Wildcard):
        return 1, 1
    high = size if node.high is None else min(size, node.high)
    return min(node.low, high), high


def selections(counts: list[int] | None, size: int, picked: int) -> int:
    """How many ordered selections of `picked` of `size` options there are, option i standing for `counts[i]`."""
    if counts is None or len(set(counts)) == 1:
        count = counts[0] if counts else 1
        return perm(size, picked) * int(count**picked)
    return perm(picked) * symmetric(counts, picked)[picked]


def symmetric(counts: list[int], highest: int) -> list[int]:
    """The elementary symmetric polynomials of `counts` up to degree `highest`.

    The one of degree k sums the products of all k different counts: the unordered selections of k options.
    """
    if len(counts) * highest > MAX_STEPS:
        what = f"an ordered selection of {highest} of {len(counts)} options with choices of their own"
        raise ValueError(f"{what} is too large to count; expected at most {MAX_STEPS} steps; select fewer")
    sums = [1] + [0] * highest
    for number, count in enumerate(counts, start=1):
        for degree in range(min(number, highest), 0, -1):
            sums[degree] += sums[degree - 1] * count
    return sums

"""How many ordered selections there are, exactly, without making them."""

from __future__ import annotations

from math import perm

from . import syntax

MOST_COUNTED = 20_000_000  # steps to count the ordered selections of one choice


def limits(node: syntax.Choice | syntax.Wildcard, size: int) -> tuple[int, int]:
    """The least and the most options that a choice among `size` picks."""
    if isinstance(node, syntax.Wildcard):
        return 1, 1
    high = size if node.high is None else min(size, node.high)
    return min(node.low, high), high


def selections(counts: list[int] | None, size: int, picked: int) -> int:
    """How many ordered selections of `picked` of `size` options there are, option i standing for `counts[i]`."""
    if counts is None or len(set(counts)) == 1:
        each = counts[0] if counts else 1
        return perm(size, picked) * int(each**picked)
    return perm(picked) * symmetric(counts, picked)[picked]


def symmetric(counts: list[int], highest: int) -> list[int]:
    """The elementary symmetric polynomials of `counts` up to degree `highest`."""
    if len(counts) * highest > MOST_COUNTED:
        what = f"an ordered selection of {highest} of {len(counts)} options with choices of their own"
        raise ValueError(f"{what} is too large to count; expected at most {MOST_COUNTED} steps; select fewer")
    sums = [1] + [0] * highest
    for done, count in enumerate(counts, start=1):
        for degree in range(min(done, highest), 0, -1):
            sums[degree] += sums[degree - 1] * count
    return sums

"""Intervals and tests for accuracies: counts in, probabilities out; no arrays, no other package.

An interval covers the test pictures drawn, not the training seed: several seeds give a mean and a spread beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z95 = 1.959963984540054  # the normal distribution's 97.5 % point
LEAST_P = 0.0001  # smaller p-values are shown as smaller
EXACT_BELOW = 25  # discordant pairs under which McNemar's test is the binomial one; the customary bound


def wilson(right: float, total: float, z: float = Z95) -> tuple[float, float]:
    """The Wilson score interval of a proportion, both ends in 0..1.

    Args:
        right: successes, 0 to total; of repetitions on the same trials their mean, which need not be whole.
        total: trials, at least 1.
        z: the normal quantile; 95 % by default.

    Raises:
        ValueError: right is not within 0..total, or total is 0.

    Source: E. B. Wilson (1927), JASA 22, 209-212.
    """
    if total < 1 or not 0 <= right <= total:
        raise ValueError(f"right is {right} of {total}; expected 0 to total, and at least one picture")
    share = right / total
    scale = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of two classifiers on the same pictures.

    Args:
        only_first: pictures that only the first got right.
        only_second: pictures that only the second got right.
        p: two-sided; the chance of so uneven a split if both were equally good.
        method: `exact binomial`, or `chi-square with continuity correction`.
    """

    only_first: int
    only_second: int
    p: float
    method: str


def mcnemar(only_first: int, only_second: int) -> McNemar:
    """The test of the discordant pairs; exact below 25 of them.

    Raises:
        ValueError: a count is negative.

    Source: Q. McNemar (1947), Psychometrika 12, 153-157; the correction is Edwards's (1948).
    """
    if only_first < 0 or only_second < 0:
        raise ValueError(f"discordant pairs are {only_first} and {only_second}; expected counts from 0")
    pairs = only_first + only_second
    if pairs < EXACT_BELOW:
        tail = sum(math.comb(pairs, k) for k in range(min(only_first, only_second) + 1)) / 2**pairs
        return McNemar(only_first, only_second, min(1.0, 2 * tail), "exact binomial")
    statistic = max(0, abs(only_first - only_second) - 1) ** 2 / pairs
    p = math.erfc(math.sqrt(statistic / 2))  # upper tail of chi-square with one degree of freedom
    return McNemar(only_first, only_second, p, "chi-square with continuity correction")


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjusted p-values, in the order given.

    Source: S. Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def p_text(p: float) -> str:
    """A p-value for people: four decimals, and what rounds to none of them as a bound."""
    return f"{p:.4f}" if p >= LEAST_P else f"< {LEAST_P:.4f}"

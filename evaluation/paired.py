"""Paired tests over training seeds: differences of two classifiers seed by seed in, probabilities out.

Differences are whole numbers of test pictures, so that equal ones tie exactly.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PairedTest:
    """Two classifiers over the same training seeds.

    Args:
        n: seeds.
        mean: difference of the pictures that were right, first minus second, per seed.
        sd: its standard deviation over the seeds, n - 1 in the denominator.
        t_p: of the paired t-test, two-sided; None where no difference varies.
        wilcoxon_p: of Wilcoxon's signed ranks, exact and two-sided; with n seeds it is 2 / 2**n at the least.
    """

    n: int
    mean: float
    sd: float
    t_p: float | None
    wilcoxon_p: float


def paired_test(differences: Sequence[int]) -> PairedTest:
    """Both tests of the differences, one a seed.

    Raises:
        ValueError: fewer than two.
    """
    if len(differences) < 2:
        raise ValueError(f"{len(differences)} seeds are paired; expected at least 2; train with more runs")
    mean, sd = statistics.fmean(differences), statistics.stdev(differences)
    degrees = len(differences) - 1
    t_p = None if sd == 0 else t_two_sided(mean / (sd / math.sqrt(len(differences))), degrees)
    return PairedTest(len(differences), mean, sd, t_p, wilcoxon(differences))


def t_two_sided(t: float, degrees: int) -> float:
    """The chance that Student's t with `degrees` degrees of freedom is as far from 0 as `t`.

    Source: Abramowitz and Stegun (1964), 26.7.3 and 26.7.4.
    """
    angle = math.atan(abs(t) / math.sqrt(degrees))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = degrees % 2
    term, total = (cosine if odd else 1.0), 0.0
    for power in range(1 + odd, degrees, 2):  # cos^1, cos^3, ... or cos^0, cos^2, ... up to cos^(degrees - 2)
        total += term
        term *= cosine * cosine * power / (power + 1)
    inside = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return min(1.0, max(0.0, 1 - inside))


def t_quantile(degrees: int, error: float = 0.05) -> float:
    """How far from 0 Student's t is with probability `error`, two-sided: 12.706 at one degree and 0.05."""
    low, high = 0.0, 1.0
    while t_two_sided(high, degrees) > error:
        high *= 2
    for _ in range(60):  # bisection: 2**-60 of the bracket
        middle = (low + high) / 2
        low, high = (middle, high) if t_two_sided(middle, degrees) > error else (low, middle)
    return high


def wilcoxon(differences: Sequence[int]) -> float:
    """The exact two-sided p of Wilcoxon's signed ranks: zeros are left out, equal sizes share their mean rank.

    Source: F. Wilcoxon (1945), Biometrics Bulletin 1, 80-83.
    """
    sizes = sorted(abs(difference) for difference in differences if difference)
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for rank, size in enumerate(sizes, 1):
        first.setdefault(size, rank)
        last[size] = rank
    doubled = [first[size] + last[size] for size in sizes]  # twice the mean rank: a whole number
    ways = [1] + [0] * sum(doubled)  # sum of the positive ranks, doubled -> signs that give it
    for rank in doubled:
        ways = [count + (ways[total - rank] if total >= rank else 0) for total, count in enumerate(ways)]
    positive = sum(first[abs(d)] + last[abs(d)] for d in differences if d > 0)
    tail = min(sum(ways[: positive + 1]), sum(ways[positive:]))
    return min(1.0, 2.0 * tail / 2.0 ** len(sizes))

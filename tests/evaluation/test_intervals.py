"""Intervals and tests against scipy and printed examples."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from hyponet.evaluation.intervals import holm, mcnemar, wilson


@pytest.mark.parametrize(("right", "total"), [(0, 10), (1, 10), (5, 10), (4239, 5000), (547, 900), (900, 900)])
def test_wilson_is_scipys(right, total):
    expected = binomtest(right, total).proportion_ci(0.95, method="wilson")
    assert wilson(right, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("right", "total"), [(-1, 5), (6, 5), (0, 0)])
def test_wilson_refuses(right, total):
    with pytest.raises(ValueError, match="expected"):
        wilson(right, total)


@pytest.mark.parametrize(("one", "two"), [(0, 0), (3, 3), (1, 9), (24, 0), (14, 10)])
def test_mcnemar_is_the_binomial_test_below_25_pairs(one, two):
    found = mcnemar(one, two)
    expected = binomtest(one, one + two).pvalue if one + two else 1.0
    assert found.method == "exact binomial"
    assert found.p == pytest.approx(expected, rel=1e-12)


def test_mcnemar_with_correction():
    # Agresti, Categorical Data Analysis, approval ratings: 86 and 150 discordant; (64 - 1)^2 / 236 = 16.8178
    found = mcnemar(86, 150)
    assert found.method.startswith("chi-square")
    assert found.p == pytest.approx(4.1149e-05, rel=1e-3)
    assert mcnemar(150, 86).p == found.p


def test_mcnemar_refuses():
    with pytest.raises(ValueError, match="expected"):
        mcnemar(-1, 3)


def test_holm():
    # Holm by hand: sorted 0.01 0.03 0.04 times 3, 2, 1 = 0.03 0.06 0.04, made monotone
    assert holm([0.04, 0.01, 0.03]) == pytest.approx((0.06, 0.03, 0.06))
    assert holm([0.9, 0.8]) == (1.0, 1.0)
    assert holm([]) == ()

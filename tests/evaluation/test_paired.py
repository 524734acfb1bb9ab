"""The paired tests over seeds against scipy, and against every assignment of signs where scipy has no exact one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats

from hyponet.evaluation.intervals import p_text
from hyponet.evaluation.paired import paired_test, t_two_sided, wilcoxon


def test_the_t_test_is_scipys():
    draw = np.random.default_rng(0)
    for n in [2, 3, 4, 5, 8, 13, 30, 100]:
        for _ in range(20):
            differences = draw.integers(-40, 60, n).tolist()
            theirs = stats.ttest_1samp(differences, 0)
            assert paired_test(differences).t_p == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 10])
def test_students_distribution_is_scipys(degrees):
    for t in (0.0, 0.1, -1.0, 2.5, 12.0):
        assert t_two_sided(t, degrees) == pytest.approx(2 * stats.t.sf(abs(t), degrees), rel=1e-9, abs=1e-14)


def test_the_signed_ranks_without_ties_are_scipys():
    draw = np.random.default_rng(1)
    for n in [2, 3, 5, 8, 12, 20]:
        for _ in range(20):
            differences = (draw.permutation(np.arange(1, 200))[:n] * draw.choice([-1, 1], n)).tolist()
            assert wilcoxon(differences) == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)


def test_the_signed_ranks_with_ties_and_zeros_count_every_sign():
    draw = np.random.default_rng(2)
    for _ in range(60):
        differences = draw.integers(-3, 4, 7).tolist()
        kept = [difference for difference in differences if difference]
        ranks = stats.rankdata(np.abs(kept)) if kept else np.array([])
        reached = sum(rank for rank, difference in zip(ranks, kept, strict=True) if difference > 0)
        sums = [float(np.dot(ranks, signs)) for signs in product((0, 1), repeat=len(kept))]
        low, high = (sum(s <= reached for s in sums), sum(s >= reached for s in sums))
        assert wilcoxon(differences) == pytest.approx(min(1.0, 2 * min(low, high) / len(sums)))


def test_seeds_that_all_differ_alike_have_no_t_test():
    found = paired_test([3, 3, 3])
    assert (found.n, found.mean, found.sd, found.t_p, found.wilcoxon_p) == (3, 3, 0, None, 0.25)  # 2 of 8 signs
    assert paired_test([0, 0]).wilcoxon_p == 1
    with pytest.raises(ValueError, match="at least 2"):
        paired_test([1])


@pytest.mark.parametrize(("p", "text"), [(1.6e-33, "< 0.0001"), (0.0, "< 0.0001"), (0.0001, "0.0001"), (0.5, "0.5000")])
def test_a_p_is_never_shown_as_nought(p, text):
    assert p_text(p) == text

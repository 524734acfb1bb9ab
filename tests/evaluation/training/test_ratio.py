"""The ratio to real: a figure only of sides that differ in nothing but pictures and seeds, with an honest interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from hyponet.evaluation.paired import t_quantile
from hyponet.evaluation.training.ratio import RatioToReal, ratio_interval, ratio_measurement, ratios_to_real

from ..accuracy_figures import accuracy_entry, write_test


def side(folder, name, accuracies, first_seed=0, test_set="photos", synthetic=0, shared=0, **settings):
    """A test a seed of one training set."""
    training = {"synthetic": synthetic, "pictures": 100, "counts": {"cat": 100}}
    return [
        write_test(
            folder,
            name,
            [accuracy_entry(test_set, accuracy, shared=shared)],
            {"seed": seed, **settings},
            training=training,
        )
        for seed, accuracy in enumerate(accuracies, first_seed)
    ]


def test_students_t_is_scipys():
    for degrees in (1, 2, 3, 7, 30):
        assert t_quantile(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-9)


def test_the_interval_is_that_of_the_ratio_estimate():
    """Paired and unpaired by the textbook's formulas on numpy's moments, and what it covers by simulation."""
    over, under = np.array([0.60, 0.63, 0.58, 0.61]), np.array([0.80, 0.82, 0.79, 0.80])
    ratio, low, high = ratio_interval(dict(enumerate(over)), dict(enumerate(under)))
    assert ratio == pytest.approx(over.mean() / under.mean())
    moments = np.cov(over, under)
    variance = (moments[0, 0] - 2 * ratio * moments[0, 1] + ratio**2 * moments[1, 1]) / 4 / under.mean() ** 2
    assert high - ratio == pytest.approx(stats.t.ppf(0.975, 3) * math.sqrt(variance))
    assert ratio - low == pytest.approx(high - ratio)
    _, low, high = ratio_interval(dict(enumerate(over)), dict(enumerate(under[:3], 10)))
    real = under[:3]
    variance = over.var(ddof=1) / 4 + (over.mean() / real.mean()) ** 2 * real.var(ddof=1) / 3
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, 2) * math.sqrt(variance) / real.mean())
    draw = np.random.default_rng(0)
    covered = 0
    for _ in range(1000):
        luck = draw.normal(0, 0.02, 5)
        synthetic, real = 0.6 + luck + draw.normal(0, 0.01, 5), 0.8 + luck + draw.normal(0, 0.01, 5)
        _, low, high = ratio_interval(dict(enumerate(synthetic)), dict(enumerate(real)))
        covered += low <= 0.75 <= high
    assert 930 <= covered <= 970  # 95 % of 1,000, three deviations of the draw to each side


def test_one_seed_has_a_ratio_and_no_interval(tmp_path):
    synthetic, real = side(tmp_path, "made", [0.6], synthetic=100), side(tmp_path, "photos", [0.8])
    (ratio,) = ratios_to_real(synthetic, real)
    assert (ratio.ratio, ratio.low, ratio.high, ratio.count) == (pytest.approx(0.75), None, None, 1000)
    assert any("one training seed" in warning for warning in ratio_measurement("r", [ratio], synthetic, real).warnings)


def test_seeds_that_both_have_are_pairs(tmp_path):
    made = side(tmp_path, "made", [0.6, 0.62], synthetic=100)
    (paired,) = ratios_to_real(made, side(tmp_path, "photos", [0.8, 0.82]))
    (apart,) = ratios_to_real(made, side(tmp_path, "photos", [0.8, 0.82], first_seed=5))
    assert (paired.is_paired, apart.is_paired) == (True, False)
    assert paired.ratio == apart.ratio
    assert paired.high - paired.low < apart.high - apart.low


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 7}, "trained otherwise .*epochs"),
        ({"size": 96}, "trained otherwise .*size 32 / 96"),
        ({"checkpoint": "best"}, "trained otherwise .*checkpoint last / best"),
        ({"test_set": "drawings"}, "tested on other pictures"),
        ({"synthetic": 5}, "5 training pictures of real are generated"),
    ],
)
def test_sides_that_do_not_compare_are_refused(tmp_path, changes, message):
    made = side(tmp_path, "made", [0.6, 0.62], synthetic=100)
    with pytest.raises(ValueError, match=message):
        ratios_to_real(made, side(tmp_path, "photos", [0.8, 0.8], **changes))


def test_a_side_of_two_training_sets_is_refused(tmp_path):
    real = side(tmp_path, "photos", [0.8, 0.8])
    with pytest.raises(ValueError, match="results of synthetic differ in more than their seeds"):
        ratios_to_real([*side(tmp_path, "made", [0.6]), *side(tmp_path, "others", [0.6], first_seed=1)], real)


@pytest.mark.parametrize(("ours", "theirs", "said"), [(0, 5, 5), (7, 5, 7), (None, 5, 5), (0, 0, 0), (None, 0, None)])
def test_test_pictures_that_a_side_learned_are_told(tmp_path, ours, theirs, said):
    made = side(tmp_path, "made", [0.6], synthetic=100, shared=ours)
    real = side(tmp_path, "photos", [0.8], shared=theirs)
    (ratio,) = ratios_to_real(made, real)
    assert ratio.shared == said
    assert RatioToReal.from_json(ratio.to_json()) == ratio
    text = " ".join(ratio_measurement("r", [ratio], made, real).warnings)
    assert (f"photos: {said} of 1,000 test pictures are of a training set" in text) == bool(said)
    assert ("is not known" in text) == (said is None)

"""Inception Score, KID, precision/recall/density/coverage and diversity beside the packages that define them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from hyponet.evaluation.metrics.conventions import Preparation
from hyponet.evaluation.metrics.diversity import measure_diversity, pairwise_distances, vendi_score
from hyponet.evaluation.metrics.fid import measure_fid
from hyponet.evaluation.metrics.inception_score import inception_score, measure_inception_score
from hyponet.evaluation.metrics.kid import Kernel, measure_kid, subset_distances, subset_draws
from hyponet.evaluation.metrics.precision_recall import measure_precision_recall

from .inception_fixtures import made_up


def clouds(first: int, second: int, width: int = 24, shift: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(7)
    a, b = draw.normal(size=(first, width)), draw.normal(size=(second, width)) * 1.1 + shift
    return a.astype(np.float32), b.astype(np.float32)


def test_inception_score_is_torch_fidelitys() -> None:
    from torch_fidelity.metric_isc import isc_features_to_metric

    logits = np.random.default_rng(0).normal(size=(503, 40)).astype(np.float32) * 3
    for splits in (1, 7, 10):
        expected = isc_features_to_metric(torch.from_numpy(logits), splits=splits)
        found = measure_inception_score(made_up(logits), splits=splits).figures
        assert found["inception_score"] == pytest.approx(expected["inception_score_mean"], abs=1e-5)
        if splits == 1:  # torch-fidelity gives 0, which measures no spread
            assert found["inception_score_sd"] is None
            continue
        assert found["inception_score_sd"] == pytest.approx(expected["inception_score_std"], abs=1e-5)


def test_inception_score_under_torchmetrics_name_is_torchmetrics() -> None:
    from torchmetrics.image.inception import InceptionScore

    logits = np.random.default_rng(0).normal(size=(103, 40)).astype(np.float32) * 3
    theirs = InceptionScore(feature=torch.nn.Identity(), splits=10)
    order = np.random.RandomState(2020).permutation(103)
    theirs.update(torch.from_numpy(logits[order]))
    state = torch.random.get_rng_state()
    try:
        torch.manual_seed(0)
        shuffled = torch.randperm(103)
        torch.manual_seed(0)
        mean, spread = theirs.compute()
    finally:
        torch.random.set_rng_state(state)
    bounds = [(start, min(start + 11, 103)) for start in range(0, 103, 11)]  # torch.chunk: ceil(103 / 10)
    parts = np.array(inception_score(logits[order][shuffled.numpy()], bounds))
    assert parts.mean() == pytest.approx(float(mean), abs=1e-5)
    assert parts.std(ddof=1) == pytest.approx(float(spread), abs=1e-5)
    ours = measure_inception_score(made_up(logits, preparation=Preparation("torchmetrics")), splits=10)
    assert ours.settings["sd_ddof"] == 1
    assert ours.figures["inception_score"] == pytest.approx(np.mean(inception_score(logits[order], bounds)))


def test_chunks_that_torchmetrics_does_not_make_are_not_counted() -> None:
    # torch.chunk of 21 into 10: chunks of ceil(21 / 10) = 3, and so 7 of them
    found = measure_inception_score(made_up(clouds(21, 1)[0], preparation=Preparation("torchmetrics")), splits=10)
    assert (found.settings["splits"], len(found.figures["per_split"])) == (7, 7)
    assert found.warnings[0].startswith("7 splits and not 10")


def test_inception_score_by_hand() -> None:
    # two pictures, each surely of another class: exp KL = 2; alike: 1; the limit 0 log 0 = 0 holds
    sure = np.array([[1000.0, 0.0], [0.0, 1000.0]])
    assert inception_score(sure, [(0, 2)]) == [pytest.approx(2.0)]
    assert inception_score(sure[[0, 0]], [(0, 2)]) == [pytest.approx(1.0)]


def test_fewer_pictures_than_splits_give_the_number_with_a_warning() -> None:
    sure = np.array([[1000.0, 0.0], [0.0, 1000.0]])
    found = measure_inception_score(made_up(sure), splits=3)
    assert found.figures["per_split"] == [1.0, 1.0]  # one picture a split: p(y|x) = p(y), exp 0
    assert found.settings["splits"] == 2
    assert found.warnings[0].startswith("2 splits and not 3")


@pytest.mark.parametrize(("first", "second", "size"), [(300, 250, 100), (150, 150, 150), (2500, 40, 30)])
def test_kid_is_torch_fidelitys_draw_for_draw(first: int, second: int, size: int) -> None:
    from torch_fidelity.metric_kid import kid_features_to_metric

    a, b = clouds(first, second)
    expected = kid_features_to_metric(
        torch.from_numpy(a), torch.from_numpy(b), kid_subsets=20, kid_subset_size=size, verbose=False
    )
    found = measure_kid(made_up(a), made_up(b), subsets=20, subset_size=size).figures
    assert found["kid"] == pytest.approx(expected["kernel_inception_distance_mean"], rel=1e-5, abs=1e-6)
    if first == second == size:  # torch-fidelity gives what rounding makes of 0
        assert found["kid_sd_over_subsets"] is None
        return
    assert found["kid_sd_over_subsets"] == pytest.approx(expected["kernel_inception_distance_std"], rel=1e-4, abs=1e-6)


def test_kid_near_zero_is_torch_fidelitys_to_1e_6() -> None:
    from torch_fidelity.metric_kid import kid_features_to_metric

    a, b = clouds(200, 200, width=2048, shift=0.0)
    a, b = np.abs(a) * 0.4, np.abs(b) * 0.36  # the size of real Inception features
    expected = kid_features_to_metric(
        torch.from_numpy(a), torch.from_numpy(b), kid_subsets=10, kid_subset_size=150, verbose=False
    )["kernel_inception_distance_mean"]
    assert abs(expected) < 1e-3
    found = measure_kid(made_up(a), made_up(b), subsets=10, subset_size=150).figures["kid"]
    assert abs(found - expected) <= 1e-6


def kid_in_float64(a: np.ndarray, b: np.ndarray, subsets: int, size: int) -> float:
    """The formula of arXiv 1801.01401 with whole kernel matrices in float64 and torch-fidelity's draws."""
    draw, distances = np.random.RandomState(2020), []
    for _ in range(subsets):
        x, y = (side[draw.choice(len(side), size, replace=False)].astype(np.float64) for side in (a, b))
        xx, yy, xy = ((p @ q.T / p.shape[1] + 1) ** 3 for p, q in ((x, x), (y, y), (x, y)))
        within = xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)
        distances.append(within / (size * (size - 1)) - 2 * xy.mean())
    return float(np.mean(distances))


@pytest.mark.parametrize("scale", [0.4, 1.8, 2.5], ids=["like Inception's", "kernel values of 80", "values of 400"])
@pytest.mark.parametrize(
    ("first", "second", "size"),
    [(700, 650, 300), (1500, 1500, 300), (600, 2500, 300), (300, 300, 300)],
    ids=["all pairs", "by subset", "one of the sets by subset", "whole sets"],
)
def test_kid_in_float32_is_that_in_float64_to_1e_6(first: int, second: int, size: int, scale: float) -> None:
    a, b = clouds(first, second, width=2048, shift=0.0)
    a, b = np.abs(a) * scale, np.abs(b) * scale * 0.97
    found = measure_kid(made_up(a), made_up(b), subsets=4, subset_size=size).figures["kid"]
    assert abs(found - kid_in_float64(a, b, 4, size)) <= 1e-6


def test_kid_of_large_subsets_is_computed_in_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = clouds(700, 650, width=64, shift=0.0)
    expected = kid_in_float64(a, b, 2, 300)
    monkeypatch.setattr("hyponet.evaluation.metrics.kid.MAX_SQUARE", 299)
    found = measure_kid(made_up(a), made_up(b), subsets=2, subset_size=300).figures["kid"]
    assert found == pytest.approx(expected, abs=1e-7)  # kernel values of about 1 in float32; sums go by threads


def test_kid_of_large_features_is_computed_in_float64() -> None:
    """Kernel values of about 1e9: float32 would be off by 1e-7 of them, a hundred."""
    a, b = clouds(80, 90, width=64, shift=0.0)
    a, b = np.abs(a) * 30, np.abs(b) * 30
    found = measure_kid(made_up(a), made_up(b), subsets=4, subset_size=40).figures["kid"]
    assert found == pytest.approx(kid_in_float64(a, b, 4, 40), rel=1e-9)


def test_kid_by_hand() -> None:
    # x.y + 0 with degree 1: X = {1, 3}, Y = {2, 4}: 3 + 8 - 2 * (2 + 4 + 6 + 12) / 4 = -1
    x, y = torch.tensor([[1.0], [3.0]]).double(), torch.tensor([[2.0], [4.0]]).double()
    everyone = torch.ones(1, 2, dtype=torch.bool)
    assert subset_distances(x, y, everyone, everyone, Kernel(1, 1.0, 0.0)).tolist() == [-1.0]


def test_kid_subsets_shrink_with_a_warning_and_draw_without_repeats() -> None:
    a, b = clouds(30, 40)
    found = measure_kid(made_up(a), made_up(b), subsets=3)
    assert found.settings["subset_size"] == 30
    assert "subsets have 30 pictures and not 1000" in found.warnings[0]
    in_a, in_b = subset_draws(30, 40, 5, 20, np.random.RandomState(1))
    assert in_a.sum(1).tolist() == in_b.sum(1).tolist() == [20.0] * 5


@pytest.mark.parametrize("subset_size", [40, 1000])
def test_subsets_that_are_the_whole_sets_have_no_spread(subset_size: int) -> None:
    """40 of 40 can be drawn in one way only: a hundred equal numbers are one number, and measure no spread."""
    a, b = (made_up(values) for values in clouds(40, 40))
    found = measure_kid(a, b, subsets=5, subset_size=subset_size)
    assert found.figures["kid_sd_over_subsets"] is None
    assert found.settings["subsets"] == 1
    assert [warning for warning in found.warnings if "no spread" in warning and "whole of both sets" in warning]
    assert found.figures["kid"] == measure_kid(a, b, subsets=1, subset_size=40).figures["kid"]


def test_one_subset_has_no_spread() -> None:
    found = measure_kid(*(made_up(values) for values in clouds(40, 50)), subsets=1, subset_size=20)
    assert found.figures["kid_sd_over_subsets"] is None
    assert [warning for warning in found.warnings if "no spread" in warning]


def test_subsets_that_hold_all_of_one_set_say_whose_spread_it_is() -> None:
    a, b = clouds(40, 60)
    found = measure_kid(made_up(a, "the small"), made_up(b, "the large"), subsets=5, subset_size=40)
    assert found.figures["kid_sd_over_subsets"] > 0
    assert [warning for warning in found.warnings if "every subset holds all of the small" in warning]
    within = measure_kid(made_up(a), made_up(b), subsets=5, subset_size=20)
    assert not [warning for warning in within.warnings if "every subset" in warning or "no spread" in warning]


def test_kid_in_several_rounds_of_draws_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = clouds(60, 50)
    at_once = measure_kid(made_up(a), made_up(b), subsets=7, subset_size=20).figures
    monkeypatch.setattr("hyponet.evaluation.metrics.kid.MAX_MASK_CELLS", 3 * (60 + 50))  # three subsets a round
    in_rounds = measure_kid(made_up(a), made_up(b), subsets=7, subset_size=20).figures
    assert in_rounds == {key: pytest.approx(value, rel=1e-7) for key, value in at_once.items()}


class Stopped(Exception):
    """The user pressed stop."""


@pytest.mark.parametrize(
    "measure",
    [
        lambda a, b, progress: measure_kid(a, b, subsets=4, subset_size=1000, progress=progress),  # all pairs at once
        lambda a, b, progress: measure_kid(a, b, subsets=4, subset_size=20, progress=progress),  # subset by subset
        lambda a, b, progress: measure_precision_recall(a, b, progress=progress),
        lambda a, b, progress: measure_diversity(a, progress=progress),
    ],
    ids=["kid", "kid by subset", "precision and recall", "diversity"],
)
def test_long_metrics_tell_how_far_they_are_and_stop_when_told(measure) -> None:
    a, b = (made_up(side, classes=2) for side in clouds(2100, 1100, width=4))
    seen: list[tuple[int, int]] = []
    measure(a, b, lambda done, total: seen.append((done, total)))
    shares = [done / total for done, total in seen]
    assert len(seen) > 1
    assert shares == sorted(set(shares))
    assert shares[-1] == 1

    def stop(done: int, total: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        measure(a, b, stop)


@pytest.mark.parametrize(("generated", "real"), [(300, 220), (120, 300)])
def test_precision_recall_density_and_coverage_are_torch_fidelitys_and_prdcs(generated: int, real: int) -> None:
    from prdc import compute_prdc
    from torch_fidelity.metric_prc import prc_features_to_metric

    a, b = clouds(generated, real, shift=0.2)
    closed = prc_features_to_metric(
        torch.from_numpy(a), torch.from_numpy(b), prc_neighborhood=3, prc_batch_size=1000, verbose=False
    )
    opened = compute_prdc(b, a, nearest_k=5)
    found = measure_precision_recall(made_up(a), made_up(b)).figures
    for key, share, count in (
        ("precision", closed["precision"], generated),
        ("recall", closed["recall"], real),
        ("prdc_precision", opened["precision"], generated),
        ("prdc_recall", opened["recall"], real),
        ("density", opened["density"], 5 * generated),
        ("coverage", opened["coverage"], real),
    ):
        assert share > 0
        assert abs(found[key] - share) * count < 1.5, key  # at most one count off


def test_the_two_rules_differ_on_the_edge_as_prdc_does() -> None:
    from prdc import compute_prdc

    same = np.zeros((8, 4), dtype=np.float32)  # every distance and radius is 0: on the edge, not inside
    found = measure_precision_recall(made_up(same), made_up(same)).figures
    theirs = compute_prdc(same, same, nearest_k=5)
    assert (found["precision"], found["recall"]) == (1.0, 1.0)
    assert [found[key] for key in ("prdc_precision", "prdc_recall", "density", "coverage")] == [
        theirs[key] for key in ("precision", "recall", "density", "coverage")
    ]


def test_fewer_neighbours_than_k_give_the_number_with_a_warning() -> None:
    a, b = clouds(6, 4)
    found = measure_precision_recall(made_up(a), made_up(b))
    expected = measure_precision_recall(made_up(a), made_up(b), closed_k=3, open_k=3)  # 4 pictures: 3 others
    assert found.figures == expected.figures
    assert found.settings["density_coverage_rule"] == "prdc k=3 open"
    assert "k is at most 3 and not 5" in found.warnings[0]
    with pytest.raises(ValueError, match="more than k = 1 in each"):
        measure_precision_recall(made_up(a), made_up(b[:1]))


def test_precision_and_recall_of_few_pictures_have_a_warning() -> None:
    a, b = clouds(12, 14)
    assert "12 pictures against 14: rough below 1,000" in measure_precision_recall(made_up(a), made_up(b)).warnings[0]


def test_precision_to_coverage_of_each_class_are_prdcs_of_that_class() -> None:
    from prdc import compute_prdc

    a, b = clouds(120, 120, shift=0.2)
    found = measure_precision_recall(made_up(a, classes=2), made_up(b, classes=2), per_class=True).figures["per_class"]
    for number in (0, 1):
        theirs = compute_prdc(b[number::2], a[number::2], nearest_k=5)
        ours = found[f"class {number}"]
        assert ours["count"] == 60
        for key, name in (("prdc_precision", "precision"), ("prdc_recall", "recall"), ("coverage", "coverage")):
            assert abs(ours[key] - theirs[name]) * 60 < 1.5
        assert abs(ours["density"] - theirs["density"]) * 300 < 1.5


def test_classes_are_measured_at_equal_numbers_drawn_by_the_seed() -> None:
    a, b = clouds(90, 60, shift=0.2)
    ours = made_up(a, classes=3)
    theirs = made_up(b, labels=np.repeat([0, 1, 2, 3], [20, 35, 1, 4]), classes=4)

    def per_class(seed: int):
        return measure_precision_recall(ours, theirs, per_class=True, seed=seed)

    first = per_class(0)
    assert {name: entry["count"] for name, entry in first.figures["per_class"].items()} == {
        "class 0": 20,
        "class 1": 20,
    }
    assert first.figures["per_class"] == per_class(0).figures["per_class"]
    assert first.figures["per_class"] != per_class(1).figures["per_class"]
    assert any("20 pictures of it in each set" in line for line in first.warnings)
    assert any("not two pictures in both sets: class 2, class 3" in line for line in first.warnings)
    whole = measure_precision_recall(ours, theirs)
    assert "per_class" not in whole.figures
    assert {key: first.figures[key] for key in whole.figures} == whole.figures
    with pytest.raises(ValueError, match="share no class with two pictures in both"):
        measure_precision_recall(made_up(a, class_names=("x",)), made_up(b), per_class=True)


@pytest.mark.parametrize(("count", "width"), [(60, 24), (20, 24)], ids=["d x d", "n x n"])
def test_vendi_is_the_vendi_packages(count: int, width: int) -> None:
    from vendi_score.vendi import score_dual

    a, _ = clouds(count, 1, width)
    assert vendi_score(a) == pytest.approx(score_dual(a.astype(np.float64)), rel=1e-6)


def test_diversity_by_hand() -> None:
    assert vendi_score(np.eye(5)) == pytest.approx(5.0)  # unlike pictures count as many
    assert vendi_score(np.ones((5, 3))) == pytest.approx(1.0)  # copies count as one
    # 0, 3 and 7 on a line: (3 + 4 + 7) / 3, nearest 3, 3, 4
    assert pairwise_distances(np.array([[0.0], [3.0], [7.0]])) == (pytest.approx(14 / 3), pytest.approx(3.0))
    # 0, 1, 10 and 13: nearest 1, 1, 3, 3, whose median lies between the middle two
    assert pairwise_distances(np.array([[0.0], [1.0], [10.0], [13.0]]))[1] == pytest.approx(2.0)


def test_classes_without_a_pair_are_named() -> None:
    a, _ = clouds(5, 1)
    found = measure_diversity(made_up(a, classes=3, labels=np.array([0, 0, 0, 2, 1])[:5]))
    assert list(found.figures["per_class"]) == ["class 0"]
    assert "no diversity of classes with fewer than two pictures: class 1, class 2" in found.warnings


def test_near_copies_show() -> None:
    a, _ = clouds(60, 1)
    varied = measure_diversity(made_up(a, classes=2)).figures
    copies = np.repeat(a[:2], 30, axis=0) + np.random.default_rng(0).normal(size=a.shape) * 1e-3
    copied = measure_diversity(made_up(copies[np.arange(60) // 2 + np.arange(60) % 2 * 30], classes=2)).figures
    assert copied["vendi"] < 1.01
    assert varied["vendi"] > 10
    assert copied["mean_pairwise_distance"] < 0.01 * varied["mean_pairwise_distance"]
    assert math.isclose(
        varied["vendi"], np.mean([item["vendi"] for item in varied["per_class"].values()]), rel_tol=1e-12
    )
    with pytest.raises(ValueError, match="no class of single has two pictures"):
        measure_diversity(made_up(a[:1], "single"))


def test_of_many_classes_that_were_left_out_the_number_is_said() -> None:
    """Two classes of four pictures, and 25 of one, which have no pair and are in this set alone."""
    a, b = clouds(33, 8)
    labels = np.array([0] * 4 + [1] * 4 + list(range(2, 27)))
    ours, theirs = made_up(a, classes=27, labels=labels), made_up(b, classes=2)
    for found in (
        measure_diversity(ours),
        measure_fid(ours, theirs, per_class=True),
        measure_precision_recall(ours, theirs, per_class=True),
    ):
        (said,) = [line for line in found.warnings if line.startswith("no ")]
        assert said.endswith(" and 5 more"), said
        assert said.count("class ") == 20

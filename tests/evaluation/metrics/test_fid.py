"""The Frechet distance is scipy's where scipy is exact, and exact where it is not; files go to and from other tools."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch

from hyponet.evaluation.metrics.conventions import Preparation
from hyponet.evaluation.metrics.feature_statistics import (
    FeatureStatistics,
    gaussian,
    statistics_of,
)
from hyponet.evaluation.metrics.fid import measure_fid
from hyponet.evaluation.metrics.frechet import frechet_distance
from hyponet.evaluation.metrics.statistics_files import load_statistics, save_statistics

from .inception_fixtures import made_up


def gaussians(count: int, width: int, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return draw.normal(size=(count, width)) @ (draw.normal(size=(width, width)) / width**0.5) + draw.normal(size=width)


def scipys(first: np.ndarray, second: np.ndarray) -> float:
    """Equation 6 of arXiv 1706.08500 by scipy's matrix root, the way of every published implementation."""
    one, two = (np.cov(x.astype(np.float32).astype(np.float64), rowvar=False) for x in (first, second))
    means = [x.astype(np.float32).astype(np.float64).mean(0) for x in (first, second)]
    root = scipy.linalg.sqrtm(one @ two).real
    return float(((means[0] - means[1]) ** 2).sum() + np.trace(one + two - 2 * root))


@pytest.mark.parametrize(("first", "second"), [(300, 250), (100, 300)], ids=["many", "few more than features"])
def test_full_rank_is_scipys(first: int, second: int) -> None:
    a, b = gaussians(first, 64, 0), gaussians(second, 64, 1)
    found = frechet_distance(statistics_of(made_up(a)), statistics_of(made_up(b)))
    assert found == pytest.approx(scipys(a, b), rel=1e-6)


def test_the_published_formulas_agree_on_our_statistics() -> None:
    from cleanfid.fid import frechet_distance as cleanfids
    from pytorch_fid.fid_score import calculate_frechet_distance as pytorch_fids
    from torch_fidelity.metric_fid import fid_statistics_to_metric as torch_fidelitys

    sides = [statistics_of(made_up(gaussians(300, 64, seed))) for seed in (0, 1)]
    arrays = [part for side in sides for part in (side.mean.numpy(), side.full_covariance().numpy())]
    found = frechet_distance(*sides)
    assert found == pytest.approx(pytorch_fids(*arrays), rel=1e-6)
    assert found == pytest.approx(cleanfids(*arrays), rel=1e-6)
    stats = [{"mu": arrays[i], "sigma": arrays[i + 1]} for i in (0, 2)]
    theirs = torch_fidelitys(*stats, verbose=False)["frechet_inception_distance"]
    assert found == pytest.approx(theirs, rel=1e-6)


def known_distance(count: int, width: int, shift: float, scale: float) -> tuple[np.ndarray, np.ndarray, float]:
    """A set, the set scaled and shifted, and their distance by hand."""
    first = gaussians(count, width, 3).astype(np.float32)
    second = (first.astype(np.float64) * scale + shift).astype(np.float32)
    exact = first.astype(np.float64)
    moved = exact.mean(0) * (scale - 1) + shift
    return first, second, float((moved**2).sum() + (scale - 1) ** 2 * exact.var(0, ddof=1).sum())


@pytest.mark.parametrize("count", [10, 64, 65, 400], ids=["singular", "n = d", "n = d + 1", "full rank"])
def test_a_scaled_copy_has_the_distance_computed_by_hand(count: int) -> None:
    first, second, expected = known_distance(count, 64, 0.5, 2.0)
    assert frechet_distance(statistics_of(made_up(first)), statistics_of(made_up(second))) == pytest.approx(
        expected, rel=1e-6
    )


def without_factor(statistics: FeatureStatistics) -> FeatureStatistics:
    """As if loaded from a file, which has mean and covariance alone."""
    return FeatureStatistics(
        **{**statistics.__dict__, "covariance": statistics.full_covariance(), "factor": None, "name": "loaded"}
    )


@pytest.mark.parametrize("count", [10, 64, 400])
@pytest.mark.parametrize("loaded", [(False, False), (False, True), (True, False), (True, True)])
def test_a_set_against_itself_is_zero_whichever_way_it_came(count: int, loaded: tuple[bool, bool]) -> None:
    statistics = statistics_of(made_up(gaussians(count, 64, 4)))
    sides = [without_factor(statistics) if from_file else statistics for from_file in loaded]
    assert abs(frechet_distance(*sides)) <= 1e-6 * statistics.trace()


@pytest.mark.parametrize("count", [10, 400])
def test_loaded_statistics_give_what_the_features_give(count: int) -> None:
    first, second = (statistics_of(made_up(gaussians(n, 64, n))) for n in (count, 300))
    expected = frechet_distance(first, second)
    assert frechet_distance(without_factor(first), without_factor(second)) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(first, without_factor(second)) == pytest.approx(expected, rel=1e-6)


def test_features_beside_loaded_statistics_of_few_pictures_stay_exact() -> None:
    # both sides are singular; with both factors at hand the singular values give the distance exactly
    first, few = (statistics_of(made_up(gaussians(n, 64, n))) for n in (60, 20))
    expected = frechet_distance(first, few)
    assert frechet_distance(first, without_factor(few)) == pytest.approx(expected, rel=1e-11)
    assert frechet_distance(without_factor(few), first) == pytest.approx(expected, rel=1e-11)


def test_few_pictures_that_come_many_times_stay_exact_beside_loaded_statistics() -> None:
    # 60 pictures of which 50 are copies: 50 eigenvalues of 0, whose roots rounding would turn into 1e-8 each
    few = statistics_of(made_up(np.repeat(gaussians(10, 64, 0), 6, axis=0)))
    many = statistics_of(made_up(gaussians(64, 64, 1)))
    expected = frechet_distance(few, many)  # by singular values
    full = replace(many, covariance=many.full_covariance() + 1e-13 * torch.eye(64, dtype=torch.float64), factor=None)
    assert frechet_distance(few, full) == pytest.approx(expected, rel=1e-9)


def test_dead_features_do_not_spoil_a_full_rank_comparison() -> None:
    first, second = gaussians(300, 64, 0), gaussians(280, 64, 1)
    first[:, 60:] = second[:, 60:] = 0  # Inception's last layer has features that a set never excites
    found = frechet_distance(statistics_of(made_up(first)), statistics_of(made_up(second)))
    assert found == pytest.approx(scipys(first[:, :60], second[:, :60]), rel=1e-6)


def test_fid_of_each_class_compares_classes_by_name() -> None:
    first = made_up(gaussians(40, 8, 0), classes=2)
    turned = made_up(gaussians(60, 8, 1), classes=2, class_names=("class 1", "class 0"))
    found = measure_fid(first, turned, per_class=True).figures["per_class"]
    expected = frechet_distance(statistics_of(first.of_class(0)), statistics_of(turned.of_class(1)))
    assert found["class 0"] == {"fid": expected, "count": 20, "reference_count": 30}


def test_classes_that_one_set_alone_has_are_named() -> None:
    first, second = made_up(gaussians(40, 8, 0), classes=2), made_up(gaussians(60, 8, 1), classes=3)
    found = measure_fid(first, second, per_class=True)
    assert list(found.figures["per_class"]) == ["class 0", "class 1"]
    assert "no FID for classes that only one of the sets has: class 2" in found.warnings


def test_other_weights_than_the_published_are_said() -> None:
    first, second = gaussians(20, 8, 0), gaussians(30, 8, 1)
    published = "6726825d" + 56 * "0"  # the published file's name ends with the first eight digits of its SHA-256
    for weights, said in ((published, False), ("0" * 64, True)):
        found = measure_fid(made_up(first, weights=weights), made_up(second, weights=weights))
        assert any("not the published file's" in warning for warning in found.warnings) == said


def test_small_samples_warn_and_both_numbers_stand_beside_the_figure() -> None:
    found = measure_fid(made_up(gaussians(20, 32, 0)), made_up(gaussians(30, 32, 1), "real"))
    assert (found.inputs["features"]["count"], found.inputs["reference"]["count"]) == (20, 30)
    assert "20 pictures against 30" in found.warnings[0]
    assert "a covariance of 32 features from 32 pictures or fewer is not of full rank" in found.warnings[1]
    enough = measure_fid(made_up(gaussians(33, 32, 0)), made_up(gaussians(33, 32, 1)))
    assert not any("full rank" in line for line in enough.warnings)


def test_too_few_pictures_and_broken_features_are_refused() -> None:
    with pytest.raises(ValueError, match="1 pictures; expected at least 2"):
        statistics_of(made_up(np.zeros((1, 4))))
    for values in ([np.nan], [np.inf], [-np.inf], [np.inf, -np.inf]):
        for count in (3, 9):  # fewer pictures than features, and more
            broken = np.ones((count, 4))
            broken[: len(values), 1] = values
            with pytest.raises(ValueError, match="not finite"):
                statistics_of(made_up(broken))
    with pytest.raises(ValueError, match="share no class"):
        measure_fid(made_up(gaussians(9, 4, 0)), made_up(gaussians(9, 4, 1), class_names=("other",)), per_class=True)


@pytest.mark.parametrize("count", [5, 90])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_features_given_are_not_changed(count: int, kind: type) -> None:
    features = gaussians(count, 8, 0).astype(kind)
    before = features.copy()
    mean, factor, covariance = gaussian(features)
    assert np.array_equal(features, before)
    found = covariance if factor is None else factor.T @ factor
    np.testing.assert_allclose(found, np.cov(before.astype(np.float64), rowvar=False), rtol=1e-12)
    np.testing.assert_allclose(mean, before.astype(np.float64).mean(0), rtol=1e-12)


@pytest.fixture(scope="module")
def wide() -> FeatureStatistics:
    return statistics_of(made_up(gaussians(6, 2048, 5), "reference", preparation=Preparation("clean-fid", 64)))


def test_statistics_survive_their_file_and_other_tools_read_it(tmp_path: Path, wide: FeatureStatistics) -> None:
    from pytorch_fid.fid_score import compute_statistics_of_path

    path = tmp_path / "reference.npz"
    save_statistics(path, wide)
    again = load_statistics(path, preparation=Preparation())
    assert (again.name, again.count, again.network, again.preparation) == (
        "reference",
        6,
        wide.network,
        Preparation("clean-fid", 64),
    )
    assert abs(frechet_distance(wide, again)) <= 1e-6 * wide.trace()
    mu, sigma = compute_statistics_of_path(str(path), None, 1, 2048, "cpu")
    assert np.array_equal(mu, wide.mean.numpy())
    assert np.array_equal(sigma, wide.full_covariance().numpy())
    assert [file.name for file in tmp_path.iterdir()] == ["reference.npz"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_statistics_that_are_no_numbers_are_neither_written_nor_read(tmp_path: Path, value: float) -> None:
    sound = FeatureStatistics("a", 9, torch.zeros(2048), None, torch.eye(2048), "", "", Preparation())
    for part, numbers in (("mean", torch.zeros(2048)), ("covariance", torch.eye(2048))):
        numbers = numbers.double()
        numbers[(3,) * numbers.ndim] = value
        with pytest.raises(ValueError, match=r"statistics of a are not finite numbers; .* measure the pictures again"):
            save_statistics(tmp_path / "a.npz", replace(sound, **{part: numbers}))
        assert not list(tmp_path.iterdir())
    np.savez(tmp_path / "theirs.npz", mu=np.zeros(2048), sigma=numbers.numpy())
    with pytest.raises(ValueError, match=r"theirs\.npz has a sigma that is not finite"):
        load_statistics(tmp_path / "theirs.npz", preparation=Preparation())


def test_foreign_statistics_take_what_the_user_says_of_them(tmp_path: Path, wide: FeatureStatistics) -> None:
    path = tmp_path / "cifar10_clean_train_32.npz"
    np.savez(path, mu=wide.mean.numpy(), sigma=wide.full_covariance().numpy())
    found = load_statistics(path, network="net", preparation=Preparation("clean-fid"), count=50000)
    assert (found.name, found.count, found.network) == ("cifar10_clean_train_32", 50000, "net")
    assert found.preparation == Preparation("clean-fid")


def test_bad_statistics_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no")
    np.savez(tmp_path / "half.npz", mu=np.zeros(2048))
    np.savez(tmp_path / "small.npz", mu=np.zeros(64), sigma=np.eye(64))
    sigma = np.eye(2048)
    sigma[0, 1] = 5
    np.savez(tmp_path / "skew.npz", mu=np.zeros(2048), sigma=sigma)
    np.savez(tmp_path / "negative.npz", mu=np.zeros(2048), sigma=np.diag([*np.ones(2047), -1.0]))
    np.savez(tmp_path / "objects.npz", mu=np.array([{}], dtype=object), sigma=np.eye(2048))
    whole = {"mu": np.zeros(2048), "sigma": np.eye(2048)}
    np.savez(tmp_path / "facts.npz", **whole, hyponet=np.array('{"name": "no more than a name"}'))
    np.savez(tmp_path / "list.npz", **whole, hyponet=np.array("[1]"))
    with open(tmp_path / "array.npz", "wb") as file:
        np.save(file, np.zeros(3))  # an .npy under the name of an .npz
    for name, said in (
        ("facts", "cannot be read"),
        ("list", "cannot be read"),
        ("array", "cannot be read"),
        ("text", "cannot be read"),
        ("half", "sigma"),
        ("small", r"\(64,\)"),
        ("skew", "not symmetric"),
        ("negative", "negative eigenvalues"),
        ("objects", "cannot be read"),
        ("none", "cannot be read"),
    ):
        with pytest.raises(ValueError, match=said) as error:
            load_statistics(tmp_path / f"{name}.npz", width=2048, preparation=Preparation())
        assert f"{name}.npz" in str(error.value)


def test_a_result_is_plain_json() -> None:
    found = measure_fid(made_up(gaussians(20, 8, 0)), made_up(gaussians(30, 8, 1)))
    assert json.loads(json.dumps(found.figures))["fid"] > 0
    assert torch.is_inference_mode_enabled() is False

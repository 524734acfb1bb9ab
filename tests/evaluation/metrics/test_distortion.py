"""Each distortion leaves strength 0 alone, grows, and draws the same for a picture at every strength."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hyponet.evaluation.metrics.conventions import Preparation
from hyponet.evaluation.metrics.distortion import KINDS, DistortedPictures, distortion_curve

from .inception_fixtures import as_set, crops, network


def distorted(kind: str, strength: float, seed: int = 0) -> np.ndarray:
    pictures = DistortedPictures(as_set(crops(3, 40)), kind, strength, seed, Preparation(size=0))
    return np.stack([pictures.read(i) for i in range(3)]).astype(float)


@pytest.mark.parametrize("kind", list(KINDS))
def test_strength_zero_changes_nothing_and_more_changes_more(kind: str) -> None:
    whole = crops(3, 40).astype(float)
    assert np.array_equal(distorted(kind, 0.0), whole)
    changes = [np.abs(distorted(kind, strength) - whole).mean() for strength in (0.1, 0.3, 0.6, 1.0)]
    assert changes == sorted(changes)
    assert changes[0] > 0.1
    assert changes[-1] > 5


def test_noise_has_its_stated_deviation() -> None:
    grey = np.full((200, 200, 3), 128, dtype=np.uint8)
    noisy = KINDS["noise"](grey, 0.25, np.random.default_rng(0)).astype(float)
    assert noisy.std() == pytest.approx(32, rel=0.02)  # 0.25 * 128, four deviations inside 0..255


def test_blur_keeps_the_mean_and_a_flat_picture() -> None:
    flat = np.full((32, 32, 3), 77, dtype=np.uint8)
    assert np.array_equal(KINDS["blur"](flat, 1.0, np.random.default_rng(0)), flat)
    spot = np.zeros((64, 64, 3), dtype=np.uint8)
    spot[28:36, 28:36] = 255
    assert KINDS["blur"](spot, 0.5, np.random.default_rng(0)).mean() == pytest.approx(spot.mean(), rel=0.05)


def test_draws_depend_on_the_seed_and_the_picture_alone() -> None:
    assert np.array_equal(distorted("rectangles", 0.5), distorted("rectangles", 0.5))
    assert not np.array_equal(distorted("rectangles", 0.5), distorted("rectangles", 0.5, seed=1))
    small, large = distorted("rectangles", 0.3) == 0, distorted("rectangles", 0.6) == 0
    assert large[small].all()  # growing rectangles keep their places


def test_digests_tell_every_distortion_apart() -> None:
    images = as_set(crops(2, 40))
    made = [
        DistortedPictures(images, kind, strength, seed, Preparation(size=0)).digest(index)
        for kind in KINDS
        for strength in (0.5, 1.0)
        for seed in (0, 1)
        for index in (0, 1)
    ]
    assert len(set(made)) == len(made)


def test_a_kind_or_strength_named_twice_is_one_point_of_a_curve() -> None:
    found = distortion_curve(
        as_set(crops(3, 40)), network(), Preparation(), kinds=("blur", "blur"), strengths=(1.0, 0.25, 1.0), seed=0
    )
    assert found.figures["strengths"] == [0.25, 1.0]
    assert [len(fids) for fids in found.figures["fid"].values()] == [2]


def test_a_curve_made_again_distorts_no_picture_and_its_bar_never_goes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing reads the digests of distorted pixels, for which each picture would be distorted once more."""
    calls: list[float] = []
    moves: list[int] = []

    def counted(picture: np.ndarray, strength: float, draw: np.random.Generator) -> np.ndarray:
        calls.append(strength)
        return picture

    monkeypatch.setitem(KINDS, "blur", counted)
    for expected in (6, 0):  # three pictures at two strengths
        calls.clear()
        moves.clear()
        distortion_curve(
            as_set(crops(3, 40)),
            network(),
            Preparation(),
            kinds=("blur",),
            strengths=(0.5, 1.0),
            seed=0,
            cache=tmp_path,
            progress=lambda done, total: moves.append(done),
        )
        assert len(calls) == expected
        assert moves == sorted(moves)
        assert moves[-1] == 9


def test_wrong_kinds_and_strengths_are_refused() -> None:
    images = as_set(crops(2, 40))
    for kinds, strengths, said in (
        ((), (1.0,), "kinds is empty"),
        (("melt",), (1.0,), "kinds is melt"),
        (("blur",), (), "strengths is"),
        (("blur",), (1.5,), "strengths is"),
        (("blur",), (float("nan"),), "strengths is"),
    ):
        with pytest.raises(ValueError, match=said):
            distortion_curve(images, network(), Preparation(), kinds=kinds, strengths=strengths, seed=0)

"""Learning curves: nested subsets, about equal updates, and honest intervals."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from scipy import stats

from hyponet.evaluation.intervals import wilson
from hyponet.evaluation.plots import to_pixels
from hyponet.evaluation.training.learning_curve import (
    CurvePoint,
    curve_plot,
    curve_table,
    parse_sizes,
    settings_of,
    subset,
)
from hyponet.evaluation.training.repetitions import check_whole
from hyponet.evaluation.training.settings import Settings
from hyponet.evaluation.training.train import train

from ..sample_pictures import colours


def test_a_larger_subset_holds_the_smaller_one():
    data = colours(each=20)
    for seed in range(5):
        parts = [set(map(int, subset(data, size, seed).indices)) for size in (2, 5, 10)]
        assert parts[0] < parts[1] < parts[2]
        assert [len(part) for part in parts] == [6, 15, 30]
    assert set(subset(data, 5, 0).indices) != set(subset(data, 5, 1).indices)


def test_every_size_has_about_as_many_updates():
    whole = Settings(epochs=10, batch_size=32)
    steps = 10 * math.ceil(5000 / 32)
    for part in (50, 100, 333, 500, 2500):
        made = settings_of(whole, 5000, part)
        assert made.epochs * math.ceil(part / 32) == pytest.approx(steps, rel=0.05), part
    assert settings_of(whole, 5000, 5000) == whole


def test_the_sizes_are_read_and_what_is_no_subset_is_left_out():
    data = colours(each=20)
    assert parse_sizes("5, 2,5, 20, 100", data) == [2, 5]
    for text in ("", "20", "0, 5", "-3", "five", "1.5", "\u0664"):
        with pytest.raises(ValueError, match="sizes"):
            parse_sizes(text, data)


def test_the_interval_is_over_seeds_and_of_one_seed_wilsons():
    point = CurvePoint(10, 30, (0, 1, 2), (60, 66, 63), 100)
    expected = stats.t.interval(0.95, 2, 0.63, 0.03 / math.sqrt(3))  # sd of 60, 66, 63 is 3
    assert point.interval == pytest.approx(expected)
    assert CurvePoint(10, 30, (0,), (60,), 100).interval == wilson(60, 100)
    assert CurvePoint.from_json(point.to_json()) == point


def test_the_table_says_what_the_last_doubling_brought_and_the_plot_is_drawn():
    points = [CurvePoint(size, 3 * size, (0,), (right,), 100) for size, right in ((10, 50), (20, 60), (40, 63))]
    assert "From 20 to 40 pictures a class: +3.00 points." in curve_table(points)
    assert to_pixels(curve_plot("set", points, (400, 300))).shape == (300, 400, 3)


def test_one_stopped_training_is_no_last_point(tmp_path):
    """All other points are trained in full: a curve that ends with a training that was stopped falls at its end."""
    data = colours()
    whole = train(data, Settings(size=16, epochs=1, batch_size=8), tmp_path, device=torch.device("cpu")).last.provenance
    check_whole([whole], data)
    stopped = replace(whole, complete=False)
    for runs in ([stopped], [whole, stopped]):
        with pytest.raises(ValueError, match="the training of seed 0 was stopped; expected one that was finished"):
            check_whole(runs, data)
    with pytest.raises(ValueError, match="no repetitions"):
        check_whole([whole, whole], data)
    with pytest.raises(ValueError, match="learned other pictures"):
        check_whole([whole], colours(seed=1))

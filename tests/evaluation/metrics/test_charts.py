"""Bars of metrics: each class has one, and both numbers of pictures are in the picture's words."""

from __future__ import annotations

from hyponet.evaluation.metrics import charts
from hyponet.evaluation.results import Measurement, write_result

COUNTS = {"features": {"count": 200, "name": "ours"}, "reference": {"count": 10_000, "name": "theirs"}}


def result(tmp_path, figures, inputs=COUNTS):
    return write_result(tmp_path, Measurement("pets", "fid", figures, inputs, {}))


def test_fid_has_bars_where_it_was_measured_by_class(tmp_path):
    def entry(fid):
        return {"fid": fid, "count": 100, "reference_count": 1000}

    assert charts.fid_bars(result(tmp_path, {"fid": 20.0})) is None
    by_class = {"cat": entry(30.0), "dog": entry(50.0), "ship": entry(None)}
    drawn = charts.fid_bars(result(tmp_path, {"fid": 20.0, "per_class": by_class}))
    assert drawn.shape == (charts.SIZE[1], charts.SIZE[0], 3)
    many = {f"class {number}": entry(float(number)) for number in range(900)}
    assert charts.fid_bars(result(tmp_path, {"fid": 20.0, "per_class": many})).shape[0] < 2000, "fits a screen or two"


def test_both_numbers_are_named(tmp_path):
    assert charts._counts(result(tmp_path, {})) == "200 pictures against 10,000"
    unknown = {**COUNTS, "reference": {"count": 0, "name": "statistics"}}
    assert charts._counts(result(tmp_path, {}, unknown)) == "200 pictures against an unknown number"


def test_precision_and_diversity_have_bars(tmp_path):
    four = {"precision": 0.7, "recall": 0.2, "density": 1.3, "coverage": 0.6}
    assert charts.precision_bars(result(tmp_path, four)).shape == (charts.SIZE[1], charts.SIZE[0], 3)
    by_class = {"cat": {"count": 9, "vendi": 4.5}, "dog": {"count": 9, "vendi": 2.0}}
    assert charts.diversity_bars(result(tmp_path, {"vendi": 3.25, "per_class": by_class})).std() > 0


def test_classes_stand_beside_the_whole_set_and_clip_scores_have_bars(tmp_path):
    four = {"precision": 0.7, "recall": 0.2, "density": 1.3, "coverage": 0.6}
    shape = (charts.SIZE[1], charts.SIZE[0], 3)
    for count in (3, 900):
        by_class = {f"class {number}": {"count": 20, **four} for number in range(count)}
        drawn = charts.precision_bars(result(tmp_path, {**four, "per_class": by_class}))
        assert drawn.shape == shape if count == 3 else drawn.shape[0] < 2000
    scores = {"cat": {"count": 9, "clip_score": 24.5}, "dog": {"count": 9, "clip_score": 21.0}}
    assert charts.clip_score_bars(result(tmp_path, {"clip_score": 22.75, "per_class": scores})).shape == shape

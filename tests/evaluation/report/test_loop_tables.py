"""The report of the loop: ratios, curves and top-ups stand in tables, and figures on steering pictures are marked."""

from __future__ import annotations

import pytest

from hyponet.evaluation.intervals import mcnemar
from hyponet.evaluation.metrics.contamination import find_copies
from hyponet.evaluation.metrics.copies_result import copies_measurement
from hyponet.evaluation.paired import paired_test
from hyponet.evaluation.report.build import build_report
from hyponet.evaluation.report.charts import accuracy_plots, confusion_plots
from hyponet.evaluation.report.headlines import headlines
from hyponet.evaluation.report.method import method_text
from hyponet.evaluation.report.read_figures import read_figures
from hyponet.evaluation.report.text import report_markdown
from hyponet.evaluation.results import Measurement, Result, read_results, write_result
from hyponet.evaluation.training.comparison_figures import Comparison, OverSeeds
from hyponet.evaluation.training.learning_curve import CurvePoint, curve_measurement
from hyponet.evaluation.training.ratio import RatioToReal, ratio_measurement, ratios_to_real
from hyponet.evaluation.training.settings import Settings
from hyponet.evaluation.training.top_up import allocate, class_needs, steering_figures, top_up_measurement
from hyponet.tests.evaluation.report_tables import table_of

from ..accuracy_figures import accuracy_entry, write_test
from ..sample_pictures import colours


def test_a_figure_on_pictures_that_steered_is_marked_and_others_are_not(tmp_path):
    data = colours()
    steering, reported = data.select(range(12)).named("steering"), data.select(range(12, 24)).named("reported")
    told = [{"name": part.name, "content_key": part.content_key} for part in (steering, reported)]
    entries = [accuracy_entry("steering", 0.7), accuracy_entry("reported", 0.6)]
    result = write_test(tmp_path, "round 1", entries, {}, test_sets=told)
    needs = class_needs(steering_figures([result], steering))
    before = dict.fromkeys((need.name for need in needs), 10)
    added = allocate({need.name: need.weight for need in needs}, 25)
    decided = top_up_measurement("first top-up", needs, before, added, [result], steering, reported, "accuracy")
    write_result(tmp_path, decided)
    report = build_report(read_results(tmp_path), "loop")
    row = table_of(report, "accuracy").rows[0]
    notes = dict(zip(table_of(report, "accuracy").columns, (cell.note for cell in row.cells), strict=True))
    assert "not to be reported: 1,000 of 1,000 test pictures steered the top-up first top-up" in notes["steering"]
    assert "steered" not in notes["reported"]
    (top_up,) = table_of(report, "top-up").rows
    assert [cell.value for cell in top_up.cells] == [50, 25, 0, 70]
    assert "an even top-up; by a test of round 1" in top_up.cells[0].note
    assert table_of(report, "top-up").decimals == 0
    said = " ".join(headlines(report))
    assert "accuracy on reported 60.00 %" in said
    assert "accuracy on steering" not in said
    assert "weak classes" not in said
    assert "accuracy on steering" not in method_text(report)
    (plot,) = accuracy_plots(report)
    (axes,) = plot.figure.axes
    assert [round(bar.get_height()) for bar in axes.patches] == [60]
    titles = [plot.title for plot in confusion_plots(report)]
    assert [("not to be reported" in title) for title in titles] == [True, False]


@pytest.mark.parametrize("stated", ["round 1", {"round 1": 1}, [1, 2], 5])
@pytest.mark.parametrize("place", ["classifiers", "weak"])
def test_names_of_a_top_up_that_are_no_list_of_texts_are_damage(place, stated):
    """The regression: a text was taken for a list of its letters."""
    figures = {"before": 50, "added": 25, "weak": ["cat"], "worst_accuracy": 0.7}
    inputs = {"classifiers": ["round 1"]}
    made = Result("first", "top_up", "1", "", figures, inputs, {}, {})
    assert read_figures(made).top_up.classifiers == ("round 1",)
    (figures if place == "weak" else inputs)[place] = stated
    with pytest.raises(ValueError, match=r"names are .*; expected a list of texts"):
        read_figures(made)


def test_ratio_and_curve_have_their_tables(tmp_path):
    made = [
        write_test(tmp_path, "made", [accuracy_entry("photos", share)], {"seed": seed})
        for seed, share in enumerate((0.6, 0.62))
    ]
    real = [
        write_test(tmp_path, "real", [accuracy_entry("photos", share)], {"seed": seed}, training={"synthetic": 0})
        for seed, share in enumerate((0.8, 0.8))
    ]
    write_result(tmp_path, ratio_measurement("made against real", ratios_to_real(made, real), made, real))
    points = [CurvePoint(size, 3 * size, (0, 1), (right, right + 2), 100) for size, right in ((5, 50), (8, 60))]
    write_result(tmp_path, curve_measurement("curve", points, colours(), colours(seed=1), Settings()))
    report = build_report(read_results(tmp_path), "loop")
    (row,) = table_of(report, "ratio-to-real").rows
    assert row.cells[0].value == 0.61 / 0.8
    assert row.cells[0].low < row.cells[0].value < row.cells[0].high
    (curve,) = table_of(report, "learning-curve").rows
    assert [round(cell.value, 6) for cell in curve.cells] == [51, 61]
    assert table_of(report, "learning-curve").columns == ("5", "8")
    assert "5 pictures a class 51.00 % " in " ".join(headlines(report))
    text = report_markdown(report)
    assert "Ratio to real" in text
    assert "arXiv 2406.05184" in text


def test_near_copies_have_a_row(tmp_path):
    data = colours()
    made, reference = data.select(range(12)).named("made"), data.select(range(10, 24)).named("test")
    copies = find_copies(made, reference)
    write_result(tmp_path, copies_measurement("made", copies, made, reference, None))
    (row,) = table_of(build_report(read_results(tmp_path), "loop"), "contamination").rows
    assert (row.label, row.group) == ("made", "against test")
    equal, by_hash, by_features, near = row.cells
    assert (equal.value, equal.count, equal.reference_count) == (2, 12, 14)
    assert by_hash.value >= 2
    assert by_features.value is None
    assert near.value == by_hash.value
    assert "features not compared" in near.note


def test_ratios_curves_and_comparisons_of_steering_or_learned_pictures_are_marked_and_no_headline(tmp_path):
    """4 test pictures of 24 are learned, 12 steered; said by each result of itself, without the top-up's file."""
    steered = {"round 1": 12}
    ratio = RatioToReal("photos", "key", 24, 0.6, 0.8, 0.75, 1, True, None, None, shared=4, steered=steered)
    (tested,) = [write_test(tmp_path / "tests", "made", [accuracy_entry("photos", 0.6)], {"seed": 0})]
    write_result(tmp_path / "loop", ratio_measurement("ratio", [ratio], [tested], [tested]))
    points = [CurvePoint(size, 3 * size, (0,), (12,), 24, shared=4) for size in (5, 8)]
    curve = curve_measurement("curve", points, colours(), colours(seed=1), Settings(), steered)
    write_result(tmp_path / "loop", curve)
    images = {**colours(seed=1).summary(), "shared": 4, "steered": steered}
    pair = Comparison("a", "b", 0.5, 0.6, mcnemar(3, 5), 0.7)
    seeds = OverSeeds("a", "b", 24, paired_test([1, 2, 4]), "")
    figures = {"pairs": [pair.to_json()], "over_seeds": seeds.to_json()}
    write_result(tmp_path / "loop", Measurement("pair", "comparison", figures, {"images": images}, {}))
    report = build_report(read_results(tmp_path / "loop"), "loop")
    for key in ("ratio-to-real", "learning-curve", "comparisons", "comparisons-over-seeds"):
        for cell in table_of(report, key).rows[0].cells:
            assert "4 of 24 test pictures are of a training set" in cell.note, key
            assert "not to be reported: 12 of 24 test pictures steered the top-up round 1" in cell.note, key
    assert headlines(report) == []
    assert any("4 of 24 test pictures are of the training set" in warning for warning in curve.warnings)
    assert any("not to be reported: 12 of 24" in warning for warning in curve.warnings)


def test_a_test_of_all_of_which_a_part_steered_is_marked(tmp_path):
    entry = {**accuracy_entry("all", 0.6), "steered": {"round 1": 500}}
    write_test(tmp_path, "round 2", [entry], {})
    report = build_report(read_results(tmp_path), "loop")
    (cell,) = table_of(report, "accuracy").rows[0].cells
    assert "not to be reported: 500 of 1,000 test pictures steered the top-up round 1" in cell.note
    assert (headlines(report), accuracy_plots(report)) == ([], [])

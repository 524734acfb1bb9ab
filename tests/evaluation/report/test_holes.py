"""A result file with a number that is missing: the report comes out, and says what is missing where it shows."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from hyponet.evaluation.report.build import build_report
from hyponet.evaluation.report.html_page import report_html
from hyponet.evaluation.report.text import report_csv, report_markdown
from hyponet.evaluation.report.write import write_report
from hyponet.evaluation.results import Result, read_results

from ..accuracy_figures import accuracy_entry, training_figures
from .test_report import a_test, measured

PRECISION = ("precision", "recall", "prdc_precision", "prdc_recall", "density", "coverage")
DIVERSITY = ("vendi", "mean_pairwise_distance", "median_nearest_distance")
FIGURES: dict[str, dict[str, Any]] = {
    "fid": {"fid": 12.5, "per_class": {"cat": {"fid": 30.0, "count": 50, "reference_count": 60}}},
    "inception_score": {"inception_score": 8.0, "inception_score_sd": 0.2, "per_split": [7.8, 8.2]},
    "kid": {"kid": 0.01, "kid_sd_over_subsets": 0.002},
    "precision_recall": {
        **dict.fromkeys(PRECISION, 0.5),
        "per_class": {"cat": {"count": 20, **dict.fromkeys(PRECISION, 0.25)}},
    },
    "cmmd": {"cmmd": 0.5},
    "clip_score": {"clip_score": 25.0, "per_class": {"cat": {"clip_score": 30.0, "count": 20}}},
    "diversity": {**dict.fromkeys(DIVERSITY, 2.0), "per_class": {}},
    "distortion": {"strengths": [0.5, 1.0], "fid": {"blur": [10.0, 20.0], "noise": [5.0, 9.0]}},
    "training": training_figures(0.5, 0.8, held_out=0.75),
    "test": {"test_sets": [accuracy_entry("CIFAR-10 test", 0.5, 5000)]},
}


def numbers(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """The path of every number below `value`."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from numbers(item, (*path, i))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path


def without(value: Any, path: tuple) -> Any:
    """A copy of `value` that has null at `path`."""
    damaged = copy.deepcopy(value)
    part = damaged
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = None
    return damaged


def shown(results: list[Result]) -> tuple[str, tuple[str, ...]]:
    """The report's tables as text, and its notes."""
    report = replace(build_report(results, "report"), created="")
    report_html(report, {})
    report_csv(report)
    return report_markdown(replace(report, notes=(), sources=())), report.notes


@pytest.mark.parametrize("kind", FIGURES)
def test_whatever_number_is_missing_the_report_comes_out_and_names_the_hole(tmp_path, kind):
    """Every number of every kind in turn; what no table shows may be missing without a word."""
    if kind == "test":
        a_test(tmp_path, "damaged", {"CIFAR-10 test": 0.5})
    else:
        measured(tmp_path, "damaged", kind, FIGURES[kind], 100)
    measured(tmp_path, "beside", "fid", {"fid": 3.25}, 100)
    whole = read_results(tmp_path)
    (target,) = [result for result in whole if result.name == "damaged"]
    tables, notes = shown(whole)
    assert not [note for note in notes if "damaged" in note]
    paths = list(numbers(target.figures))
    assert paths
    for path in paths:
        figures = without(target.figures, path)
        results = [replace(result, figures=figures) if result is target else result for result in whole]
        after, notes = shown(results)
        is_spread = str(path[-1]).endswith(("_sd", "_sd_over_subsets"))
        assert after == tables or is_spread or [note for note in notes if "damaged" in note], path
        assert "3.25" in after, path


def test_the_report_on_disk_comes_out_too(tmp_path):
    for kind, path in {"fid": ("fid",), "distortion": ("fid", "blur", 1)}.items():
        written = measured(tmp_path / "r", kind, kind, FIGURES[kind], 100)
        assert written.path is not None
        stored = json.loads(written.path.read_text("utf-8"))
        written.path.write_text(json.dumps({**stored, "figures": without(stored["figures"], path)}), "utf-8")
    report = build_report(read_results(tmp_path / "r"), "report")
    assert [note.partition("has no number for ")[2] for note in report.notes] == ["fid.", "blur at 1."]
    write_report(tmp_path / "report", report)

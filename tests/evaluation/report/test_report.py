"""The report puts our figures beside the thesis's, honestly: blanks stay blank, and every figure has its source."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from hyponet.evaluation.metrics.conventions import Preparation
from hyponet.evaluation.plots import confusion_plot, to_svg
from hyponet.evaluation.report import thesis
from hyponet.evaluation.report.build import Report, build_report, parse_rows
from hyponet.evaluation.report.charts import curve_plots
from hyponet.evaluation.report.headlines import MAX_LINES, headlines
from hyponet.evaluation.report.html_page import report_html
from hyponet.evaluation.report.latex import report_latex
from hyponet.evaluation.report.text import report_csv, report_markdown
from hyponet.evaluation.report.write import write_report
from hyponet.evaluation.results import Measurement, Result, read_results, write_result
from hyponet.tests.evaluation.report_tables import table_of

from ..accuracy_figures import CLASSES, accuracy_entry, training_figures, write_test


def a_test(folder: Path, name: str, sets: dict[str, float], seed: int = 0, **more: Any) -> Result:
    """A test result like the thesis's, whose accuracies are out of the thesis's number of pictures or of `count`."""
    count = more.pop("count", None)
    synthetic = more.get("synthetic", False)
    counts = {test_set: count or thesis.TEST_COUNTS.get(thesis.test_set_of(test_set) or "", 1000) for test_set in sets}
    entries = [accuracy_entry(test_set, accuracy, counts[test_set], synthetic) for test_set, accuracy in sets.items()]
    return write_test(folder, name, entries, {"seed": seed, **more})


def measured(
    folder: Path, name: str, kind: str, figures: dict[str, Any], count: int, reference: int = 50000, **settings: Any
) -> Result:
    network = "torchvision-inception-v3-imagenet1k-v1" if kind == "inception_score" else "fid-inception-v3-2015-12-05"
    inputs: dict[str, Any] = {"features": {"name": name, "count": count}}
    if kind != "inception_score":
        inputs["reference"] = {"name": "CIFAR-10 train", "count": reference}
    weights = "0cc3c7bd" if kind == "inception_score" else "6726825d"  # as the published files' names say
    prepared = {"convention": "thesis", "size": 32, "filter": "bicubic"}
    given = {"network": network, "weights_sha256": weights, **prepared, **settings}
    Preparation(given["convention"])  # refuses a name with which no result is written
    return write_result(folder, Measurement(name, kind, figures, inputs, given))


def cell(report: Report, table: str, row: str, column: str, group: str = ""):
    found = table_of(report, table)
    rows = [r for r in found.rows if r.label == row and (not group or r.group == group)]
    assert len(rows) == 1, f"{row} {group}: {[(r.group, r.label) for r in found.rows]}"
    return rows[0].cells[found.columns.index(column)]


def test_the_published_figures_are_the_theses() -> None:
    # three figures read off each printed table, and the printed averages
    assert thesis.ACCURACY["SD1.5 HypoNet"] == (74.42, 73.11, 65.62, 71.05)
    assert (thesis.FID["SDXL FreeU"], thesis.FID["CIFAR-10 Test"], thesis.FID["SD1.4 none"]) == (51.75, 3.24, 34.05)
    assert (thesis.INCEPTION_SCORE["CIFAR-10 Train"], thesis.INCEPTION_SCORE["SDXL HypoNet"]) == (10.23, 10.63)
    assert list(thesis.AUGMENTATION.values()) == [84.78, 88.22, 87.64, 88.88, 89.24, 88.94]
    for row, (*sets, average) in thesis.ACCURACY.items():
        assert sum(sets) / 3 == pytest.approx(average, abs=0.011), row
    assert len(thesis.ACCURACY) == len(thesis.INCEPTION_SCORE) == 13
    assert len(thesis.FID) == 15


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("sd15-hyponet", "SD1.5 HypoNet"),
        ("SD 1.5 HypoNet", "SD1.5 HypoNet"),
        ("Stable Diffusion 1.4 none", "SD1.4 none"),
        ("sdxl_freeu", "SDXL FreeU"),
        ("cifar10-train", "CIFAR-10 Train"),
        ("CIFAR-10 Train + 1000", "CIFAR-10 Train + 1000"),
        ("cifar10_train plus 2,000", "CIFAR-10 Train + 2000"),
        ("cifar10-train-32", None),  # 32 pixels and not 32 synthetic pictures
        ("my sd15-hyponet", None),
        ("", None),
    ],
)
def test_names_find_their_row_however_they_are_spelled(name: str, row: str | None) -> None:
    assert thesis.row_of(name) == row


def test_only_the_theses_own_test_sets_stand_in_its_table() -> None:
    names = (
        "CIFAR-10 test",
        "cifar10",
        "STL-10 test",
        "stl10_test",
        "ImageNet validation",
        "ImageNet-1k",
        "imagenet val",
    )
    assert [thesis.test_set_of(name) for name in names] == [*["CIFAR-10"] * 2, *["STL-10"] * 2, *["ImageNet-1k"] * 3]
    others = ("CIFAR-100 test", "CIFAR-10.1", "CIFAR-10-C", "ImageNet-A", "ImageNetV2", "imagenette", "CIFAR-10 train")
    assert [thesis.test_set_of(name) for name in (*others, "CIFAR-10 train and test")] == [None] * 8
    assert thesis.is_cifar_train("cifar10_clean_train_32")  # clean-fid's own file of statistics
    assert not any(map(thesis.is_cifar_train, ("CIFAR-100 train", "CIFAR-10.1 train", "CIFAR-10 test")))


@pytest.mark.parametrize(
    ("name", "test_set"),
    [
        ("CIFAR-10 train + 1000", "STL-10 test"),
        ("cats + dogs", "CIFAR-10 test"),
        ("cats + dogs", "CIFAR-100 test"),
        ("CIFAR-10 train + 1000", "CIFAR-10 test"),
        ("sd15-none", "ours, the rest"),
    ],
)
def test_everything_that_was_tested_stands_in_some_table(tmp_path: Path, name: str, test_set: str) -> None:
    a_test(tmp_path, name, {test_set: 0.5})
    report = build_report(read_results(tmp_path), "r")
    assert [c.value for table in report.tables for row in table.rows for c in row.cells if c.value] == [50.0]


def test_a_table_of_the_thesis_is_there_only_where_one_of_its_rows_was_measured(tmp_path: Path) -> None:
    # all that a user's own set has: the thesis's test sets and references too, which make it no row of its tables
    a_test(tmp_path, "mugs", {"photos": 0.5, "CIFAR-10 test": 0.25})
    measured(tmp_path, "mugs", "fid", {"fid": 30.0}, 25000)
    measured(tmp_path, "mugs", "inception_score", {"inception_score": 9.0}, 500, splits=10)
    own = build_report(read_results(tmp_path), "r")
    assert [table.key for table in own.tables] == ["accuracy", "fid", "inception_score"]
    assert [cell(own, "accuracy", "mugs", name).value for name in ("photos", "CIFAR-10 test")] == [50, 25]
    for text in (report_html(own, {}), report_markdown(own), report_latex(own)):
        assert not re.search(r"Table 5-|[Tt]he thesis|>thesis<|\(thesis\)|& thesis", text), "nothing of it was measured"
    a_test(tmp_path, "sd15-none", {"CIFAR-10 test": 0.5})
    with_a_row = build_report(read_results(tmp_path), "r")
    assert [table.key for table in with_a_row.tables] == ["5-9", "accuracy", "fid", "inception_score"]
    assert cell(with_a_row, "5-9", "mugs", "CIFAR-10").value == 25
    measured(tmp_path, "sd15-none", "fid", {"fid": 30.0}, 25000)
    measured(tmp_path, "sd15-none", "inception_score", {"inception_score": 9.0}, 25000, splits=10)
    a_test(tmp_path, "CIFAR-10 Train + 1000", {"CIFAR-10 test": 0.5})
    keys = [table.key for table in build_report(read_results(tmp_path), "r").tables]
    assert keys == ["5-9", "5-10", "accuracy", "5-11", "5-12"]


def test_the_report_begins_with_what_this_run_measured(tmp_path: Path) -> None:
    a_test(tmp_path, "sd15-none", {"CIFAR-10 test": 0.5})
    new = measured(tmp_path, "mugs", "kid", {"kid": 0.0123, "kid_sd_over_subsets": 0.001}, 100, 200, subsets=7)
    report = build_report(read_results(tmp_path), "r", new_runs={new.run})
    assert [table.key for table in report.tables] == ["kid", "5-9"]
    assert headlines(report) == [
        "mugs against CIFAR-10 train: KID x 1000 12.30 (\u00b1 1.00 (7 subsets)), N = 100 against 200"
    ]
    for text in (report_html(report, {}), report_markdown(report)):
        assert text.index("What was measured") < text.index("12.30") < text.index("Table 5-9")
    without_links = headlines(build_report(read_results(tmp_path), "r"))  # nothing ran beside it: the newest
    assert [line.partition(":")[0] for line in without_links] == [
        "Table 5-9, Stable Diffusion 1.5, none",
        "mugs against CIFAR-10 train",
    ]


def test_a_long_list_of_figures_ends_with_their_number(tmp_path: Path) -> None:
    new = {a_test(tmp_path, f"set {number}", {"photos": 0.5}).run for number in range(15)}
    lines = headlines(build_report(read_results(tmp_path), "r", new_runs=new))
    assert (len(lines), lines[-1]) == (MAX_LINES + 1, "and 3 more rows in the tables below")


def test_a_report_of_results_on_disk_begins_with_every_row(tmp_path: Path) -> None:
    """Three rounds of two seeds, each a training, a test of it and a metric: more files than lines."""
    for number in range(3):
        for seed in range(2):
            a_test(tmp_path, f"rounds/{number}", {"photos": 0.5 + 0.1 * number + 0.02 * seed}, seed)
            write_result(tmp_path, Measurement(f"rounds/{number}", "training", training_figures(0.5), {}, {}))
        measured(tmp_path, f"rounds/{number}", "fid", {"fid": 30.0 - number}, 100)
    report = build_report(read_results(tmp_path), "r")
    assert len(report.sources) == 15
    lines = headlines(report)
    # by hand: the means of .50 and .52, .60 and .62, .70 and .72
    assert [line.partition(" (")[0] for line in lines[:3]] == [
        f"rounds/{number}: accuracy on photos {51 + 10 * number}.00 %" for number in range(3)
    ]
    assert ["FID" in line for line in lines[3:]] == [True] * 3


def test_of_many_rows_on_disk_the_newest_are_listed(tmp_path: Path) -> None:
    for number in range(15):
        a_test(tmp_path, f"set {number}", {"photos": 0.5})
    lines = headlines(build_report(read_results(tmp_path), "r"))
    assert [line.partition(":")[0] for line in lines[:-1]] == [f"set {number}" for number in range(3, 15)]
    assert lines[-1] == "and 3 more rows in the tables below"


def test_the_accuracy_on_held_out_real_pictures_is_listed(tmp_path: Path) -> None:
    write_result(tmp_path, Measurement("mine", "training", training_figures(0.5, held_out=0.75), {}, {"seed": 0}))
    report = build_report(read_results(tmp_path), "r")
    assert cell(report, "accuracy", "mine", "held out of its own set").value == 75


def test_users_say_which_test_set_a_name_is(tmp_path: Path) -> None:
    a_test(tmp_path, "sd15-none", {"my cifar": 0.5})
    report = build_report(read_results(tmp_path), "r", parse_rows("my cifar = CIFAR-10 test"))
    assert cell(report, "5-9", "none", "CIFAR-10", "Stable Diffusion 1.5").value == 50


def test_other_training_pictures_than_the_row_says_are_noted(tmp_path: Path) -> None:
    def trained(name: str, counts: dict[str, int] | None = None, **training: Any) -> None:
        given = {"counts": counts} if counts else {}
        write_test(tmp_path, name, [accuracy_entry("CIFAR-10 test", 0.5, 5000)], {}, {**given, **training})

    few = dict(zip(CLASSES, (200, 210, 205, 205, 205), strict=True))
    trained("sd15-hyponet")  # as the thesis has it: 5,000 a class
    trained("sd15-none", few)
    trained("cifar10-train + 1000")
    trained("cifar10-train + 2000", synthetic=0)
    trained("sd15-lora", {"cat": 5000, "ship": 5000})
    report = build_report(read_results(tmp_path), "r")
    cells = {
        label: cell(report, "5-9", label, "CIFAR-10", "Stable Diffusion 1.5") for label in ("HypoNet", "none", "LoRA")
    }
    assert (cells["HypoNet"].thesis, cells["HypoNet"].note) == (74.42, "")
    reason = "not beside the thesis's 68.96: trained on 200 to 210 pictures a class, not 5,000"
    assert (cells["none"].thesis, cells["none"].note) == (None, reason)
    assert (cells["LoRA"].thesis, "other classes" in cells["LoRA"].note) == (None, True)
    added = cell(report, "5-10", "1,000", "Accuracy")
    assert (added.thesis, added.note) == (88.22, "")
    without = cell(report, "5-10", "2,000", "Accuracy")
    assert without.thesis is None
    assert "0 of its training pictures are known to be generated" in without.note


def test_an_average_is_over_the_seeds_that_all_sets_have(tmp_path: Path) -> None:
    for seed, accuracy in ((0, 0.6), (1, 0.9)):
        a_test(tmp_path, "sdxl-none", {"CIFAR-10 test": accuracy}, seed, size=32)
    a_test(tmp_path, "sdxl-none", {"ImageNet": 0.7}, size=224)
    a_test(tmp_path, "sdxl-none", {"STL-10": 0.8}, size=96)
    average = cell(build_report(read_results(tmp_path), "r"), "5-9", "none", "Average", "Stable Diffusion XL")
    assert (average.value, average.thesis) == (pytest.approx(70), 62.95)
    assert average.note == (
        "one model per test set: 32, 224, 96 px; of the seeds that were tested on all sets"  # seed 0 alone
    )


def test_an_average_over_seeds_has_their_deviation(tmp_path: Path) -> None:
    for seed, shift in ((0, 0.0), (1, 0.03)):
        a_test(tmp_path, "sdxl-none", {"CIFAR-10 test": 0.6 + shift, "ImageNet": 0.7, "STL-10": 0.8}, seed)
    average = cell(build_report(read_results(tmp_path), "r"), "5-9", "none", "Average", "Stable Diffusion XL")
    # the averages of the two are 70 and 71
    assert (average.value, average.spread) == (pytest.approx(70.5), pytest.approx(0.5**0.5))
    assert (average.runs, average.thesis) == (2, None), "one model at 32: not the protocol of the thesis's code"


@pytest.mark.parametrize(
    "second",
    [{"size": 224}, {"epochs": 3}, {"held_out": 0.1}, {"optimizer": "SGD"}, {"seed": 5}, {"checkpoint": "best"}],
)
def test_there_is_no_average_over_classifiers_of_different_making(tmp_path: Path, second: dict[str, Any]) -> None:
    a_test(tmp_path, "sdxl-none", {"CIFAR-10 test": 0.6, "STL-10": 0.8})
    a_test(tmp_path, "sdxl-none", {"ImageNet": 0.7}, **second)
    report = build_report(read_results(tmp_path), "r")
    average = cell(report, "5-9", "none", "Average", "Stable Diffusion XL")
    assert average.value is None
    assert average.note.startswith("no average: ")
    assert average.note in report_markdown(report)
    assert average.note in report_html(report, {}).replace("&#x27;", "'")


def test_figures_of_other_weights_do_not_stand_beside_the_theses(tmp_path: Path) -> None:
    measured(tmp_path, "sd15-none", "fid", {"fid": 30.0}, 25000, weights_sha256="00ff")
    found = cell(build_report(read_results(tmp_path), "r"), "5-11", "none", "FID", "Stable Diffusion 1.5")
    assert (found.value, found.thesis) == (30.0, None)
    assert "FID Inception with other weights" in found.note


def test_a_newer_fid_against_something_else_does_not_replace_one_like_the_theses(tmp_path: Path) -> None:
    measured(tmp_path, "sd15-none", "fid", {"fid": 30.0}, 25000)
    measured(tmp_path, "sd15-none", "fid", {"fid": 90.0}, 200)
    other = measured(tmp_path, "sd15-none", "fid", {"fid": 99.0}, 25000, 4000)
    other.path.write_text(other.path.read_text("utf-8").replace("CIFAR-10 train", "STL-10 test"), "utf-8")
    report = build_report(read_results(tmp_path), "r")
    found = cell(report, "5-11", "none", "FID", "Stable Diffusion 1.5")
    assert (found.value, found.thesis, found.count, found.reference_count) == (30.0, 33.19, 25000, 50000)
    assert "1 other result of this set not shown" in found.note
    apart = cell(report, "fid", "SD1.5 none", "FID", "against STL-10 test")
    assert (apart.value, apart.thesis, apart.reference_count) == (99.0, None, 4000)


def test_cifar_train_has_its_score_only_from_all_its_pictures(tmp_path: Path) -> None:
    measured(tmp_path, "cifar10-train", "inception_score", {"inception_score": 10.0}, 25000, splits=10)
    assert cell(build_report(read_results(tmp_path), "r"), "5-12", "CIFAR-10 Train", "IS").thesis is None


def test_every_metric_has_both_numbers_and_its_rule_beside_it(tmp_path: Path) -> None:
    rules = {"precision_recall_rule": "k=1 closed", "density_coverage_rule": "prdc k=2 open"}
    measured(tmp_path, "a", "precision_recall", {"precision": 0.5}, 100, 200, **rules)
    measured(tmp_path, "a", "kid", {"kid": 0.5, "kid_sd_over_subsets": 0.1}, 100, 200, subsets=7)
    per_class = {"cat": {"fid": 3.0, "count": 10, "reference_count": 20}}
    measured(tmp_path, "a", "fid", {"fid": 1.0, "per_class": per_class}, 100, 200)
    report = build_report(read_results(tmp_path), "r")
    against = "against CIFAR-10 train"
    shown = [
        cell(report, "precision_recall", "a", "precision (closed)", against),
        cell(report, "kid", "a", "KID x 1000", against),
        cell(report, "fid-per-class", "a", "cat", against),
    ]
    assert [(c.count, c.reference_count) for c in shown] == [(100, 200), (100, 200), (10, 20)]
    assert all("FID Inception, thesis, 32 px first" in c.note for c in shown)
    assert "k=1 closed; prdc k=2 open" in shown[0].note
    assert (shown[1].value, shown[1].spread, shown[1].runs, shown[1].unit) == (500, 100, 7, "subsets")
    page = report_html(report, {})
    assert "N = 100 against 200" in page
    lines = csv.DictReader(io.StringIO(report_csv(report)))
    assert {(line["pictures"], line["reference_pictures"]) for line in lines if line["table"] == "kid"} == {
        ("100", "200")
    }


DINO = {"network": "dinov2-vit-l-14", "weights_sha256": "12345678ab", "convention": "dgm_eval", "size": 0}


def test_figures_that_do_not_compare_have_columns_of_their_own(tmp_path: Path) -> None:
    """By another network, another resize or against another reference, also one of the same name."""
    shares = {"precision": 0.5}
    for name in ("a", "b"):
        measured(tmp_path, name, "precision_recall", shares, 100, 200)
    measured(tmp_path, "a", "precision_recall", shares, 100, 200, **DINO)
    measured(tmp_path, "a", "precision_recall", shares, 100, 200, **(DINO | {"weights_sha256": "ffff0000"}))
    measured(tmp_path, "a", "precision_recall", shares, 100, 200, convention="torch-fidelity")
    measured(tmp_path, "a", "precision_recall", shares, 100, 150)
    other = measured(tmp_path, "a", "precision_recall", shares, 100, 200)
    other.path.write_text(other.path.read_text("utf-8").replace("CIFAR-10 train", "photos"), "utf-8")
    tables = build_report(read_results(tmp_path), "r").tables
    assert len(tables) == 6
    assert len({table.key for table in tables}) == len({table.title for table in tables}) == 6
    assert sorted(len(table.rows) for table in tables) == [1, 1, 1, 1, 1, 2]
    titles = "\n".join(table.title for table in tables)
    for said in (
        "DINOv2 ViT-L/14 (weights 12345678), dgm_eval, own size; against CIFAR-10 train (200 pictures)",
        "FID Inception, thesis, 32 px first; against CIFAR-10 train (150 pictures)",
        "against photos (200 pictures)",
    ):
        assert said in titles
    for table in tables:
        for column in range(len(table.columns)):
            cells = [row.cells[column] for row in table.rows]
            assert len({cell.reference_count for cell in cells}) == 1


def test_a_distance_by_dinov2_is_no_fid_and_stands_in_no_table_of_the_thesis(tmp_path: Path) -> None:
    measured(tmp_path, "sd15-none", "fid", {"fid": 30.0}, 25000)
    per_class = {"cat": {"fid": 3.0, "count": 10, "reference_count": 20}}
    measured(tmp_path, "sd15-none", "fid", {"fid": 700.0, "per_class": per_class}, 25000, **DINO)
    measured(tmp_path, "sd15-none", "kid", {"kid": 0.5, "kid_sd_over_subsets": 0.1}, 25000, subsets=7, **DINO)
    report = build_report(read_results(tmp_path), "r")
    assert [table.key for table in report.tables] == ["5-11", "fid", "fid-per-class", "kid"]
    assert cell(report, "5-11", "none", "FID", "Stable Diffusion 1.5").value == 30
    found = cell(report, "fid", "SD1.5 none", "FD by DINOv2 ViT-L/14")
    assert (found.value, found.count, found.reference_count) == (700, 25000, 50000)
    assert "DINOv2 ViT-L/14 (weights 12345678), dgm_eval, own size; against CIFAR-10 train (50,000" in found.note
    assert cell(report, "kid", "SD1.5 none", "KD x 1000 by DINOv2 ViT-L/14").value == 500
    assert any("FD by DINOv2 ViT-L/14 700.00, N = 25,000 against 50,000" in line for line in headlines(report))
    page = report_html(report, {})
    assert "nothing of a single picture or of the use for training" in page


def test_table_5_11_has_one_reference(tmp_path: Path) -> None:
    measured(tmp_path, "sd15-none", "fid", {"fid": 30.0}, 25000)
    measured(tmp_path, "sd15-lora", "fid", {"fid": 31.0}, 25000, 10000)
    report = build_report(read_results(tmp_path), "r")
    assert cell(report, "5-11", "none", "FID", "Stable Diffusion 1.5").value == 30
    assert cell(report, "5-11", "LoRA", "FID", "Stable Diffusion 1.5").value is None
    assert cell(report, "fid", "SD1.5 LoRA", "FID").reference_count == 10000


def test_cmmd_clip_score_and_figures_of_classes_have_their_tables(tmp_path: Path) -> None:
    clip = DINO | {"network": "clip-vit-l-14-336"}
    keys = ("precision", "recall", "prdc_precision", "prdc_recall", "density", "coverage")
    of_class = {"cat": {"count": 20, **dict.fromkeys(keys, 0.25)}}
    measured(tmp_path, "a", "cmmd", {"cmmd": 0.5}, 100, 200, **clip)
    measured(tmp_path, "a", "precision_recall", {**dict.fromkeys(keys, 0.5), "per_class": of_class}, 100, 200)
    figures = {"clip_score": 25.0, "per_class": {"cat": {"clip_score": 30.0, "count": 40}}}
    measured(tmp_path, "a", "clip_score", figures, 100, **clip)
    report = build_report(read_results(tmp_path), "r")
    assert cell(report, "cmmd", "a", "CMMD").value == 0.5
    assert "CLIP ViT-L/14 at 336 px (weights 12345678)" in cell(report, "cmmd", "a", "CMMD").note
    found = cell(report, "precision_recall-per-class", "cat", "coverage", "a against CIFAR-10 train")
    assert (found.value, found.count, found.reference_count) == (0.25, 20, 20)
    assert cell(report, "clip_score", "a", "CLIP score").value == 25
    assert (cell(report, "clip_score-per-class", "a", "cat").value, report.notes) == (30, ())
    assert not any("cat" in line for line in headlines(report))
    assert all(table.notes for table in report.tables if "per-class" not in table.key)


def test_one_split_has_no_spread(tmp_path: Path) -> None:
    figures = {"inception_score": 9.0, "inception_score_sd": 0.0}
    measured(tmp_path, "mine", "inception_score", figures, 500, splits=1)
    assert cell(build_report(read_results(tmp_path), "r"), "inception_score", "mine", "IS").spread is None


def test_numbers_and_texts_that_no_program_of_ours_writes_cost_one_file_only(tmp_path: Path) -> None:
    a_test(tmp_path / "r", "sd15-hyponet", {"CIFAR-10 test": 0.71})
    for name, change in (
        ("huge", ('"calibration_error": 0.1', '"calibration_error": 1e999')),
        ("seed", ('"seed": 0', '"seed": "("')),
    ):
        path = a_test(tmp_path / "r", name, {"CIFAR-10 test": 0.5}, checkpoint="x").path
        assert change[0] in path.read_text("utf-8")
        path.write_text(path.read_text("utf-8").replace(*change), "utf-8")
    (tmp_path / "r" / "deep.json").write_text("[" * 100_000, "utf-8")
    (tmp_path / "r" / "half.json").write_text(
        a_test(tmp_path / "r", "x", {"CIFAR-10 test": 0.5}).path.read_text("utf-8").replace('"x"', r'"\ud800"'), "utf-8"
    )
    left_out: dict[Path, str] = {}
    written = write_report(tmp_path / "report", build_report(read_results(tmp_path / "r", left_out), "r"))
    assert [path.name for path in left_out] == ["deep.json"]
    assert "71.00" in written.markdown
    assert "71.0" in (tmp_path / "report" / "report.csv").read_text("utf-8-sig")


def test_plots_of_an_earlier_report_go_and_other_files_stay(tmp_path: Path) -> None:
    a_test(tmp_path / "r", "sd15-hyponet", {"CIFAR-10 test": 0.71})
    write_report(tmp_path / "report", build_report(read_results(tmp_path / "r"), "r"))
    assert {path.suffix for path in (tmp_path / "report" / "plots").iterdir()} == {".png", ".svg", ".pdf"}
    (tmp_path / "report" / "plots" / "mine.png").write_bytes(b"x")
    write_report(tmp_path / "report", build_report([], "r"))
    assert [path.name for path in (tmp_path / "report" / "plots").iterdir()] == ["mine.png"]


def test_each_size_of_a_row_has_its_curve_and_synthetic_held_out_pictures_are_called_so(tmp_path: Path) -> None:
    figures = training_figures(0.5, held_out=0.9, count=10, synthetic=True)
    for size in (32, 96, 224):  # one model a test set
        write_result(tmp_path, Measurement("a", "training", figures, {}, {"size": size, "seed": 0}))
    drawn = curve_plots(build_report(read_results(tmp_path), "r"))
    assert [plot.title for plot in drawn] == ["Training: a [1]", "Training: a [2]", "Training: a [3]"]
    assert "held-out synthetic accuracy" in to_svg(drawn[0].figure, "x")


def test_a_distortion_curve_that_was_made_again_is_drawn_once(tmp_path: Path) -> None:
    def curve(name: str, strengths: list[float], content_key: str, seed: int = 0) -> None:
        figures = {"strengths": strengths, "fid": {"blur": strengths}}
        images = {"name": name, "count": 100, "content_key": content_key}
        write_result(tmp_path, Measurement(name, "distortion", figures, {"images": images}, {"seed": seed}))

    for _ in range(3):
        curve("a", [0.5, 1.0], "x")
    for given in (("a", [0.5, 1.0], "y"), ("a", [0.25, 1.0], "x"), ("b", [0.5, 1.0], "x"), ("a", [0.5, 1.0], "x", 1)):
        curve(*given)
    drawn = curve_plots(build_report(read_results(tmp_path), "r"))
    assert [plot.file for plot in drawn] == [f"distortion-{number}" for number in (3, 4, 5, 6, 7)]


@pytest.mark.parametrize("classes", [100, 300])
def test_a_confusion_matrix_of_many_classes_stays_small(classes: int) -> None:
    names = [f"class {i}" for i in range(classes)]
    svg = to_svg(confusion_plot(np.eye(classes, dtype=int).tolist(), names, "many", (720, 640)), "x")
    assert len(svg) < 200_000  # as cells: 2.6 MB and 23 MB
    assert svg.count(">class ") <= 100  # 50 a side


def test_what_was_not_run_stays_blank(tmp_path: Path) -> None:
    a_test(tmp_path, "sd15-hyponet", {"CIFAR-10 test": 0.71})
    report = build_report(read_results(tmp_path), "r")
    ran = cell(report, "5-9", "HypoNet", "CIFAR-10", "Stable Diffusion 1.5")
    low, high = binomtest(3550, 5000).proportion_ci(method="wilson")
    assert (ran.value, ran.low, ran.high, ran.thesis) == (
        pytest.approx(71),
        pytest.approx(100 * low),
        pytest.approx(100 * high),
        74.42,
    )
    assert cell(report, "5-9", "HypoNet", "STL-10", "Stable Diffusion 1.5").value is None
    assert cell(report, "5-9", "HypoNet", "Average", "Stable Diffusion 1.5").value is None
    assert [table.key for table in report.tables] == ["5-9"]
    assert "nan" not in report_html(report, {}).lower()


def test_the_average_needs_all_three_and_has_no_interval(tmp_path: Path) -> None:
    for name, accuracy, size in (
        ("CIFAR-10 test", 0.6, 32),
        ("ImageNet validation", 0.7, 224),
        ("STL-10 test", 0.8, 96),
    ):
        a_test(tmp_path, "sdxl-none", {name: accuracy}, size=size)  # one model a test set: three results
    average = cell(build_report(read_results(tmp_path), "r"), "5-9", "none", "Average", "Stable Diffusion XL")
    assert (average.value, average.low, average.spread, average.thesis) == (pytest.approx(70), None, None, 62.95)
    assert average.sources == (1, 2, 3)


def test_seeds_give_mean_and_deviation_and_a_rerun_counts_once(tmp_path: Path) -> None:
    for seed, accuracy in ((0, 0.5), (0, 0.70), (1, 0.72), (2, 0.77)):
        a_test(tmp_path, "sd14-none", {"CIFAR-10 test": accuracy}, seed, count=5000)
    found = cell(build_report(read_results(tmp_path), "r"), "5-9", "none", "CIFAR-10", "Stable Diffusion 1.4")
    assert found.value == pytest.approx(73)
    assert found.spread == pytest.approx(3.605551, rel=1e-6)  # sd of 70, 72, 77: sqrt((9 + 1 + 16) / 2)
    assert (found.runs, found.low, found.note) == (3, None, "1 older or differently set run not counted")


def test_other_settings_do_not_mix_and_a_short_test_set_is_said(tmp_path: Path) -> None:
    a_test(tmp_path, "sd14-none", {"CIFAR-10 test": 0.9}, 0, epochs=1)
    a_test(tmp_path, "sd14-none", {"CIFAR-10 test": 0.7}, 1, epochs=50, count=1000)
    found = cell(build_report(read_results(tmp_path), "r"), "5-9", "none", "CIFAR-10", "Stable Diffusion 1.4")
    assert found.value == pytest.approx(70)
    assert found.thesis is None
    assert "tested on 1,000 pictures, not 5,000" in found.note


def test_augmentation_goes_to_its_own_table(tmp_path: Path) -> None:
    a_test(tmp_path, "cifar10-train", {"CIFAR-10 test": 0.84}, count=5000)
    a_test(tmp_path, "CIFAR-10 Train + 1000", {"CIFAR-10 test": 0.87}, count=5000)
    report = build_report(read_results(tmp_path), "r")
    assert cell(report, "5-10", "0", "Accuracy").value == pytest.approx(84)
    assert cell(report, "5-10", "1,000", "Accuracy").value == pytest.approx(87)
    assert cell(report, "5-10", "1,000", "Accuracy").thesis == 88.22
    assert not any("1000" in row.label for row in table_of(report, "5-9").rows)


def test_synthetic_accuracy_stands_only_under_its_own_name(tmp_path: Path) -> None:
    a_test(tmp_path, "sd15-none", {"CIFAR-10 test": 0.99}, synthetic=True)
    figures = training_figures(0.5, held_out=0.98, count=50, synthetic=True)
    write_result(tmp_path, Measurement("sd15-lora", "training", figures, {}, {"seed": 0}))
    report = build_report(read_results(tmp_path), "r")
    assert [table.key for table in report.tables] == ["held-out-synthetic"]
    synthetic = table_of(report, "held-out-synthetic")
    assert synthetic.title == "Accuracy on held-out synthetic pictures, per cent"
    assert sorted(c.value for row in synthetic.rows for c in row.cells if c.value) == [98, 99]


def test_the_theses_fid_stands_beside_ours_only_at_its_number_and_convention(tmp_path: Path) -> None:
    measured(tmp_path, "sd15-hyponet", "fid", {"fid": 30.0}, 25000)
    measured(tmp_path, "sd14-hyponet", "fid", {"fid": 80.0}, 200)
    measured(tmp_path, "sdxl-hyponet", "fid", {"fid": 31.0}, 25000, convention="torch-fidelity")
    report = build_report(read_results(tmp_path), "r")
    assert cell(report, "5-11", "HypoNet", "FID", "Stable Diffusion 1.5").thesis == 24.08
    small = cell(report, "5-11", "HypoNet", "FID", "Stable Diffusion 1.4")
    assert (small.thesis, small.count) == (None, 200)
    assert "not beside the thesis's 25.99: from 200 pictures, not 25,000 or 50,000" in small.note
    assert cell(report, "5-11", "HypoNet", "FID", "Stable Diffusion XL").value is None
    other = cell(report, "fid", "SDXL HypoNet", "FID")
    assert (other.value, other.thesis) == (31.0, None)
    assert "torch-fidelity, 32 px first; against CIFAR-10 train (50,000 pictures)" in other.note
    assert cell(report, "5-11", "none", "FID", "Stable Diffusion XL").thesis == 38.14  # not run: the table as printed


@pytest.mark.parametrize(
    ("count", "reference", "changes"),
    [
        (25000, 25000, {}),  # five classes of CIFAR-10 train
        (25000, 50000, {"filter": "bilinear"}),
        (25000, 50000, {"crop": "centre crop"}),
        (10000, 50000, {}),  # that many has only CIFAR-10 test
    ],
)
def test_a_fid_made_otherwise_does_not_stand_beside_the_theses(
    tmp_path: Path, count: int, reference: int, changes: dict[str, str]
) -> None:
    measured(tmp_path, "sd15-hyponet", "fid", {"fid": 30.0}, count, reference, **changes)
    found = cell(build_report(read_results(tmp_path), "r"), "5-11", "HypoNet", "FID", "Stable Diffusion 1.5")
    assert (found.value, found.thesis) == (30.0, None)


FID_INCEPTION = {"network": "fid-inception-v3-2015-12-05", "weights_sha256": "6726825d"}


@pytest.mark.parametrize(
    ("kind", "table", "changes"),
    [
        ("fid", "5-11", {"convention": "torch-fidelity"}),
        ("fid", "5-11", {"weights_sha256": "00ff"}),
        ("fid", "5-11", {"size": 0}),
        ("fid", "5-11", {"filter": "bilinear"}),
        ("fid", "5-11", {"crop": "centre crop"}),
        ("inception_score", "5-12", FID_INCEPTION),
        ("inception_score", "5-12", {"convention": "torch-fidelity"}),
        ("inception_score", "5-12", {"size": 0}),
    ],
)
def test_a_table_of_the_thesis_holds_figures_of_one_way(
    tmp_path: Path, kind: str, table: str, changes: dict[str, Any]
) -> None:
    """The thesis's way where a row was measured so, whatever is newer; else the newest row's."""
    of_thesis, otherwise = {"filter": "bicubic", "crop": "squash"}, {"crop": "squash", **changes}
    like_the_theses = measured(tmp_path, "sd15-none", kind, {kind: 30.0}, 25000, **of_thesis)
    measured(tmp_path, "sd15-lora", kind, {kind: 31.0}, 25000, **otherwise)
    measured(tmp_path, "mugs", kind, {kind: 32.0}, 25000, **otherwise)
    report = build_report(read_results(tmp_path), "r")
    column = "FID" if kind == "fid" else "IS"
    assert [row.label for row in table_of(report, table).rows if row.cells[0].value is not None] == ["none"]
    assert [cell(report, kind, row, column).value for row in ("SD1.5 LoRA", "mugs")] == [31, 32]
    like_the_theses.path.unlink()
    alone = table_of(build_report(read_results(tmp_path), "r"), table)
    shown = {row.label: row.cells[0] for row in alone.rows if row.cells[0].value is not None}
    assert {label: found.value for label, found in shown.items()} == {"LoRA": 31, "mugs": 32}
    assert "not beside the thesis's" in shown["LoRA"].note


def test_a_reference_is_its_pictures_whatever_it_is_called(tmp_path: Path) -> None:
    for row, reference, pictures in (("a", "photos", "x"), ("b", "my photos", "x"), ("c", "photos", "y")):
        inputs = {
            "features": {"name": row, "count": 10},
            "reference": {"name": reference, "count": 20, "content_key": pictures},
        }
        write_result(tmp_path, Measurement(row, "fid", {"fid": 1.0}, inputs, {**FID_INCEPTION, "size": 0}))
    tables = build_report(read_results(tmp_path), "r").tables
    assert sorted([row.label for row in table.rows] for table in tables) == [["a", "b"], ["c"]]
    groups = {row.label: row.group for table in tables for row in table.rows}
    assert groups == {"a": "against photos", "b": "against my photos", "c": "against photos"}
    assert len({table.title for table in tables}) == 2


def test_an_inception_score_of_other_splits_does_not_stand_beside_the_theses(tmp_path: Path) -> None:
    measured(tmp_path, "sd15-none", "inception_score", {"inception_score": 9.0}, 50000, splits=10)
    measured(tmp_path, "sd15-lora", "inception_score", {"inception_score": 9.0}, 50000, splits=1)
    report = build_report(read_results(tmp_path), "r")
    assert cell(report, "5-12", "none", "IS", "Stable Diffusion 1.5").thesis == 11.46
    assert cell(report, "5-12", "LoRA", "IS", "Stable Diffusion 1.5").thesis is None


def test_a_figure_that_rounds_to_zero_has_no_sign(tmp_path: Path) -> None:
    measured(tmp_path, "cifar10-train", "fid", {"fid": -1e-9}, 50000)
    report = build_report(read_results(tmp_path), "r")
    assert "<b>0.00</b>" in report_html(report, {})
    assert "-0.00" not in report_html(report, {}) + report_markdown(report)


def test_seeds_of_different_pictures_do_not_mix(tmp_path: Path) -> None:
    # the set had grown between the two trainings
    for seed, (key, accuracy) in enumerate((("few", 0.5), ("many", 0.7))):
        entry = accuracy_entry("CIFAR-10 test", accuracy, 5000)
        inputs = {"training": {"name": "x", "content_key": key}, "test_sets": [{"content_key": "same"}]}
        write_result(tmp_path, Measurement("sd14-none", "test", {"test_sets": [entry]}, inputs, {"seed": seed}))
    found = cell(build_report(read_results(tmp_path), "r"), "5-9", "none", "CIFAR-10", "Stable Diffusion 1.4")
    assert (found.value, found.runs) == (pytest.approx(70), 0)


def test_distortion_curves_of_other_strengths_stand_side_by_side(tmp_path: Path) -> None:
    measured(tmp_path, "first", "distortion", {"strengths": [0.5, 1.0], "fid": {"blur": [1.0, 2.0]}}, 100)
    measured(tmp_path, "second", "distortion", {"strengths": [0.25, 1.0], "fid": {"blur": [3.0, 4.0]}}, 100)
    table = table_of(build_report(read_results(tmp_path), "r"), "figure-5-3")
    assert table.columns == ("strength 0.25", "strength 0.5", "strength 1")
    assert [[c.value for c in row.cells] for row in table.rows] == [[None, 1.0, 2.0], [3.0, None, 4.0]]


def test_distortion_curves_by_other_networks_have_tables_of_their_own(tmp_path: Path) -> None:
    figures = {"strengths": [0.5, 1.0], "fid": {"blur": [1.0, 2.0]}}
    measured(tmp_path, "a", "distortion", figures, 100)
    measured(tmp_path, "b", "distortion", figures, 100, convention="torch-fidelity")
    measured(tmp_path, "a", "distortion", figures, 100, **DINO)
    report = build_report(read_results(tmp_path), "r")
    titles = [table.title for table in report.tables]
    assert len(set(titles)) == len({table.key for table in report.tables}) == 3
    assert sum("FID of distorted copies" in title for title in titles) == 2
    assert sum("Frechet distance by DINOv2 ViT-L/14 of distorted copies" in title for title in titles) == 1
    assert not any("blur" in line for line in headlines(report))


@pytest.mark.parametrize(
    ("kind", "figures"),
    [
        ("test", {"test_sets": [1]}),
        ("test", {"test_sets": [{"name": "CIFAR-10 test", "accuracy": 0.5}]}),
        ("test", {"test_sets": [{**accuracy_entry("x", 0.5), "confusion": [["a", 1], [1, 1]]}]}),
        ("test", {"test_sets": [{**accuracy_entry("x", 0.5), "confusion": [[1, 2, 3]]}]}),
        ("test", {"test_sets": [{**accuracy_entry("x", 0.5), "confusion": [[0, 0], [0, 0]]}]}),
        ("test", {"test_sets": [{**accuracy_entry("x", 0.5), "calibration_error": None}]}),
        ("training", {"history": [{}]}),
        ("training", {**training_figures(0.5), "history": [{"epoch": 1, "accuracy": "x"}]}),
        ("training", {**training_figures(0.5, held_out=0.5), "held_out": {"accuracy": 2, "count": 1}}),
        ("fid", {"fid": "x"}),
        ("fid", {"fid": 1.0, "per_class": [1]}),
        ("kid", {"kid": [1]}),
        ("distortion", {}),
        ("distortion", {"strengths": [1], "fid": {"blur": [1, 2]}}),
        ("comparison", {"pairs": [{}]}),
    ],
)
def test_a_damaged_result_is_left_out_by_name_and_the_others_stay(
    tmp_path: Path, kind: str, figures: dict[str, Any]
) -> None:
    a_test(tmp_path / "results", "sd15-hyponet", {"CIFAR-10 test": 0.71})
    bad = write_result(tmp_path / "results", Measurement("bad one", kind, figures, {}, {}))
    written = write_report(tmp_path / "report", build_report(read_results(tmp_path / "results"), "r"))
    assert f"Left out: bad one, run {bad.run}" in written.markdown
    assert "71.00" in written.markdown


def test_a_folder_that_is_not_there_has_no_results(tmp_path: Path) -> None:
    assert read_results(tmp_path / "none") == []


def test_users_say_which_row_a_name_is(tmp_path: Path) -> None:
    a_test(tmp_path, "run 7", {"CIFAR-10 test": 0.6})
    rows = parse_rows("# ours\nrun 7 = sd1.5 freeu\n\nother = Something else\n")
    assert rows == {"run 7": "SD1.5 FreeU", "other": "Something else"}
    report = build_report(read_results(tmp_path), "r", rows)
    assert cell(report, "5-9", "FreeU", "CIFAR-10", "Stable Diffusion 1.5").value == pytest.approx(60)
    with pytest.raises(ValueError, match="line 2 of thesis_rows"):
        parse_rows("a = b\nno sign")


HOSTILE = "<script>alert(1)</script>|`x`\"'=1+1\u202e\ud55c\uae00"


def hostile_report(folder: Path) -> Report:
    a_test(folder, "sd15-hyponet", {"CIFAR-10 test": 0.71, "=HYPERLINK(1)": 0.5, HOSTILE: 0.5}, note=HOSTILE)
    result = read_results(folder)[0]
    return build_report([Result(**{**result.__dict__, "name": HOSTILE, "inputs": {}, "warnings": (HOSTILE,)})], HOSTILE)


class Elements(HTMLParser):
    """Counts elements, and fails on one that is closed twice or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] = self.seen.get(tag, 0) + 1
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag


def test_the_page_is_well_formed_self_contained_and_escapes_names(tmp_path: Path) -> None:
    page = report_html(hostile_report(tmp_path), {})
    elements = Elements()
    elements.feed(page)
    assert elements.open == []
    assert "script" not in elements.seen
    assert not re.findall(r"(?:src|href)=\"(?!#)", page), "the page asks for something outside itself"
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    for link in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{link}"' in page


def test_markdown_and_csv_hold_hostile_names_too(tmp_path: Path) -> None:
    report = hostile_report(tmp_path)
    markdown = report_markdown(report)
    assert "<script" not in markdown
    for block in re.split(r"\n\n+", markdown):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines() if line.startswith("|")}
        assert len(widths) <= 1, block
    rows = list(csv.DictReader(io.StringIO(report_csv(report))))
    assert {row["column"] for row in rows} >= {"CIFAR-10 test", "'=HYPERLINK(1)"}
    ours = [row for row in rows if row["ours"] and row["column"] == "CIFAR-10 test"]
    assert [(float(row["ours"]), row["table"], row["sources"]) for row in ours] == [
        (pytest.approx(71), "accuracy", "1")
    ]


def test_every_figure_names_its_source_with_settings_and_versions(tmp_path: Path) -> None:
    a_test(tmp_path, "sd15-hyponet", {"CIFAR-10 test": 0.71}, seed=41)
    page = report_html(build_report(read_results(tmp_path), "r"), {})
    assert '<a href="#source-1">[1]</a>' in page
    source = page[page.index('id="source-1"') :]
    assert "seed: 41" in source
    assert "torch:" in source


def test_files_and_pictures(tmp_path: Path) -> None:
    a_test(tmp_path / "results", "sd15-hyponet", {"CIFAR-10 test": 0.71, "ImageNet": 0.7, "STL-10": 0.6})
    history = training_figures(0.55, 0.6, 0.65)
    write_result(tmp_path / "results", Measurement("sd15-hyponet", "training", history, {}, {}))
    curve = {"strengths": [0.5, 1.0], "fid": {"blur": [1.0, 2.0], "jpeg": [0.5, 3.0]}}
    measured(tmp_path / "results", "cifar10-train", "distortion", curve, 100)
    written = write_report(tmp_path / "report", build_report(read_results(tmp_path / "results"), "r"))
    files = {p.relative_to(tmp_path / "report").as_posix() for p in (tmp_path / "report").rglob("*.*")}
    drawn = [
        "accuracy-average",
        "accuracy-cifar-10",
        "accuracy-imagenet-1k",
        "accuracy-stl-10",
        "confusion-1-1",
        "confusion-1-2",
        "confusion-1-3",
        "distortion-3",
        "training-2",
    ]
    plotted = {f"plots/{name}.{form}" for name in drawn for form in ("png", "svg", "pdf")}
    assert files == plotted | {"method.md", "report.csv", "report.html", "report.md", "report.tex"}
    assert written.accuracy.shape == (4, 600, 1200, 3)
    assert written.curves.shape == (2, 480, 800, 3)
    assert written.confusion.shape == (3, 640, 720, 3)
    assert [len(kind) for kind in written.drawn] == [4, 2, 3]
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert page.count("<svg") == 9
    assert "#010203" not in page
    referred = set(re.findall(r'(?:url\(|href=")#([^")]+)', page))
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert not [name for name in referred if ids.count(name) > 1], "two plots share what they refer to"


def test_an_empty_report_says_so(tmp_path: Path) -> None:
    written = write_report(tmp_path, build_report([], "Nothing"))
    assert "no result yet" in written.markdown
    assert written.accuracy.shape[0] == written.confusion.shape[0] == 1
    assert written.drawn == (), "a page showed three white pictures below a report of nothing to draw"

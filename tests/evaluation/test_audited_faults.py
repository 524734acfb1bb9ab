"""Faults that an audit found in the evaluation, each by what is right; tests/test_audit.py lists them all by kind."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hyponet.evaluation.intervals import McNemar
from hyponet.evaluation.pictures.draws import limited
from hyponet.evaluation.pictures.labelled_images import labelled, merged
from hyponet.evaluation.pictures.mapping import ClassMapping
from hyponet.evaluation.pictures.split import split_indices
from hyponet.evaluation.report.build import Report, build_report
from hyponet.evaluation.report.text import report_markdown
from hyponet.evaluation.results import Measurement, read_results, write_result
from hyponet.evaluation.training import accuracy as testing
from hyponet.evaluation.training import records
from hyponet.evaluation.training.accuracy_table import accuracy_table
from hyponet.evaluation.training.comparison_figures import Comparison
from hyponet.evaluation.training.settings import Settings
from hyponet.evaluation.training.train import train
from hyponet.tests.evaluation.report_tables import table_of

from .accuracy_figures import accuracy_entry
from .sample_pictures import MemoryPictures, colours

CPU = torch.device("cpu")
TINY = Settings(size=16, epochs=1, batch_size=8)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Trained on 24 pictures, eight of each of three classes."""
    return train(colours(), TINY, tmp_path_factory.mktemp("run")).last


def warnings_of_a_test(folder, checkpoint, test_set) -> tuple[str, ...]:
    """What Test Classifier warns of."""
    accuracies = [testing.measure_accuracy(checkpoint, test_set, CPU).figures]
    return records.test_result(folder, "a", checkpoint, [test_set], accuracies).warnings


# -- test pictures in the training ------------------------------------------------------------------------------------


def half(data):
    return limited(data, 4, seed=1)


def shuffled(data):
    return data.select(np.random.default_rng(1).permutation(len(data)))


def itself(data):
    return data


@pytest.mark.parametrize(("part", "shared"), [(half, 12), (shuffled, 24), (itself, 24)])
def test_test_pictures_that_were_trained_on_are_counted(checkpoint, tmp_path, part, shared):
    """By hand: 4 of each of 3 classes are 12, all of them 24. A picture is known by its digest, not by its set."""
    warnings = warnings_of_a_test(tmp_path, checkpoint, part(colours()).named("another name"))
    assert [warning for warning in warnings if str(shared) in warning], warnings


def test_held_out_pictures_that_are_trained_on_too_are_kept_apart_or_counted(tmp_path):
    """A merge of a set with itself: 48 pictures, of which a quarter is held out."""
    twice = merged([colours(), colours()], "twice")
    settings = replace(TINY, held_out=0.25)
    held_out, kept = split_indices(twice, settings.held_out, settings.seed)
    trained_on = {twice.source.digest(int(place)) for place in kept}
    shared = sum(twice.source.digest(int(place)) in trained_on for place in held_out)
    result = records.training_result(tmp_path, "a", twice, settings, train(twice, settings, tmp_path / "run"))
    assert not shared or [warning for warning in result.warnings if str(shared) in warning], result.warnings


# -- the thesis's figures beside ours ---------------------------------------------------------------------------------

COUNTS = {"CIFAR-10 test": 5000, "ImageNet validation": 900, "STL-10 test": 4000}  # the thesis's numbers of pictures


def report_on(folder: Path, settings: Settings, *test_sets: str) -> Report:
    """The report on a classifier of CIFAR-10 Train, whose numbers of pictures are the thesis's."""
    entries = [accuracy_entry(name, 0.5, COUNTS[name]) for name in test_sets]
    counts = dict.fromkeys(("automobile", "cat", "horse", "ship", "truck"), 5000)
    training = {"name": "CIFAR-10 Train", "counts": counts, "synthetic": 0, "content_key": "a"}
    inputs = {"training": training, "test_sets": [{"content_key": name} for name in test_sets]}
    write_result(folder, Measurement("CIFAR-10 Train", "test", {"test_sets": entries}, inputs, asdict(settings)))
    return build_report(read_results(folder), "report")


def row(report: Report, table: str, label: str):
    (found,) = [row for row in table_of(report, table).rows if row.label == label]
    return found


UNLIKE_THE_THESIS = {  # Table 5-2 of the thesis: ResNet-18 from scratch, AdamW, 50 epochs, 32 pixels, no augmentation
    "epochs": Settings(epochs=1),
    "architecture": Settings(architecture="resnet34"),
    "optimizer": Settings(optimizer="SGD"),
    "size": Settings(size=16),
    "augmentation": Settings(augmentation="flip"),
    "first weights": Settings(weights_key="ab", normalisation="ImageNet"),
}


@pytest.mark.parametrize(("table", "label"), [("5-9", "CIFAR-10 Train"), ("5-10", "0")])
@pytest.mark.parametrize("settings", UNLIKE_THE_THESIS.values(), ids=UNLIKE_THE_THESIS)
def test_the_theses_accuracy_stands_only_beside_a_run_made_like_it(tmp_path, settings, table, label):
    """As the tables of FID and Inception Score have it: no figure of the thesis, and a note that says so."""
    cell = row(report_on(tmp_path, settings, "CIFAR-10 test"), table, label).cells[0]
    assert cell.value == pytest.approx(50)
    assert cell.thesis is None
    assert "thesis" in cell.note


def test_an_average_over_unlike_classifiers_says_so_or_is_none(tmp_path):
    report_on(tmp_path, Settings(), "CIFAR-10 test")
    report_on(tmp_path, Settings(architecture="resnet34", augmentation="flip"), "ImageNet validation")
    report = report_on(tmp_path, Settings(optimizer="SGD", size=16, epochs=3), "STL-10 test")
    average = row(report, "5-9", "CIFAR-10 Train").cells[-1]
    assert average.value is None or average.note


# -- p-values ---------------------------------------------------------------------------------------------------------


def compared(folder: Path, *p_values: float) -> Report:
    """The report on as many calls of Compare Classifiers, one pair each: Holm over one p is that p."""
    for number, p in enumerate(p_values):
        pair = Comparison(f"a{number}", "b", 0.85, 0.84, McNemar(20, 6, p, "exact binomial"), adjusted=p)
        images = {"name": "CIFAR-10 test", "pictures": 5000}
        write_result(folder, Measurement(f"c{number}", "comparison", {"pairs": [asdict(pair)]}, {"images": images}, {}))
    return build_report(read_results(folder), "report")


def test_holms_p_is_adjusted_over_the_table_that_shows_it(tmp_path):
    """Holm 1979, by hand: in rising order times 4, 3, 2, 1, and never below the one before."""
    table = table_of(compared(tmp_path, 0.04, 0.01, 0.03, 0.02), "comparisons")
    place = table.columns.index("p (Holm)")
    shown = {found.label: found.cells[place].value for found in table.rows}
    # 0.01 * 4 = 0.04; 0.02 * 3 = 0.06; 0.03 * 2 = 0.06; 0.04 * 1 would be less than 0.06
    expected = {"a0 against b": 0.06, "a1 against b": 0.04, "a2 against b": 0.06, "a3 against b": 0.06}
    assert shown == pytest.approx(expected)


def test_a_tiny_p_is_not_printed_as_nought(tmp_path):
    text = report_markdown(compared(tmp_path, 1.6e-33))
    (line,) = [line for line in text.splitlines() if line.startswith("| a0 against b")]
    assert "0.0000" not in line


# -- classes ----------------------------------------------------------------------------------------------------------


def test_classes_that_the_test_set_lacks_are_named(checkpoint, tmp_path):
    """One that always says red is right on every red picture: the accuracy is not that of three classes."""
    data = colours(seed=7)
    warnings = warnings_of_a_test(tmp_path, checkpoint, data.select(np.flatnonzero(data.labels == 0)))
    assert [warning for warning in warnings if "green" in warning and "blue" in warning], warnings


@pytest.mark.parametrize(
    ("text", "classes"), [("cat = cat", ("Cat", "cat")), ("car = automobile|car", ("automobile", "car"))]
)
def test_two_classes_that_a_source_matches_are_joined_or_refused(text, classes):
    """Names match whatever their case; both classes have a picture, and none of the two may be gone without a word."""
    pictures = MemoryPictures([np.full((2, 2, 3), 1, np.uint8)] * 2)
    try:
        mapped = ClassMapping.parse(text, "mine").apply(labelled("set", classes, [0, 1], pictures))
    except ValueError as error:
        kept, said = 0, str(error)
    else:
        kept, said = len(mapped), ""
    assert kept == 2 or all(name in said for name in classes)


def test_classifiers_of_different_making_are_not_pooled_as_runs(checkpoint):
    """Runs differ in their seed alone; a mean and deviation over anything else measures no repetition."""
    settings = replace(checkpoint.provenance.settings, architecture="resnet34", epochs=3)
    other = replace(checkpoint, provenance=replace(checkpoint.provenance, settings=settings))
    try:
        testing.check_classes([checkpoint, other])
    except ValueError:
        return
    runs = [[testing.measure_accuracy(one, colours(), CPU).figures] for one in (checkpoint, other)]
    table = accuracy_table(runs, [checkpoint.provenance, other.provenance])
    assert "mean and standard deviation" not in table

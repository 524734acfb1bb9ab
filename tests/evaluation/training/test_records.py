"""Training and test results land in the report's tables; pictures for people have the right shape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from hyponet.evaluation.pictures.labelled_images import merged
from hyponet.evaluation.pictures.sheets import LINE, samples, sheet
from hyponet.evaluation.report.build import build_report
from hyponet.evaluation.results import read_results
from hyponet.evaluation.training import accuracy as testing
from hyponet.evaluation.training import charts, comparison, records
from hyponet.evaluation.training.checkpoint import load_checkpoint
from hyponet.evaluation.training.settings import Settings
from hyponet.evaluation.training.train import train
from hyponet.tests.evaluation.report_tables import table_of

from ..sample_pictures import colours

CPU = torch.device("cpu")
TINY = Settings(size=16, epochs=1, batch_size=8, held_out=0.25)


def came_from(checkpoint, **changes):
    """The checkpoint with another provenance."""
    return replace(checkpoint, provenance=replace(checkpoint.provenance, **changes))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    data = colours().named("CIFAR-10 train")
    return data, train(data, TINY, folder)


def test_results_land_in_their_tables(run, tmp_path):
    data, trained = run
    test_set = colours(seed=5).named("CIFAR-10 test")
    reached = [testing.measure_accuracy(trained.last, test_set, CPU).figures]
    records.training_result(tmp_path, "baseline", data, TINY, trained)
    records.test_result(tmp_path, "baseline", trained.last, [test_set], reached)
    report = build_report(read_results(tmp_path), "report")
    (row,) = [row for row in table_of(report, "5-9").rows if row.label == "CIFAR-10 Train"]
    assert row.cells[0].value == pytest.approx(100 * reached[0].accuracy)
    assert row.cells[0].thesis is None, "trained for one epoch on 8 pictures of each of 3 colours"
    assert "epochs 1, not 50" in row.cells[0].note
    (none_added,) = [row for row in table_of(report, "5-10").rows if row.label == "0"]
    assert none_added.cells[0].value == row.cells[0].value


def test_a_merge_of_real_and_synthetic_is_a_row_of_table_5_10(run, tmp_path):
    _, trained = run
    test_set = colours(seed=5).named("CIFAR-10 test")
    mixed = came_from(trained.last, data={"name": "CIFAR-10 train + 1000"})
    reached = [testing.measure_accuracy(mixed, test_set, CPU).figures]
    records.test_result(tmp_path, "mixed", mixed, [test_set], reached)
    table = table_of(build_report(read_results(tmp_path), "report"), "5-10")
    (row,) = [row for row in table.rows if row.label == "1,000"]
    assert row.cells[0].value == pytest.approx(100 * reached[0].accuracy)
    assert row.cells[0].thesis is None


def test_a_run_found_on_disk_keeps_its_one_result(run, tmp_path):
    data, trained = run
    first = records.training_result(tmp_path, "again", data, TINY, trained)
    again = records.training_result(tmp_path, "again", data, TINY, replace(trained, seconds=0.0))
    assert again.run == first.run
    assert len(list(tmp_path.rglob("*.json"))) == 1


def test_held_out_accuracy_says_whether_it_is_on_generated_pictures(run, tmp_path):
    data, trained = run
    real = records.training_result(tmp_path, "real", data, TINY, trained).figures["held_out"]
    made = replace(data, synthetic=np.ones(len(data), dtype=bool))
    synthetic = records.training_result(tmp_path, "made", made, TINY, trained).figures["held_out"]
    assert (real["synthetic"], synthetic["synthetic"]) == (False, True)
    assert real["count"] == 6, "a quarter of 8 in each of 3 classes"


def test_the_result_says_which_weights_were_taken_and_what_both_reached(run, tmp_path):
    data, trained = run
    first = replace(trained.history[0], held_out_accuracy=5 / 6)  # of six pictures: a quarter of 8 in 3 classes
    history = (first, replace(first, epoch=2, held_out_accuracy=3 / 6))
    two = replace(
        trained,
        history=history,
        last=came_from(trained.last, best_epoch=1),
    )
    last = records.training_result(tmp_path, "both", data, TINY, two)
    best = records.training_result(tmp_path, "both", data, TINY, replace(two, seconds=0.0), best=True)
    assert last.run != best.run, "the same training, and other weights taken from it"
    assert (last.figures["taken"], best.figures["taken"]) == ("last epoch", "best held-out epoch")
    for result in (last, best):
        held_out = result.figures["held_out"]
        assert (held_out["accuracy"], held_out["best_epoch_accuracy"]) == (3 / 6, 5 / 6)
        assert held_out["best_epoch"] == 1
        assert (result.inputs["checkpoint"], result.inputs["best_checkpoint"]) == (
            "last.safetensors",
            "best.safetensors",
        )
    assert (records.OPTIMISTIC in last.warnings, records.OPTIMISTIC in best.warnings) == (False, True)
    # Wilson's interval of 3 of 6 is 0.5 +- z / (2 sqrt(6 + z^2)) = 0.5 +- 0.3124 (z = 1.96)
    shown = records.training_text(best).splitlines()
    assert "held-out accuracy, last epoch: 50.00 % (18.76 to 81.24) of 6" in shown
    assert "held-out accuracy, epoch 1, the best by it: 83.33 %" in shown
    assert shown[-1] == "taken: best held-out epoch"


def test_a_result_gives_the_seconds_of_all_calls(run, tmp_path):
    data, trained = run
    resumed = replace(trained, last=came_from(trained.last, seconds=1234.5))
    assert records.training_result(tmp_path, "resumed", data, TINY, resumed).figures["seconds"] == 1234.5


def test_classes_too_small_to_hold_any_out_are_named(tmp_path):
    data = colours(each=8)
    # one red is left: a quarter of 1 rounds to 0, a quarter of 8 is 2
    few = data.select(np.sort(np.concatenate([np.flatnonzero(data.labels > 0), np.flatnonzero(data.labels == 0)[:1]])))
    result = records.training_result(tmp_path, "few", few, TINY, train(few, TINY, tmp_path / "run"))
    assert result.figures["held_out"]["count"] == 4
    (warning,) = result.warnings
    assert warning.startswith("no picture is held out of red: too few")


@pytest.mark.parametrize(
    ("normalisation", "expected"),
    [("ImageNet", [records.LEAK]), ("none", [records.LEAK, records.OTHER_INPUTS])],
)
def test_imagenet_weights_with_inputs_that_they_were_not_made_for_are_said(run, tmp_path, normalisation, expected):
    data, trained = run
    settings = replace(TINY, weights_key="ab", normalisation=normalisation)
    assert list(records.training_result(tmp_path, "a", data, settings, trained).warnings) == expected
    given, others = came_from(trained.last, settings=settings), colours(seed=5)
    reached = [testing.measure_accuracy(given, others, CPU).figures]
    assert list(records.test_result(tmp_path, "a", given, [others], reached).warnings) == expected


def test_a_checkpoint_says_itself_which_it_is_and_whether_its_run_was_finished(run, tmp_path):
    _, trained = run
    others = colours(seed=5)
    reached = [testing.measure_accuracy(trained.last, others, CPU).figures]

    def tested(checkpoint, **known):
        return records.test_result(tmp_path, "kinds", came_from(checkpoint, **known), [others], reached)

    moved = trained.best.path.rename(trained.best.path.with_name("renamed.safetensors"))
    renamed = load_checkpoint(moved)
    moved.rename(trained.best.path)
    result = tested(renamed)
    assert (result.warnings, result.settings["checkpoint"]) == ((), "best")
    (warning,) = tested(renamed, complete=False).warnings
    assert warning == "the best so far, after 1 epochs, of a training that was interrupted or still runs"
    (warning,) = tested(trained.last, complete=False).warnings
    assert warning == "the training was interrupted after 1 epochs"


def test_a_comparison_says_what_both_sides_were_trained_on(run, tmp_path):
    data, trained = colours(seed=5), run[1]
    half = came_from(trained.last, complete=False)
    pairs = comparison.compare([trained.last], [half], data, CPU)
    result = records.comparison_result(tmp_path, "pair", [trained.last], [half], data, pairs)
    assert result.inputs["first"] == result.inputs["second"] == [trained.last.provenance.identity]
    for side in ("first_trained", "second_trained"):
        (stated,) = result.inputs[side]
        assert stated["settings"]["held_out"] == 0.25
        assert (stated["training"]["name"], stated["training"]["pictures"]) == ("CIFAR-10 train", 24)
        assert (stated["settings"]["checkpoint"], stated["settings"]["epochs_trained"]) == ("last", 1)
    named = "CIFAR-10 train, seed 0, resnet18, stopped after 1 of 1 epochs"  # within the last: it says so, by hand
    assert result.warnings == (f"{named}: the training was interrupted after 1 epochs",)


def test_last_and_best_epoch_of_one_training_are_two_comparisons(run, tmp_path):
    """Both are of Holm's family, by which their p-values grow; one that was made again is not counted twice."""
    data, trained = colours(seed=5), run[1]
    half = came_from(trained.last, complete=False, settings=replace(trained.last.provenance.settings, epochs=50))
    for taken in (trained.last, trained.best, half, trained.best):
        pairs = comparison.compare([taken], [trained.last], data, CPU)
        records.comparison_result(tmp_path, "pair", [taken], [trained.last], data, pairs)
    rows = table_of(build_report(read_results(tmp_path), "r"), "comparisons").rows
    named = "CIFAR-10 train, seed 0, resnet18"
    assert [row.label for row in rows] == [
        f"{named} against {named}",
        f"{named}, best epoch (1) against {named}",
        f"{named}, stopped after 1 of 50 epochs, epochs 50 against {named}, epochs 1",
    ]


def test_an_interrupted_training_is_not_counted_as_a_finished_one(run, tmp_path):
    """Three of a row, one of them stopped in epoch 3 of 50: two runs, and the thesis's figure beside neither."""
    others = colours(seed=5).named("CIFAR-10 test")
    reached = [testing.measure_accuracy(run[1].last, others, CPU).figures]
    for seed, epochs in ((2, 3), (0, 50), (1, 50)):
        settings = replace(Settings(), seed=seed)
        made = came_from(run[1].last, settings=settings, epochs_done=epochs, complete=epochs == 50)
        records.test_result(tmp_path, "CIFAR-10 Train", made, [others], reached)
        rows = table_of(build_report(read_results(tmp_path), "r"), "5-9").rows
        (cell,) = [row.cells[0] for row in rows if row.cells[0].value is not None]
        if seed == 2:
            assert cell.thesis is None
            assert "stopped after 3 of 50 epochs" in cell.note
    assert cell.runs == 2
    assert "1 older or differently set run not counted" in cell.note


def test_the_average_of_a_result_is_that_of_the_real_sets(run, tmp_path):
    data, trained = run
    made = replace(colours(seed=5), synthetic=np.ones(24, dtype=bool))
    reached = [testing.measure_accuracy(trained.last, test_set, CPU).figures for test_set in (data, made)]
    figures = records.test_result(tmp_path, "mixed", trained.last, [data, made], reached).figures
    assert figures["average"] == figures["test_sets"][0]["accuracy"]
    assert [entry["synthetic"] for entry in figures["test_sets"]] == [False, True]
    figures = records.test_result(tmp_path, "made", trained.last, [made], reached[1:]).figures
    assert figures["average_synthetic"] == figures["test_sets"][0]["accuracy"]
    assert "average" not in figures


def test_a_test_set_with_any_generated_picture_is_not_a_real_one(run, tmp_path):
    _, trained = run
    test_set = colours(seed=5).named("CIFAR-10 test")
    mixed = replace(test_set, synthetic=np.arange(len(test_set)) == 0)
    reached = [testing.measure_accuracy(trained.last, mixed, CPU).figures]
    records.test_result(tmp_path, "baseline", trained.last, [mixed], reached)
    report = build_report(read_results(tmp_path), "report")
    assert [table.key for table in report.tables] == ["held-out-synthetic"]


def test_pictures_for_people(run):
    _, trained = run
    curves = charts.curves([charts.Course.of(0, trained), charts.Course.of(1, trained)])
    assert curves.shape == (2 * charts.CURVE_SIZE[1], charts.CURVE_SIZE[0], 3), "loss over accuracy"
    data = colours(seed=5)
    result = testing.measure_accuracy(trained.last, data, CPU, mistakes=3)
    one, two = trained.last.provenance, replace(trained.last.provenance, settings=replace(TINY, seed=1))
    again = replace(trained.last.provenance, settings=replace(TINY, seed=1, held_out_seed=0))
    assert len(charts.confusions([[result.figures] * 2], [one])) == 2
    assert len(charts.confusions([[result.figures] * 2] * 2, [one, again])) == 2, "repetitions are summed"
    assert len(charts.confusions([[result.figures] * 2] * 2, [one, two])) == 4, "they hold out other pictures"
    assert charts.mistake_sheet([data], [result]).dtype == torch.float32


def test_a_sheet_of_several_sets_names_them(run):
    _, trained = run
    data = colours(seed=5)
    result = testing.measure_accuracy(trained.last, data, CPU)
    given = replace(result, mistakes=(testing.Mistake(0, "red", "blue", 0.9),))
    one, two = charts.mistake_sheet([data], [given]), charts.mistake_sheet([data, data], [given, given])
    assert two.shape[1] == one.shape[1] + LINE, "a third line below each picture"


def test_held_out_curves_of_generated_pictures_say_so(run):
    _, trained = run
    data = {**trained.last.provenance.data, "synthetic": 3}
    made = replace(trained, last=came_from(trained.last, data=data))
    real, synthetic = ([charts.Course.of(0, one)] for one in (trained, made))
    assert list(charts.accuracy_lines(real)) == ["seed 0, training", "seed 0, held out"]
    assert list(charts.accuracy_lines(synthetic)) == ["seed 0, training", "seed 0, held-out synthetic"]


def test_a_sheet_has_rows_of_tiles_over_captions():
    pictures = [np.full((4, 4, 3), 10 * i, np.uint8) for i in range(5)]
    drawn = sheet(pictures, [f"{i}\nline two" for i in range(5)], columns=2)
    step = 96 + 2 * LINE + 2  # a picture, two lines, and the gap of 2 that is also left of and above each
    assert drawn.shape == (3 * step + 2, 2 * 98 + 2, 3)
    # the middle of each tile shows its picture
    middles = [int(drawn[i // 2 * step + 50, i % 2 * 98 + 50, 0]) for i in range(5)]
    assert middles == [0, 10, 20, 30, 40]


def test_a_sheet_of_samples_shows_every_class_and_any_language():
    data = colours(each=3, names=("red", "\uace0\uc591\uc774", "\U0001f697"))
    assert samples(data, max_pictures=6).shape[1] == 2 * 98 + 2


def test_merged_sets_count_what_is_generated():
    real, made = colours(), colours(seed=9)
    both = merged([real, replace(made, synthetic=np.ones(len(made), dtype=bool))], "CIFAR-10 train + 8")
    assert both.summary()["synthetic"] == 24
    assert both.summary()["pictures"] == 48


@pytest.mark.parametrize(("loss", "is_warned"), [(0.2, False), (1.1, False), (1.6, False), (1.7, True), (40.0, True)])
def test_a_training_that_ends_far_worse_than_it_began_is_warned_of(run, tmp_path, loss, is_warned):
    """By hand: a blind guess among three classes has a loss of ln 3 = 1.0986; one and a half times that is 1.648."""
    data, trained = run
    history = (*trained.history[:-1], replace(trained.history[-1], loss=loss))
    result = records.training_result(tmp_path, "a", data, TINY, replace(trained, history=history))
    warned = [warning for warning in result.warnings if "far worse than it began" in warning]
    assert bool(warned) == is_warned
    assert all(warning in records.training_text(result) for warning in warned)

"""Training and test results land in the report's tables; pictures for people have the right shape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hyponet.evaluation import records, testing
from hyponet.evaluation.data import merged
from hyponet.evaluation.report import build_report
from hyponet.evaluation.results import read_results
from hyponet.evaluation.settings import Settings
from hyponet.evaluation.sheets import samples, sheet
from hyponet.evaluation.train import train

from .pictures import colours

CPU = torch.device("cpu")
TINY = Settings(size=16, epochs=1, batch_size=8, held_out=0.25)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    data = colours().named("CIFAR-10 train")
    return data, train(data, TINY, folder)


def test_results_land_in_their_tables(run, tmp_path):
    data, trained = run
    test_set = colours(seed=5).named("CIFAR-10 test")
    reached = [testing.measure_accuracy(trained.last, test_set, CPU)]
    records.training_result(tmp_path, "baseline", data, TINY, trained)
    records.test_result(tmp_path, "baseline", trained.last, [test_set], reached)
    report = build_report(read_results(tmp_path), "report")
    (row,) = [row for row in report.table("5-9").rows if row.label == "CIFAR-10 Train"]
    assert row.cells[0].value == pytest.approx(100 * reached[0].accuracy)
    assert row.cells[0].thesis == 84.78
    (none_added,) = [row for row in report.table("5-10").rows if row.label == "0"]
    assert none_added.cells[0].value == row.cells[0].value


def test_a_merge_of_real_and_synthetic_is_a_row_of_table_5_10(run, tmp_path):
    _, trained = run
    test_set = colours(seed=5).named("CIFAR-10 test")
    mixed = replace(trained.last, provenance={**trained.last.provenance, "data": {"name": "CIFAR-10 train + 1000"}})
    reached = [testing.measure_accuracy(mixed, test_set, CPU)]
    records.test_result(tmp_path, "mixed", mixed, [test_set], reached)
    table = build_report(read_results(tmp_path), "report").table("5-10")
    (row,) = [row for row in table.rows if row.label == "1,000"]
    assert row.cells[0].value == pytest.approx(100 * reached[0].accuracy)
    assert row.cells[0].thesis == 88.22


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


def test_a_test_set_with_any_generated_picture_is_not_a_real_one(run, tmp_path):
    _, trained = run
    test_set = colours(seed=5).named("CIFAR-10 test")
    mixed = replace(test_set, synthetic=np.arange(len(test_set)) == 0)
    reached = [testing.measure_accuracy(trained.last, mixed, CPU)]
    records.test_result(tmp_path, "baseline", trained.last, [mixed], reached)
    report = build_report(read_results(tmp_path), "report")
    assert not report.table("5-9").ran
    assert report.table("held-out-synthetic").ran


def test_pictures_for_people(run):
    _, trained = run
    curves = records.curves([(0, trained), (1, trained)])
    assert curves.shape[0] == 1
    assert curves.shape[3] == 3
    data = colours(seed=5)
    reached = [testing.measure_accuracy(trained.last, data, CPU, mistakes=3)]
    assert len(records.confusions([data, data], [reached * 2])) == 2
    assert records.mistake_sheet([data], reached).dtype == torch.float32


def test_a_sheet_has_rows_of_tiles_over_captions():
    pictures = [np.full((4, 4, 3), 10 * i, np.uint8) for i in range(5)]
    found = sheet(pictures, [f"{i}\nline two" for i in range(5)], columns=2)
    assert found.shape[2] == 2 * 100, "two tiles of 96 and a margin"
    assert found.shape[1] % 3 == 0, "three rows"
    # the middle of each tile shows its picture
    step = found.shape[1] // 3
    middles = [float(found[0, i // 2 * step + 50, i % 2 * 100 + 50, 0] * 255) for i in range(5)]
    assert middles == pytest.approx([0, 10, 20, 30, 40])


def test_a_sheet_of_samples_shows_every_class_and_any_language():
    data = colours(each=3, names=("red", "\uace0\uc591\uc774", "\U0001f697"))
    assert samples(data, most=6).shape[2] == 2 * 100


def test_merged_sets_count_what_is_generated():
    real, made = colours(), colours(seed=9)
    both = merged([real, replace(made, synthetic=np.ones(len(made), dtype=bool))], "CIFAR-10 train + 8")
    assert both.summary()["synthetic"] == 24
    assert both.summary()["pictures"] == 48

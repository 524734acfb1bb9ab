"""What Test Classifier counts, counted again by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torchmetrics import classification

from hyponet.evaluation.intervals import mcnemar
from hyponet.evaluation.pictures.cache import resized
from hyponet.evaluation.training import accuracy as testing
from hyponet.evaluation.training.accuracy import expected_calibration_error, measure_accuracy
from hyponet.evaluation.training.figures import Comparison, SetAccuracy
from hyponet.evaluation.training.predict import predict
from hyponet.evaluation.training.settings import Settings
from hyponet.evaluation.training.train import train

from ..sample_pictures import colours

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    settings = Settings(size=16, epochs=1, batch_size=8)
    return train(colours(), settings, tmp_path_factory.mktemp("run")).last


def test_counts_agree_with_the_predictions(checkpoint):
    data = colours(each=10, seed=7)
    result = measure_accuracy(checkpoint, data, CPU)
    figures = result.figures
    outputs = predict(checkpoint, data, CPU).numpy()
    predicted = outputs.argmax(1)
    assert figures.count == 30
    assert figures.right == sum(int(p == t) for p, t in zip(predicted, data.labels, strict=True))
    for true in range(3):
        for guess in range(3):
            expected = sum(1 for p, t in zip(predicted, data.labels, strict=True) if (t, p) == (true, guess))
            assert figures.confusion[true, guess] == expected
    sure = [outputs[mistake.index].max() for mistake in result.mistakes]
    assert sure == sorted(sure, reverse=True)
    assert len(result.mistakes) == 30 - figures.right
    assert all(data.class_names[data.labels[mistake.index]] == mistake.true for mistake in result.mistakes)


def test_classes_are_matched_by_name_not_by_number(checkpoint):
    data = colours(each=10, seed=7)
    order = [2, 0, 1]
    renamed = replace(
        data,
        class_names=tuple(data.class_names[i] for i in order),
        labels=np.array([order.index(label) for label in data.labels]),
    )
    one, two = (measure_accuracy(checkpoint, test_set, CPU).figures for test_set in (data, renamed))
    assert np.array_equal(one.confusion, two.confusion)


def test_a_class_that_the_classifier_does_not_know_is_refused(checkpoint):
    with pytest.raises(ValueError, match=r"pink.*Map Classes"):
        measure_accuracy(checkpoint, colours(names=("red", "green", "pink")), CPU)


def test_a_test_set_may_lack_a_class(checkpoint):
    data = colours()
    result = measure_accuracy(checkpoint, data.select(np.flatnonzero(data.labels != 1)), CPU)
    assert set(result.figures.per_class()) == {"red", "blue"}


def test_calibration_error_by_hand():
    # bins of a fifteenth: 0.95 and 0.99 share the last, 0.40 (= 6/15) ends the sixth, 0.41 is in the seventh.
    # last: |0.95 + 0.99 - 1|; sixth: |0.40 - 1|; seventh: |0.41 - 0|; sum over 4
    sure, correct = np.array([0.95, 0.99, 0.40, 0.41]), np.array([True, False, True, False])
    assert expected_calibration_error(sure, correct) == pytest.approx((0.94 + 0.60 + 0.41) / 4)


def test_calibration_error_is_torchmetrics():
    rng = np.random.default_rng(0)
    outputs = torch.from_numpy(rng.dirichlet([1, 1, 1], 500)).float()
    labels = torch.from_numpy(rng.integers(0, 3, 500))
    theirs = classification.MulticlassCalibrationError(num_classes=3, n_bins=15)(outputs, labels)
    sure, predicted = outputs.max(1)
    ours = expected_calibration_error(sure.numpy(), (predicted == labels).numpy())
    assert ours == pytest.approx(float(theirs), abs=1e-6)


def result(confusion, name="set"):
    return SetAccuracy(name, ("a", "b"), np.array(confusion), 0.0625, synthetic=False)


def test_the_table_shows_runs_their_mean_and_deviation_and_classes():
    runs = [
        [result([[8, 2], [0, 10]]), result([[1, 0], [1, 0]])],
        [result([[6, 4], [0, 10]]), result([[1, 0], [0, 1]])],
    ]
    lines = testing.table(runs).splitlines()
    assert "90.00 %" in lines[2]
    assert lines[2].endswith("| 70.00 % |"), "the mean of 90 and 50"
    # 90 and 80, 50 and 100, 70 and 90: means and sample deviations
    assert lines[4] == (
        "| mean and standard deviation of 2 runs | 85.00 +- 7.07 % | 75.00 +- 35.36 % | 80.00 +- 14.14 % |"
    )
    assert lines[-4] == "| a | 70.00 % | 100.00 % |"


def test_generated_sets_are_marked_and_stay_out_of_the_average():
    real = result([[9, 1], [0, 10]], "real")
    made = replace(result([[5, 5], [5, 5]], "made"), synthetic=True)
    header, _, row, *_ = testing.table([[real, made]]).splitlines()
    assert header == "| | real | made (synthetic) | average of the real sets |"
    assert row.endswith("| 95.00 % |"), "19 of 20, without the other set's half"
    header, _, row, *_ = testing.table([[made]]).splitlines()
    assert header == "| | made (synthetic) | average (synthetic) |"
    assert row.endswith("| 50.00 % |")
    assert testing.table([[real]]).startswith("| | real | average |")


def test_names_do_not_break_the_tables():
    named = replace(result([[1, 0], [0, 1]], "a|b\n<i>"), classes=("x|y", "`z`"))
    lines = testing.table([[named]]).splitlines()
    # by hand: a bar is escaped, a line break is a space, tags and code spans are not opened
    assert lines[0] == "| | a\\|b &lt;i> | average |"
    assert lines[-4].startswith("| x\\|y |")
    assert lines[-3].startswith("| 'z' |")
    pair = Comparison("a|b", "c\nd", 1.0, 0.5, mcnemar(1, 0), 1.0)
    assert testing.comparison_table([pair]).splitlines()[-1].startswith("| a\\|b | c d | 100.00 %, 50.00 % |")


def test_classifiers_of_other_classes_are_refused_beside_each_other(checkpoint):
    testing.check_classes([checkpoint, checkpoint])
    turned = replace(checkpoint, class_names=("blue", "green", "red"))
    fewer = replace(checkpoint, class_names=("red", "green"))
    for other in (turned, fewer):
        with pytest.raises(ValueError, match=r"classifier 2 \(colours, seed 0\) has the classes .* in this order"):
            testing.check_classes([checkpoint, other])


def test_compare_counts_discordant_pairs(checkpoint, tmp_path):
    other = train(colours(seed=3), Settings(size=16, epochs=1, batch_size=8, seed=9), tmp_path).last
    data = colours(each=10, seed=7)
    a, b = (measure_accuracy(trained, data, CPU).correct for trained in (checkpoint, other))
    (pair,) = testing.compare([checkpoint], [other], data, CPU)
    assert (pair.test.only_first, pair.test.only_second) == (int((a > b).sum()), int((b > a).sum()))
    assert pair.adjusted == pair.test.p
    (same,) = testing.compare([checkpoint], [checkpoint], data, CPU)
    assert same.test.p == 1.0
    with pytest.raises(ValueError, match="run by run"):
        testing.compare([checkpoint], [other, other], data, CPU)


def test_predicting_leaves_the_mode_of_every_layer(checkpoint):
    from hyponet.evaluation.training.predict import probabilities

    network = checkpoint.model()
    network.train()
    network.bn1.train(False)
    images = resized(colours(), 16)
    outputs = probabilities(network, checkpoint.preprocessing, images, CPU)
    assert torch.allclose(outputs.sum(1), torch.ones(len(outputs)), atol=1e-5)
    assert network.training
    assert not network.bn1.training

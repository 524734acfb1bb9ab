"""What is written of a run's figures is what is read, and what follows from them is counted by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binomtest

from hyponet.evaluation.intervals import mcnemar
from hyponet.evaluation.training.accuracy_figures import SetAccuracy
from hyponet.evaluation.training.comparison_figures import Comparison
from hyponet.evaluation.training.training_figures import EpochFigures, HeldOut, TrainingFigures


def through_a_file(figures):
    return json.loads(json.dumps(figures))


def test_an_accuracy_is_its_confusion_matrix():
    # 3 cats, of which one was taken for a dog; 5 dogs, of which two were taken for cats; no ship
    tested = SetAccuracy("set", ("cat", "dog", "ship"), np.array([[2, 1, 0], [2, 3, 0], [0, 0, 0]]), 0.25, True)
    figures = through_a_file(tested.to_json())
    low, high = binomtest(5, 8).proportion_ci(method="wilson")
    assert (figures["right"], figures["count"], figures["accuracy"]) == (5, 8, 5 / 8)
    assert figures["interval"] == pytest.approx([low, high])
    assert figures["per_class"] == {
        "cat": {"accuracy": 2 / 3, "right": 2, "count": 3},
        "dog": {"accuracy": 3 / 5, "right": 3, "count": 5},
    }
    assert SetAccuracy.from_json(figures).to_json() == figures


@pytest.mark.parametrize("confusion", [[[1]], [[1, 2]], [[0, 0], [0, 0]], [[1, -1], [0, 1]], [["a", 1], [1, 1]]])
def test_a_confusion_matrix_that_does_not_fit_is_refused(confusion):
    figures = SetAccuracy("set", ("cat", "dog"), np.array([[1, 0], [0, 1]]), 0.0, False).to_json()
    with pytest.raises(ValueError, match=r"confusion matrix|invalid literal"):
        SetAccuracy.from_json({**figures, "confusion": confusion})


def test_a_training_comes_back():
    history = (EpochFigures(1, 0.5, 0.75, 0.5, 0.001), EpochFigures(2, 0.25, 1.0, 0.25, 0.001))
    training = TrainingFigures(history, HeldOut(0.25, 4, True, 1, 0.5), 12.5, "last epoch")
    figures = through_a_file(training.to_json())
    assert (figures["loss"], figures["training_accuracy"], figures["epochs"]) == (0.25, 1.0, 2)
    assert TrainingFigures.from_json(figures) == training
    without = TrainingFigures(history, None, 12.5, "last epoch")
    assert TrainingFigures.from_json(through_a_file(without.to_json())) == without


def test_a_comparison_comes_back():
    pair = Comparison("a", "b", 0.75, 0.5, mcnemar(3, 1), 1.0)
    assert Comparison.from_json(through_a_file(pair.to_json())) == pair

"""Figures of tests and trainings that nobody ran, for the tests of results and reports."""

from __future__ import annotations

from typing import Any

import numpy as np

from hyponet.evaluation.training.figures import EpochRecord, HeldOut, SetAccuracy, TrainingFigures


def accuracy_entry(test_set: str, accuracy: float, count: int = 1000, synthetic: bool = False) -> dict[str, Any]:
    """One test set of a test result: `accuracy` of `count` pictures, half of them cats and half ships."""
    half = count // 2
    wrong = count - round(count * accuracy)
    confusion = np.array([[half - wrong // 2, wrong // 2], [wrong - wrong // 2, count - half - wrong + wrong // 2]])
    return SetAccuracy(test_set, ("cat", "ship"), confusion, 0.1, synthetic).to_json()


def training_figures(
    *accuracies: float, held_out: float | None = None, count: int = 40, synthetic: bool = False
) -> dict[str, Any]:
    """The figures of a training: an accuracy an epoch, and that on `count` held-out pictures in the last one."""
    history = [
        EpochRecord(number, 1 / number, accuracy, held_out, 0.001) for number, accuracy in enumerate(accuracies, 1)
    ]
    part = None if held_out is None else HeldOut(held_out, count, synthetic, len(history), held_out)
    return TrainingFigures(tuple(history), part, 1.0, "last epoch").to_json()

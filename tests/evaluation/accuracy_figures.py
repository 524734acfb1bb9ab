"""Figures of tests and trainings that nobody ran, for the tests of results and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from hyponet.evaluation.report import thesis
from hyponet.evaluation.results import Measurement, Result, write_result
from hyponet.evaluation.training.accuracy_figures import SetAccuracy
from hyponet.evaluation.training.settings import Settings
from hyponet.evaluation.training.training_figures import EpochFigures, HeldOut, TrainingFigures

CLASSES = ("automobile", "cat", "horse", "ship", "truck")


def accuracy_entry(
    test_set: str, accuracy: float, count: int = 1000, synthetic: bool = False, shared: int | None = 0
) -> dict[str, Any]:
    """One test set of a test result: `accuracy` of `count` pictures of the thesis's five classes."""
    wrong = count - round(count * accuracy)
    confusion = np.zeros((5, 5), dtype=int)
    for label in range(5):
        pictures, mistaken = count // 5 + (label < count % 5), wrong // 5 + (label < wrong % 5)
        confusion[label, label], confusion[label, (label + 1) % 5] = pictures - mistaken, mistaken
    return SetAccuracy(test_set, CLASSES, confusion, 0.1, synthetic, shared=shared).to_json()


def write_test(
    folder: Path,
    name: str,
    entries: Sequence[Mapping[str, Any]],
    settings: Mapping[str, Any],
    training: Mapping[str, Any] | None = None,
    test_sets: Sequence[Mapping[str, Any]] | None = None,
) -> Result:
    """A test result of a classifier whose settings and pictures are the thesis's but for what is given.

    Args:
        entries: see accuracy_entry.
        settings: beside Table 5-2's.
        training, test_sets: beside what summaries of such sets say.
    """
    row = thesis.row_of(name) or ""
    added = thesis.added_per_class(row) or thesis.repeated_per_class(row) or 0
    real = row.startswith(thesis.CIFAR_TRAIN)
    repeated = thesis.repeated_per_class(row) is not None
    trained_on = {
        "name": name,
        "counts": dict.fromkeys(CLASSES, 5000 + added),
        "synthetic": 5 * added if real and not repeated else 0 if real else 25_000,
        "repeated": 5 * added if repeated else 0,
        "content_key": f"pictures of {name}",
        **(training or {}),
    }
    tested_on = [{"name": entry["name"], "content_key": f"pictures of {entry['name']}"} for entry in entries]
    inputs = {"training": trained_on, "test_sets": test_sets or tested_on}
    stated = {**asdict(Settings()), "checkpoint": "last", **settings}
    stated.setdefault("epochs_trained", stated["epochs"])
    return write_result(folder, Measurement(name, "test", {"test_sets": list(entries)}, inputs, stated))


def training_figures(
    *accuracies: float, held_out: float | None = None, count: int = 40, synthetic: bool = False
) -> dict[str, Any]:
    """The figures of a training: an accuracy an epoch, and that on `count` held-out pictures in the last one."""
    history = [
        EpochFigures(number, 1 / number, accuracy, held_out, 0.001) for number, accuracy in enumerate(accuracies, 1)
    ]
    part = None if held_out is None else HeldOut(held_out, count, synthetic, len(history), held_out)
    return TrainingFigures(tuple(history), part, 1.0, "last epoch").to_json()

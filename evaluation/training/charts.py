"""Training and test runs as pictures for people: curves, confusion matrices, bars of each class, mistakes.

Reads what was measured and the pictures of test sets; returns pixels.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..pictures.labelled_images import LabelledImages
from ..pictures.sheets import sheet
from ..pictures.tensors import to_image
from ..plots import bar_chart, confusion_plot, line_chart, to_pixels
from . import accuracy as testing
from .checkpoint import CheckpointProvenance
from .figures import EpochFigures, SetAccuracy
from .repetitions import differences_beyond_seed
from .train import Trained

Lines = dict[str, tuple[list[float], list[float | None]]]

CURVE_SIZE = (900, 420)  # pixels
CONFUSION_SIZE = (640, 600)
MAX_BARS = 24  # classes with bars of their own, so that their names can be read; a judgement


@dataclass(frozen=True)
class Course:
    """A training run epoch by epoch, finished or under way. `synthetic`: whether its set has a generated picture."""

    seed: int
    history: Sequence[EpochFigures]
    synthetic: bool

    @classmethod
    def of(cls, seed: int, trained: Trained) -> Course:
        """That of a finished run."""
        return cls(seed, trained.history, trained.last.provenance.data["synthetic"] > 0)


def curves(runs: Sequence[Course]) -> np.ndarray:
    """Loss over accuracy by epoch, uint8 [H,W,3]."""
    loss: Lines = {}
    for run in runs:
        epochs = [float(past.epoch) for past in run.history]
        loss[f"seed {run.seed}"] = (epochs, [past.loss for past in run.history])
    charts = [
        to_pixels(line_chart(loss, "Training loss", "epoch", "cross-entropy", CURVE_SIZE)),
        to_pixels(line_chart(accuracy_lines(runs), "Accuracy", "epoch", "per cent", CURVE_SIZE)),
    ]
    return np.concatenate(charts)  # one below the other


def accuracy_lines(runs: Sequence[Course]) -> Lines:
    """The lines of the chart of accuracies: each run's training accuracy, and that on its held-out part."""
    accuracy: Lines = {}
    for run in runs:
        epochs = [float(past.epoch) for past in run.history]
        accuracy[f"seed {run.seed}, training"] = (epochs, [100 * past.accuracy for past in run.history])
        held_out = [100 * past.held_out_accuracy for past in run.history if past.held_out_accuracy is not None]
        if held_out:
            kind = "held-out synthetic" if run.synthetic else "held out"
            accuracy[f"seed {run.seed}, {kind}"] = (epochs, list(held_out))
    return accuracy


def class_accuracies(runs: Sequence[Sequence[SetAccuracy]]) -> tuple[list[str], dict[str, list[float | None]]]:
    """The classes, and by test set the accuracy of each in per cent, the mean over the runs; of many, the worst.

    None stands where a test set has no picture of the class.
    """
    of_first = {name: right / count for name, (right, count) in runs[0][0].per_class().items()}
    classes = list(runs[0][0].classes)
    if len(classes) > MAX_BARS:
        classes = sorted(of_first, key=lambda name: of_first[name])[:MAX_BARS]
    series: dict[str, list[float | None]] = {}
    for number, first in enumerate(runs[0]):
        shares = [
            {name: right / count for name, (right, count) in run[number].per_class().items()} for run in runs
        ]  # of each run
        name = first.name if first.name not in series else f"{first.name} ({number + 1})"
        series[name] = [
            100 * statistics.fmean(share[label] for share in shares) if label in shares[0] else None
            for label in classes
        ]
    return classes, series


def class_bars(runs: Sequence[Sequence[SetAccuracy]]) -> torch.Tensor:
    """`class_accuracies` as bars, [1,H,W,3] float32 in 0..1."""
    classes, series = class_accuracies(runs)
    is_whole = len(classes) == len(runs[0][0].classes)
    title = "Accuracy of each class" if is_whole else f"Accuracy of the {len(classes)} worst classes"
    title += f", mean of {len(runs)} classifiers" if len(runs) > 1 else ""
    return to_image(to_pixels(bar_chart(classes, series, title, "per cent", CURVE_SIZE)))


def confusions(runs: Sequence[Sequence[SetAccuracy]], provenances: Sequence[CheckpointProvenance]) -> torch.Tensor:
    """Confusion matrices, [B,H,W,3] float32 in 0..1: one a test set, summed over repetitions, else one a classifier."""
    charts = []
    pooled = not differences_beyond_seed(provenances)
    for number, accuracy in enumerate(runs[0]):
        matrices = [run[number].confusion for run in runs]
        for run, matrix in enumerate([np.sum(matrices, axis=0)] if pooled else matrices, 1):
            title = accuracy.name if pooled or len(runs) == 1 else f"{accuracy.name}, classifier {run}"
            plot = confusion_plot(matrix.tolist(), accuracy.classes, title, CONFUSION_SIZE)
            charts.append(to_image(to_pixels(plot)))
    return torch.cat(charts)


def mistake_sheet(sets: Sequence[LabelledImages], results: Sequence[testing.SetResult]) -> torch.Tensor:
    """The surest mistakes of one run on each test set, which captions name where there are several."""
    pictures, captions = [], []
    for data, result in zip(sets, results, strict=True):
        for mistake in result.mistakes:
            pictures.append(data.read(mistake.index))
            name = f"\n{data.name}" if len(sets) > 1 else ""
            captions.append(f"{mistake.true}\nas {mistake.predicted} {100 * mistake.probability:.0f} %{name}")
    return to_image(sheet(pictures, captions))

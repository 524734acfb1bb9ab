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
from ..plots import bar_chart, confusion_plot, line_chart, note, to_pixels
from . import accuracy as testing
from .accuracy_figures import SetAccuracy
from .checkpoint import CheckpointProvenance
from .repetitions import differences_beyond_seed
from .train import Trained
from .training_figures import EpochFigures

Lines = dict[str, tuple[list[float], list[float | None]]]

CURVE_SIZE = (900, 420)  # pixels
CONFUSION_SIZE = (640, 600)
NO_MISTAKE = "No mistake to show."
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
    """The classes, and by test set the accuracy of each in per cent, the mean over the runs.

    Of more than MAX_BARS those that were tested and are worst, each by its worst test set. None stands where a test
    set has no picture of the class.
    """
    means = _class_means(runs)
    classes = list(dict.fromkeys(label for first in runs[0] for label in first.classes))
    if len(classes) > MAX_BARS:
        worst = {label: min(of[label] for of in means.values() if label in of) for label in _tested(means)}
        classes = sorted(worst, key=lambda label: worst[label])[:MAX_BARS]
    return classes, {name: [of.get(label) for label in classes] for name, of in means.items()}


def class_bars(runs: Sequence[Sequence[SetAccuracy]]) -> torch.Tensor:
    """`class_accuracies` as bars, [1,H,W,3] float32 in 0..1."""
    classes, series = class_accuracies(runs)
    tested = len(_tested(_class_means(runs)))
    title = (
        f"Accuracy of the {len(classes)} worst of {tested:,} classes"
        if tested > len(classes)
        else "Accuracy of each class"
    )
    title += f", mean of {len(runs)} classifiers" if len(runs) > 1 else ""
    return to_image(to_pixels(bar_chart(classes, series, title, "per cent", CURVE_SIZE)))


def _class_means(runs: Sequence[Sequence[SetAccuracy]]) -> dict[str, dict[str, float]]:
    """Test set -> class -> accuracy in per cent, the mean over the runs; a test set of the same name has a number."""
    means: dict[str, dict[str, float]] = {}
    for number, first in enumerate(runs[0]):
        shares = [{label: right / count for label, (right, count) in run[number].per_class().items()} for run in runs]
        name = first.name if first.name not in means else f"{first.name} ({number + 1})"
        means[name] = {label: 100 * statistics.fmean(share[label] for share in shares) for label in shares[0]}
    return means


def _tested(means: dict[str, dict[str, float]]) -> list[str]:
    """The classes of which a test set has a picture."""
    return list(dict.fromkeys(label for of in means.values() for label in of))


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
    """The surest mistakes of one run on each test set, which captions name where there are several, [1,H,W,3].

    Of none a note that says so.
    """
    pictures, captions = [], []
    for data, result in zip(sets, results, strict=True):
        for mistake in result.mistakes:
            pictures.append(data.read(mistake.index))
            name = f"\n{data.name}" if len(sets) > 1 else ""
            captions.append(f"{mistake.true}\nas {mistake.predicted} {100 * mistake.probability:.0f} %{name}")
    return to_image(sheet(pictures, captions) if pictures else to_pixels(note(NO_MISTAKE)))

"""Testing classifiers: accuracy with its interval, per class, confusion, calibration, and the surest mistakes.

Reads: checkpoints and labelled pictures. Returns values; SetResult.figures puts one in the form of a result file:
{name, synthetic, accuracy, interval, right, count, calibration_error, classes, per_class, confusion}.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..intervals import McNemar, holm, mcnemar, wilson
from ..markdown import one_line
from ..pictures.labelled_images import LabelledImages, Progress
from .model import Checkpoint
from .predict import predict

CALIBRATION_BINS = 15


@dataclass(frozen=True)
class Mistake:
    """A picture that the classifier got wrong. `place` is its number in the test set."""

    place: int
    true: str
    predicted: str
    probability: float


@dataclass(frozen=True, eq=False)
class SetResult:
    """One classifier on one test set.

    Args:
        name: of the test set.
        classes: the classifier's, in its order; rows and columns of `confusion`.
        confusion: int64 [K,K], true class by predicted class.
        calibration_error: expected calibration error in 0..1.
        mistakes: the surest first.
        correct: bool [N], by picture.
        synthetic: whether the test set has a generated picture.
    """

    name: str
    classes: tuple[str, ...]
    confusion: np.ndarray
    calibration_error: float
    mistakes: tuple[Mistake, ...]
    correct: np.ndarray
    synthetic: bool = False

    @property
    def right(self) -> int:
        return int(np.trace(self.confusion))

    @property
    def total(self) -> int:
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        return self.right / self.total

    def per_class(self) -> dict[str, tuple[int, int]]:
        """class -> (right, total), of the classes that the test set has."""
        rows = self.confusion.sum(axis=1)
        return {
            name: (int(self.confusion[place, place]), int(rows[place]))
            for place, name in enumerate(self.classes)
            if rows[place]
        }

    def figures(self) -> dict[str, object]:
        """The same for a result file."""
        low, high = wilson(self.right, self.total)
        return {
            "name": self.name,
            "synthetic": self.synthetic,
            "accuracy": self.accuracy,
            "interval": [low, high],
            "right": self.right,
            "count": self.total,
            "calibration_error": self.calibration_error,
            "classes": list(self.classes),
            "per_class": {
                name: {"accuracy": right / total, "right": right, "count": total}
                for name, (right, total) in self.per_class().items()
            },
            "confusion": self.confusion.tolist(),
        }


def measure_accuracy(
    checkpoint: Checkpoint,
    data: LabelledImages,
    device: torch.device,
    progress: Progress | None = None,
    mistakes: int = 64,
) -> SetResult:
    """What the classifier makes of a test set, whose classes are matched by name.

    Raises:
        ValueError: the test set has a class that the classifier does not know.
    """
    labels = _known_labels(checkpoint, data)
    outputs = predict(checkpoint, data, device, progress).numpy()
    predicted = outputs.argmax(axis=1)
    sure = outputs.max(axis=1)
    size = len(checkpoint.class_names)
    confusion = np.bincount(labels * size + predicted, minlength=size * size).reshape(size, size)
    correct = predicted == labels
    wrong = np.flatnonzero(~correct)
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:mistakes]
    names = checkpoint.class_names
    return SetResult(
        name=data.name,
        classes=names,
        confusion=confusion,
        calibration_error=expected_calibration_error(sure, correct),
        mistakes=tuple(
            Mistake(int(place), names[labels[place]], names[predicted[place]], float(sure[place])) for place in worst
        ),
        correct=correct,
        synthetic=bool(data.synthetic.any()),
    )


def expected_calibration_error(sure: np.ndarray, correct: np.ndarray, bins: int = CALIBRATION_BINS) -> float:
    """How far confidence and accuracy are apart, over `bins` equal bins of confidence, weighted by their pictures.

    Args:
        sure: float [N], the highest probability, in 0..1.
        correct: bool [N].

    Source: Guo et al., On Calibration of Modern Neural Networks (arXiv 1706.04599), equation 3; bins are (a, b].
    """
    place = np.ceil(np.asarray(sure, dtype=np.float64) * bins).astype(int).clip(1, bins) - 1
    gaps = np.abs(np.bincount(place, weights=sure - correct.astype(np.float64), minlength=bins))
    return float(gaps.sum() / len(sure))


def average(results: Sequence[SetResult]) -> float:
    """The plain mean of the real sets' accuracies, as Table 5-9 has it, or of all where none is real.

    No interval belongs to it.
    """
    real = [result for result in results if not result.synthetic]
    return statistics.fmean(result.accuracy for result in real or results)


@dataclass(frozen=True)
class Comparison:
    """Two runs on one test set; `adjusted` is Holm's p over all pairs of the call."""

    first: str
    second: str
    first_accuracy: float
    second_accuracy: float
    test: McNemar
    adjusted: float


def compare(
    first: Sequence[Checkpoint],
    second: Sequence[Checkpoint],
    data: LabelledImages,
    device: torch.device,
    progress: Progress | None = None,
) -> tuple[Comparison, ...]:
    """McNemar's test run by run (the first of one with the first of the other, and so on), Holm over the runs.

    Raises:
        ValueError: the numbers of runs differ.
    """
    if len(first) != len(second):
        raise ValueError(
            f"the classifiers have {len(first)} and {len(second)} runs; expected as many of each, to be compared run "
            "by run; train both with the same number of runs"
        )
    found = []
    for one, other in zip(first, second, strict=True):
        a, b = (
            measure_accuracy(one, data, device, progress).correct,
            measure_accuracy(other, data, device, progress).correct,
        )
        found.append((one, other, a, b, mcnemar(int((a & ~b).sum()), int((b & ~a).sum()))))
    adjusted = holm([result.p for *_, result in found])
    return tuple(
        Comparison(title(one), title(other), float(a.mean()), float(b.mean()), result, p)
        for (one, other, a, b, result), p in zip(found, adjusted, strict=True)
    )


def title(checkpoint: Checkpoint) -> str:
    """How tables name a checkpoint: its training set and seed."""
    data = checkpoint.provenance.get("data", {})
    settings = checkpoint.provenance.get("settings", {})
    return f"{data.get('name', checkpoint.path.parent.name)}, seed {settings.get('seed', '?')}"


def check_classes(checkpoints: Sequence[Checkpoint]) -> None:
    """Classifiers of one table and one confusion matrix have the same classes in the same order.

    Raises:
        ValueError: two have not.
    """
    for number, checkpoint in enumerate(checkpoints, 1):
        if checkpoint.class_names != checkpoints[0].class_names:
            raise ValueError(
                f"classifier {number} ({title(checkpoint)}) has the classes {', '.join(checkpoint.class_names[:20])}; "
                f"expected those of the first: {', '.join(checkpoints[0].class_names[:20])}, in this order; test it in "
                "another Test Classifier"
            )


def _known_labels(checkpoint: Checkpoint, data: LabelledImages) -> np.ndarray:
    places = {name: place for place, name in enumerate(checkpoint.class_names)}
    unknown = [name for name, count in data.counts().items() if count and name not in places]
    if unknown:
        raise ValueError(
            f"{data.name} has the classes {', '.join(unknown[:5])}, which the classifier does not know; expected only "
            f"{', '.join(checkpoint.class_names[:20])}; bring them together with Map Classes"
        )
    labels: np.ndarray = np.array([places.get(name, -1) for name in data.class_names], dtype=np.int64)[data.labels]
    return labels


def table(results: Sequence[Sequence[SetResult]]) -> str:
    """A Markdown table: a column a test set; with several runs the mean and standard deviation over them."""
    sets = [one_line(result.name) + " (synthetic)" * result.synthetic for result in results[0]]
    made = sum(result.synthetic for result in results[0])
    mean = "average" if not made else "average (synthetic)" if made == len(sets) else "average of the real sets"
    lines = [f"| | {' | '.join(sets)} | {mean} |", "|---" * (len(sets) + 2) + "|"]
    for number, run in enumerate(results, 1):
        cells = []
        for result in run:
            low, high = wilson(result.right, result.total)
            cells.append(
                f"{100 * result.accuracy:.2f} % ({100 * low:.2f} to {100 * high:.2f}), "
                f"calibration error {100 * result.calibration_error:.2f} %"
            )
        lines.append(f"| run {number} | {' | '.join(cells)} | {100 * average(run):.2f} % |")
    if len(results) > 1:
        columns = [[100 * run[place].accuracy for run in results] for place in range(len(sets))]
        columns.append([100 * average(run) for run in results])
        cells = [f"{statistics.fmean(column):.2f} +- {statistics.stdev(column):.2f} %" for column in columns]
        lines.append(f"| mean and standard deviation of {len(results)} runs | {' | '.join(cells)} |")
    lines += ["", f"| class | {' | '.join(sets)} |", "|---" * (len(sets) + 1) + "|"]
    for name in results[0][0].classes:
        cells = [_class_cell([run[place] for run in results], name) for place in range(len(sets))]
        lines.append(f"| {one_line(name)} | {' | '.join(cells)} |")
    lines += ["", f"95 % Wilson intervals; calibration error over {CALIBRATION_BINS} equal bins."]
    return "\n".join(lines)


def comparison_table(pairs: Sequence[Comparison]) -> str:
    """A Markdown table: a row a pair of runs."""
    lines = [
        "| first | second | accuracy | only first right | only second right | p | p (Holm) | test |",
        "|---" * 8 + "|",
    ]
    for pair in pairs:
        lines.append(
            f"| {one_line(pair.first)} | {one_line(pair.second)} "
            f"| {100 * pair.first_accuracy:.2f} %, {100 * pair.second_accuracy:.2f} % "
            f"| {pair.test.only_first} | {pair.test.only_second} | {pair.test.p:.4g} | {pair.adjusted:.4g} "
            f"| {pair.test.method} |"
        )
    return "\n".join(lines)


def _class_cell(runs: Sequence[SetResult], name: str) -> str:
    counts = [run.per_class().get(name) for run in runs]
    shares = [100 * right / total for right, total in (count for count in counts if count)]
    return f"{statistics.fmean(shares):.2f} %" if shares else ""

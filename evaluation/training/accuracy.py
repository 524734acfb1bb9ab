"""Testing classifiers: accuracy with its interval, per class, confusion, calibration, and the surest mistakes.

Reads: checkpoints and labelled pictures. Returns values; accuracy_figures.py has their form in a result file.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..pictures.labelled_images import LabelledImages
from ..progress import Progress
from .accuracy_figures import SetAccuracy
from .checkpoint import Checkpoint
from .predict import predict

CALIBRATION_BINS = 15  # as torchmetrics and most papers since Guo et al.


@dataclass(frozen=True)
class Mistake:
    """A picture that the classifier got wrong. `index` is its number in the test set."""

    index: int
    true: str
    predicted: str
    probability: float


@dataclass(frozen=True, eq=False)
class SetResult:
    """One classifier on one test set: the figures, and what only pictures and comparisons need.

    Args:
        figures: what the result file holds.
        mistakes: the surest first.
        correct: bool [N], by picture.
    """

    figures: SetAccuracy
    mistakes: tuple[Mistake, ...]
    correct: np.ndarray


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
    outputs = predict(checkpoint, data, device, progress).numpy()  # (N, K)
    predicted = outputs.argmax(axis=1)  # (N,)
    confidence = outputs.max(axis=1)  # (N,)
    names = checkpoint.class_names
    size = len(names)
    present = np.bincount(labels, minlength=size) > 0  # (K,)
    restricted = np.where(present, outputs, -1.0).argmax(axis=1)  # (N,)
    confusion = np.bincount(labels * size + predicted, minlength=size * size).reshape(size, size)  # true x predicted
    correct = predicted == labels
    wrong = np.flatnonzero(~correct)
    surest = wrong[np.argsort(-confidence[wrong], kind="stable")][:mistakes]
    return SetResult(
        figures=SetAccuracy(
            name=data.name,
            classes=names,
            confusion=confusion,
            calibration_error=expected_calibration_error(confidence, correct),
            synthetic=bool(data.synthetic.any()),
            shared=checkpoint.shared_with(data),
            restricted_right=None if present.all() else int((restricted == labels).sum()),
            entropy=class_entropies(outputs, labels, names),
        ),
        mistakes=tuple(
            Mistake(int(index), names[labels[index]], names[predicted[index]], float(confidence[index]))
            for index in surest
        ),
        correct=correct,
    )


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int = CALIBRATION_BINS) -> float:
    """How far confidence and accuracy are apart, over `bins` equal bins of confidence, weighted by their pictures.

    Args:
        confidence: float [N], the highest probability, in 0..1.
        correct: bool [N].

    Source: Guo et al., On Calibration of Modern Neural Networks (arXiv 1706.04599), equation 3; bins are (a, b].
    """
    bin_of = np.ceil(np.asarray(confidence, dtype=np.float64) * bins).astype(int).clip(1, bins) - 1  # (N,)
    gaps = np.abs(np.bincount(bin_of, weights=confidence - correct.astype(np.float64), minlength=bins))  # (bins,)
    return float(gaps.sum() / len(confidence))


def class_entropies(outputs: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Class -> mean and standard deviation of its pictures' entropies: 0 where the answer is sure, 1 at a guess.

    Args:
        outputs: float [N,K], probabilities.
        labels: int [N].
        names: of the K classes; those without a picture are left out.
    """
    shares = np.asarray(outputs, dtype=np.float64)
    logarithms = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    entropies = -(shares * logarithms).sum(axis=1) / np.log(len(names))  # (N,)
    return {
        names[label]: (float(entropies[labels == label].mean()), float(entropies[labels == label].std()))
        for label in np.unique(labels)
    }


def average(results: Sequence[SetAccuracy]) -> float:
    """The plain mean of the accuracies on the sets of `averaged`, as Table 5-9 has it. No interval belongs to it."""
    return statistics.fmean(result.accuracy for result in averaged(results)[0])


def averaged(results: Sequence[SetAccuracy]) -> tuple[list[SetAccuracy], str]:
    """The sets of an average, and its name: the real ones of which no picture steered a top-up.

    Where there is none, the real ones; where none is real, all.
    """
    real = [result for result in results if not result.synthetic]
    if not real:
        return list(results), "average (synthetic)"
    reported = [result for result in real if not result.steered]
    if reported and len(reported) < len(real):
        return reported, "average of the sets that are reported"
    return real, "average" if len(real) == len(results) else "average of the real sets"


def title(checkpoint: Checkpoint) -> str:
    """How tables name a checkpoint: its training set, seed and architecture, and the epoch where it is not the last."""
    provenance = checkpoint.provenance
    settings = provenance.settings
    named = f"{provenance.data['name']}, seed {settings.seed}, {settings.architecture}"
    if provenance.kind == "best":
        named += f", best epoch ({provenance.epochs_done})"
    if not provenance.complete:
        epochs = provenance.epochs_trained
        named += (
            f", stopped after {epochs} of {settings.epochs} epochs" if epochs is not None else ", of an unfinished run"
        )
    return named


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
    label_of = {name: label for label, name in enumerate(checkpoint.class_names)}
    unknown = [name for name, count in data.counts().items() if count and name not in label_of]
    if unknown:
        raise ValueError(
            f"{data.name} has the classes {', '.join(unknown[:5])}, which the classifier does not know; expected only "
            f"{', '.join(checkpoint.class_names[:20])}; bring them together with Map Classes"
        )
    labels: np.ndarray = np.array([label_of.get(name, -1) for name in data.class_names], dtype=np.int64)[data.labels]
    return labels

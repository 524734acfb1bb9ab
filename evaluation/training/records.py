"""Training and test runs as result files: what stands in each, and under which names.

Reads and writes: result files below the folder that it is given; a finished run's is read, not written again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..pictures.labelled_images import LabelledImages
from ..pictures.pixels import count_shared, overlap_text
from ..results import Measurement, Result, read_results, write_result
from . import accuracy as testing
from .accuracy_figures import UNKNOWN_OVERLAP, SetAccuracy, steered_texts
from .checkpoint import Checkpoint, CheckpointProvenance
from .comparison_figures import Comparison, OverSeeds
from .settings import Settings
from .train import Trained
from .training_figures import HeldOut, TrainingFigures

FAR_WORSE = 1.5  # times the loss of a blind guess, which an untrained network has about
LAST_EPOCH, BEST_EPOCH = "last epoch", "best held-out epoch"
LEAK = "started from ImageNet weights: what ImageNet's classes taught leaks into every figure of this classifier"
OTHER_INPUTS = (
    "started from ImageNet weights with another normalisation than ImageNet's, for whose inputs the frozen batch-norm "
    "was made; set normalisation to ImageNet"
)
OPTIMISTIC = "the best epoch's held-out accuracy is optimistic: the epoch was chosen by it; test on other pictures"


def training_result(
    folder: Path, name: str, images: LabelledImages, settings: Settings, trained: Trained, best: bool = False
) -> Result:
    """The result of a training run below `folder`/`name`: written, or the one of the same run if it is there.

    Args:
        best: the checkpoint of the best held-out epoch is used further, not the last's. Both are in the figures.
    """
    provenance = trained.last.provenance
    taken = BEST_EPOCH if best and trained.best is not None else LAST_EPOCH
    if not trained.seconds:  # finished before: its result is there too, unless someone removed it
        for earlier in read_results(folder / name):
            same_run = earlier.kind == "training" and earlier.inputs.get("identity") == provenance.identity
            if same_run and earlier.figures.get("taken") == taken:
                return earlier
    figures = TrainingFigures(trained.history, _held_out(images, trained), provenance.seconds, taken)
    summary = images.summary()
    warnings = [
        *_start_warnings(settings),
        *_end_warnings(trained.history[-1].loss, len(images.class_names)),
        *_picture_warnings(images, summary),
    ]
    inputs: dict[str, Any] = {"training": summary, "identity": provenance.identity, "checkpoint": trained.last.path}
    if trained.best is not None:
        inputs["best_checkpoint"] = trained.best.path
        if provenance.held_out_without:
            classes = ", ".join(provenance.held_out_without)
            warnings.append(f"no picture is held out of {classes}: too few; hold out a larger share")
        if taken == BEST_EPOCH:
            warnings.append(OPTIMISTIC)
    return write_result(
        folder, Measurement(name, "training", figures.to_json(), inputs, asdict(settings), tuple(warnings))
    )


def _held_out(images: LabelledImages, trained: Trained) -> HeldOut | None:
    """The held-out figures; accuracy and interval are the last epoch's, which was not chosen by them."""
    if trained.best is None:
        return None
    best_epoch = trained.last.provenance.best_epoch
    return HeldOut(
        accuracy=float(trained.history[-1].held_out_accuracy or 0.0),
        count=trained.last.provenance.held_out_pictures,
        synthetic=bool(images.synthetic.any()),
        best_epoch=best_epoch,
        best_epoch_accuracy=float(trained.history[best_epoch - 1].held_out_accuracy or 0.0),
    )


def training_text(result: Result) -> str:
    """A training result for the node's face: its summary, and what was reached on the held-out part."""
    figures = TrainingFigures.from_json(result.figures)
    held_out = figures.held_out
    if held_out is None:
        return result.summary()
    low, high = held_out.interval
    kind = "held-out synthetic" if held_out.synthetic else "held-out"
    return "\n".join(
        [
            result.summary(),
            f"{kind} accuracy, last epoch: {100 * held_out.accuracy:.2f} % "
            f"({100 * low:.2f} to {100 * high:.2f}) of {held_out.count:,}",
            f"{kind} accuracy, epoch {held_out.best_epoch}, the best by it: {100 * held_out.best_epoch_accuracy:.2f} %",
            f"taken: {figures.taken}",
        ]
    )


def test_result(
    folder: Path,
    name: str,
    checkpoint: Checkpoint,
    sets: Sequence[LabelledImages],
    accuracies: Sequence[SetAccuracy],
) -> Result:
    """The result of one classifier on its test sets, written below `folder`/`name`."""
    provenance = checkpoint.provenance
    mean = "average_synthetic" if all(accuracy.synthetic for accuracy in accuracies) else "average"
    figures = {
        "test_sets": [accuracy.to_json() for accuracy in accuracies],
        mean: testing.average(accuracies),
    }
    inputs = {
        "training": provenance.data,
        "identity": provenance.identity,
        "checkpoint": checkpoint.path,
        "test_sets": [data.summary() for data in sets],
    }
    settings = {
        **asdict(provenance.settings),
        "calibration_bins": testing.CALIBRATION_BINS,
        "checkpoint": provenance.kind,
        "epochs_trained": provenance.epochs_trained,
    }
    warnings = [
        *_warnings(provenance),
        *(f"{accuracy.name}: {remark}" for accuracy in accuracies for remark in accuracy.remarks()),
        *(f"{accuracy.name}: {UNKNOWN_OVERLAP}" for accuracy in accuracies if accuracy.shared is None),
    ]
    return write_result(folder, Measurement(name, "test", figures, inputs, settings, tuple(warnings)))


def comparison_result(
    folder: Path,
    name: str,
    first: Sequence[Checkpoint],
    second: Sequence[Checkpoint],
    data: LabelledImages,
    pairs: Sequence[Comparison],
    over_seeds: OverSeeds | None = None,
    steered: Mapping[str, int] | None = None,
) -> Result:
    """The result of a comparison, written below `folder`/`name`; `steered` as top_up.steered_by counts them."""
    inputs: dict[str, Any] = {
        "first": [checkpoint.provenance.identity for checkpoint in first],
        "second": [checkpoint.provenance.identity for checkpoint in second],
        "first_trained": [_trained_on(checkpoint) for checkpoint in first],
        "second_trained": [_trained_on(checkpoint) for checkpoint in second],
        "images": {**data.summary(), "steered": dict(steered or {})},
    }
    figures = {
        "pairs": [pair.to_json() for pair in pairs],
        "over_seeds": None if over_seeds is None else over_seeds.to_json(),
    }
    warnings = [f"{data.name}: {text}" for text in steered_texts(steered or {}, len(data))]
    trained_on = []
    for checkpoint in (*first, *second):
        about = _warnings(checkpoint.provenance)
        shared = checkpoint.shared_with(data)
        about.append(overlap_text(shared, len(data), "test pictures", "are of its training set"))
        warnings += [f"{testing.title(checkpoint)}: {warning}" for warning in about if warning]
        trained_on += [] if checkpoint.trained_on is None else [checkpoint.trained_on]
    if len(trained_on) == len(first) + len(second):
        inputs["images"]["shared"] = count_shared(data.pixel_digests(), np.concatenate(trained_on))
    else:
        warnings.append(f"{data.name}: {UNKNOWN_OVERLAP}")
    settings = {"test": "McNemar", "adjustment": "Holm"}
    return write_result(
        folder, Measurement(name, "comparison", figures, inputs, settings, tuple(dict.fromkeys(warnings)))
    )


def _warnings(provenance: CheckpointProvenance) -> list[str]:
    """What a reader of a checkpoint's figures has to know."""
    warnings = _start_warnings(provenance.settings)
    epochs = provenance.epochs_done
    if provenance.complete:
        return warnings
    if provenance.kind == "best":
        # kept while the run went on, and told only at its end that it ended
        return [*warnings, f"the best so far, after {epochs} epochs, of a training that was interrupted or still runs"]
    return [*warnings, f"the training was interrupted after {epochs} epochs"]


def _end_warnings(loss: float, classes: int) -> list[str]:
    """A run that ends far worse than it began, when all classes were equally likely: a loss of ln(classes)."""
    guess = math.log(classes)
    if loss <= FAR_WORSE * guess:
        return []
    return [
        f"the last epoch's loss is {loss:.4g}, {loss / guess:.1f} times that of a blind guess ({guess:.4g}): the "
        "training ended far worse than it began; lower the learning rate"
    ]


def _start_warnings(settings: Settings) -> list[str]:
    if not settings.weights_key:
        return []
    return [LEAK] if settings.normalisation == "ImageNet" else [LEAK, OTHER_INPUTS]


def _picture_warnings(images: LabelledImages, summary: Mapping[str, Any]) -> list[str]:
    repeated = overlap_text(summary["repeated"], len(images), "training pictures", "are there before, pixel by pixel")
    generated = overlap_text(
        summary["generated_in_real"], summary["synthetic"], "generated pictures", "are among the real ones"
    )
    return list(filter(None, (repeated, generated)))


def _trained_on(checkpoint: Checkpoint) -> dict[str, Any]:
    provenance = checkpoint.provenance
    settings = {
        **asdict(provenance.settings),
        "checkpoint": provenance.kind,
        "epochs_trained": provenance.epochs_trained,
    }
    return {"settings": settings, "training": provenance.data}

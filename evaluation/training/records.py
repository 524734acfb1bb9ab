"""Training and test runs as result files and pictures: what stands in each, and under which names.

Writes: result files below the folder that it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..intervals import wilson
from ..pictures.labelled_images import LabelledImages
from ..pictures.sheets import sheet
from ..pictures.tensors import to_image
from ..plots import confusion_plot, line_chart, to_pixels
from ..results import Result, read_results, write_result
from . import accuracy as testing
from .model import Checkpoint
from .settings import Settings
from .train import Trained

Lines = dict[str, tuple[list[float], list[float | None]]]

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
    identity = provenance["identity"]
    taken = "best held-out epoch" if best and trained.best is not None else "last epoch"
    if not trained.seconds:  # found on disk: its result is there too, unless someone removed it
        for earlier in read_results(folder / name):
            same = earlier.kind == "training" and earlier.inputs.get("identity") == identity
            if same and earlier.figures.get("taken") == taken:
                return earlier
    last = trained.history[-1]
    figures: dict[str, Any] = {
        "loss": last.loss,
        "training_accuracy": last.accuracy,
        "epochs": len(trained.history),
        "seconds": provenance.get("seconds", trained.seconds),
        "taken": taken,
        "history": [asdict(record) for record in trained.history],
    }
    warnings = _start_warnings(asdict(settings))
    inputs = {"training": images.summary(), "identity": identity, "checkpoint": trained.last.path}
    if trained.best is not None:
        count = int(provenance["held_out_pictures"])
        best_epoch = int(provenance["best_epoch"])
        reached = float(last.held_out_accuracy or 0.0)
        figures["held_out"] = {  # accuracy and interval are the last epoch's, which was not chosen by them
            "accuracy": reached,
            "interval": wilson(round(reached * count), count),
            "count": count,
            "synthetic": bool(images.synthetic.any()),
            "best_epoch": best_epoch,
            "best_epoch_accuracy": trained.history[best_epoch - 1].held_out_accuracy,
        }
        inputs["best_checkpoint"] = trained.best.path
        if missing := provenance.get("held_out_without"):
            warnings.append(f"no picture is held out of {', '.join(missing)}: too few; hold out a larger share")
        if taken != "last epoch":
            warnings.append(OPTIMISTIC)
    return write_result(folder, name, "training", figures, inputs, asdict(settings), tuple(warnings))


def training_text(result: Result) -> str:
    """A training result for the node's face: its summary, and what was reached on the held-out part."""
    held_out = result.figures.get("held_out")
    if not held_out:
        return result.summary()
    low, high = held_out["interval"]
    kind = "held-out synthetic" if held_out["synthetic"] else "held-out"
    return "\n".join(
        [
            result.summary(),
            f"{kind} accuracy, last epoch: {100 * held_out['accuracy']:.2f} % "
            f"({100 * low:.2f} to {100 * high:.2f}) of {held_out['count']:,}",
            f"{kind} accuracy, epoch {held_out['best_epoch']}, the best by it: "
            f"{100 * held_out['best_epoch_accuracy']:.2f} %",
            f"taken: {result.figures['taken']}",
        ]
    )


def test_result(
    folder: Path,
    name: str,
    checkpoint: Checkpoint,
    sets: Sequence[LabelledImages],
    reached: Sequence[testing.SetResult],
) -> Result:
    """The result of one classifier on its test sets, written below `folder`/`name`."""
    provenance = checkpoint.provenance
    settings = dict(provenance.get("settings", {}))
    mean = "average_synthetic" if all(result.synthetic for result in reached) else "average"
    figures = {"test_sets": [result.figures() for result in reached], mean: testing.average(reached)}
    inputs = {
        "training": provenance.get("data", {}),
        "identity": provenance.get("identity", ""),
        "checkpoint": checkpoint.path,
        "test_sets": [data.summary() for data in sets],
    }
    settings["calibration_bins"] = testing.CALIBRATION_BINS
    settings["checkpoint"] = provenance.get("kind", checkpoint.path.stem)
    return write_result(folder, name, "test", figures, inputs, settings, tuple(_warnings(provenance)))


def comparison_result(
    folder: Path,
    name: str,
    first: Sequence[Checkpoint],
    second: Sequence[Checkpoint],
    data: LabelledImages,
    pairs: Sequence[testing.Comparison],
) -> Result:
    """The result of a comparison, written below `folder`/`name`."""
    inputs = {
        "first": [checkpoint.provenance.get("identity", "") for checkpoint in first],
        "second": [checkpoint.provenance.get("identity", "") for checkpoint in second],
        "first_trained": [_trained(checkpoint) for checkpoint in first],
        "second_trained": [_trained(checkpoint) for checkpoint in second],
        "images": data.summary(),
    }
    figures = {"pairs": [asdict(pair) for pair in pairs]}
    warnings = [
        f"{testing.title(checkpoint)}: {warning}"
        for checkpoint in (*first, *second)
        for warning in _warnings(checkpoint.provenance)
    ]
    settings = {"test": "McNemar", "adjustment": "Holm"}
    return write_result(folder, name, "comparison", figures, inputs, settings, tuple(dict.fromkeys(warnings)))


def curves(runs: Sequence[tuple[int, Trained]]) -> torch.Tensor:
    """Loss over accuracy by epoch, as IMAGE."""
    loss: Lines = {}
    for seed, trained in runs:
        epochs = [float(record.epoch) for record in trained.history]
        loss[f"seed {seed}"] = (epochs, [record.loss for record in trained.history])
    size = (900, 420)
    charts = [
        to_image(to_pixels(line_chart(loss, "Training loss", "epoch", "cross-entropy", size))),
        to_image(to_pixels(line_chart(accuracy_lines(runs), "Accuracy", "epoch", "per cent", size))),
    ]
    return torch.cat(charts, dim=1)


def accuracy_lines(runs: Sequence[tuple[int, Trained]]) -> Lines:
    """The lines of the chart of accuracies: each run's training accuracy, and that on its held-out part."""
    accuracy: Lines = {}
    for seed, trained in runs:
        epochs = [float(record.epoch) for record in trained.history]
        accuracy[f"seed {seed}, training"] = (epochs, [100 * record.accuracy for record in trained.history])
        if trained.best is not None:
            held = [
                100 * record.held_out_accuracy for record in trained.history if record.held_out_accuracy is not None
            ]
            made = trained.last.provenance["data"]["synthetic"] > 0
            accuracy[f"seed {seed}, {'held-out synthetic' if made else 'held out'}"] = (epochs, list(held))
    return accuracy


def confusions(sets: Sequence[LabelledImages], found: Sequence[Sequence[testing.SetResult]]) -> torch.Tensor:
    """One confusion matrix a test set, summed over the runs, as IMAGE [sets,H,W,3]."""
    charts = []
    for place, data in enumerate(sets):
        matrix = np.sum([reached[place].confusion for reached in found], axis=0)
        plot = confusion_plot(matrix.tolist(), found[0][place].classes, data.name, (640, 600))
        charts.append(to_image(to_pixels(plot)))
    return torch.cat(charts)


def mistake_sheet(sets: Sequence[LabelledImages], reached: Sequence[testing.SetResult]) -> torch.Tensor:
    """The surest mistakes of one run on each test set, which captions name where there are several."""
    pictures, captions = [], []
    for data, result in zip(sets, reached, strict=True):
        for mistake in result.mistakes:
            pictures.append(data.read(mistake.place))
            name = f"\n{data.name}" if len(sets) > 1 else ""
            captions.append(f"{mistake.true}\nas {mistake.predicted} {100 * mistake.probability:.0f} %{name}")
    return sheet(pictures, captions)


def _warnings(provenance: Mapping[str, Any]) -> list[str]:
    """What a reader of a checkpoint's figures has to know."""
    warnings = _start_warnings(provenance.get("settings", {}))
    epochs = provenance.get("epochs_done")
    if provenance.get("complete"):
        return warnings
    if provenance.get("kind") == "best":
        # kept while the run went on, and told only at its end that it ended
        return [*warnings, f"the best so far, after {epochs} epochs, of a training that was interrupted or still runs"]
    return [*warnings, f"the training was interrupted after {epochs} epochs"]


def _start_warnings(settings: Mapping[str, Any]) -> list[str]:
    if not settings.get("weights_key"):
        return []
    return [LEAK] if settings.get("normalisation") == "ImageNet" else [LEAK, OTHER_INPUTS]


def _trained(checkpoint: Checkpoint) -> dict[str, Any]:
    provenance = checkpoint.provenance
    return {"settings": provenance.get("settings", {}), "training": provenance.get("data", {})}

"""Training and test runs as result files and pictures: what stands in each, and under which names.

Writes: result files below the folder that it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from . import testing
from .data import LabelledImages
from .intervals import wilson
from .model import Checkpoint
from .plots import confusion_plot, line_chart, to_image
from .results import Result, read_results, write_result
from .settings import Settings
from .sheets import sheet
from .train import Trained

LEAK = "started from ImageNet weights: what ImageNet's classes taught leaks into every figure of this classifier"


def training_result(folder: Path, name: str, images: LabelledImages, settings: Settings, trained: Trained) -> Result:
    """The result of a training run below `folder`/`name`: written, or the one of the same run if it is there."""
    identity = trained.last.provenance["identity"]
    if not trained.seconds:  # found on disk: its result is there too, unless someone removed it
        for earlier in read_results(folder / name):
            if earlier.kind == "training" and earlier.inputs.get("identity") == identity:
                return earlier
    last = trained.history[-1]
    figures: dict[str, Any] = {
        "loss": last.loss,
        "training_accuracy": last.accuracy,
        "epochs": len(trained.history),
        "seconds": trained.seconds,
        "history": [asdict(record) for record in trained.history],
    }
    if trained.best is not None:
        count = int(trained.last.provenance["held_out_pictures"])
        reached = float(last.held_out_accuracy or 0.0)
        figures["held_out"] = {
            "accuracy": reached,
            "interval": wilson(round(reached * count), count),
            "count": count,
            "synthetic": bool(images.synthetic.any()),
            "best_epoch": trained.last.provenance["best_epoch"],
        }
    warnings = [LEAK] if settings.weights_key else []
    inputs = {"training": images.summary(), "identity": identity, "checkpoint": trained.last.path}
    return write_result(folder, name, "training", figures, inputs, asdict(settings), tuple(warnings))


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
    warnings = [LEAK] if provenance.get("imagenet_classes_leak") else []
    if not provenance.get("complete") and "best" not in checkpoint.path.name:
        warnings.append(f"the training was interrupted after {provenance.get('epochs_done')} epochs")
    figures = {
        "test_sets": [
            {**result.figures(), "synthetic": bool(data.synthetic.any())}
            for result, data in zip(reached, sets, strict=True)
        ],
        "average": testing.average(reached),
    }
    inputs = {
        "training": provenance.get("data", {}),
        "identity": provenance.get("identity", ""),
        "checkpoint": checkpoint.path,
        "test_sets": [data.summary() for data in sets],
    }
    settings["calibration_bins"] = testing.CALIBRATION_BINS
    settings["checkpoint"] = checkpoint.path.stem
    return write_result(folder, name, "test", figures, inputs, settings, tuple(warnings))


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
        "images": data.summary(),
    }
    figures = {"pairs": [asdict(pair) for pair in pairs]}
    return write_result(folder, name, "comparison", figures, inputs, {"test": "McNemar", "adjustment": "Holm"})


def curves(runs: Sequence[tuple[int, Trained]]) -> torch.Tensor:
    """Loss over accuracy by epoch, as IMAGE."""
    loss: dict[str, tuple[list[float], list[float | None]]] = {}
    accuracy: dict[str, tuple[list[float], list[float | None]]] = {}
    for seed, trained in runs:
        epochs = [float(record.epoch) for record in trained.history]
        loss[f"seed {seed}"] = (epochs, [record.loss for record in trained.history])
        accuracy[f"seed {seed}, training"] = (epochs, [100 * record.accuracy for record in trained.history])
        if trained.best is not None:
            held = [
                100 * record.held_out_accuracy for record in trained.history if record.held_out_accuracy is not None
            ]
            accuracy[f"seed {seed}, held out"] = (epochs, list(held))
    size = (900, 420)
    charts = [
        to_image(line_chart(loss, "Training loss", "epoch", "cross-entropy", size)),
        to_image(line_chart(accuracy, "Accuracy", "epoch", "per cent", size)),
    ]
    return torch.cat(charts, dim=1)


def confusions(sets: Sequence[LabelledImages], found: Sequence[Sequence[testing.SetResult]]) -> torch.Tensor:
    """One confusion matrix a test set, summed over the runs, as IMAGE [sets,H,W,3]."""
    charts = []
    for place, data in enumerate(sets):
        matrix = np.sum([reached[place].confusion for reached in found], axis=0)
        charts.append(to_image(confusion_plot(matrix.tolist(), found[0][place].classes, data.name, (640, 600))))
    return torch.cat(charts)


def mistake_sheet(sets: Sequence[LabelledImages], reached: Sequence[testing.SetResult]) -> torch.Tensor:
    """The surest mistakes of one run on each test set."""
    pictures, captions = [], []
    for data, result in zip(sets, reached, strict=True):
        for mistake in result.mistakes:
            pictures.append(data.read(mistake.place))
            captions.append(f"{mistake.true}\nas {mistake.predicted} {100 * mistake.probability:.0f} %")
    return sheet(pictures, captions)

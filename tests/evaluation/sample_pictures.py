"""Small labelled sets in memory for the tests of evaluation/, and where a checkpoint of such a set came from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from hyponet.evaluation.pictures.labelled_images import LabelledImages, labelled
from hyponet.evaluation.training.checkpoint import CheckpointProvenance
from hyponet.evaluation.training.settings import Settings


class MemoryPictures:
    """Pictures in a list; `reads` counts how often one was asked for."""

    def __init__(self, pictures):
        self.pictures = pictures
        self.reads = 0

    def __len__(self):
        return len(self.pictures)

    def read(self, index):
        self.reads += 1
        return self.pictures[index]

    def digest(self, index):
        return hashlib.sha256(self.pictures[index].tobytes()).digest()

    def describe(self, index):
        return f"picture {index}"


def colours(each=8, side=16, cache=None, seed=0, names=("red", "green", "blue")) -> LabelledImages:
    """`each` noisy pictures a class, each class of its own colour: easy to learn."""
    rng = np.random.default_rng(seed)
    labels = np.arange(each * len(names)) % len(names)
    pictures = rng.integers(0, 60, (len(labels), side, side, 3))
    pictures[np.arange(len(labels)), :, :, labels] += 150
    return labelled("colours", names, labels, MemoryPictures(list(pictures.astype(np.uint8))), cache=cache)


def provenance(**settings) -> CheckpointProvenance:
    """Of a finished run of one epoch that nobody trained."""
    return CheckpointProvenance(
        identity="identity",
        kind="last",
        complete=True,
        seconds=1.0,
        epochs_done=1,
        best_epoch=0,
        held_out_pictures=0,
        held_out_without=(),
        settings=Settings(**settings),
        data={"name": "colours", "pictures": 24, "synthetic": 0},
        history=(),
        torch="2",
        device="cpu",
    )


def describe_set(root: Path, folders: dict[str, str]) -> None:
    """Write the dataset.json of a set of ours whose classes lie in these folders."""
    description = {
        **{"format": "hyponet.dataset", "version": 2, "name": root.name, "revision": 0},
        "classes": [{"label": label, "folder": folder, "synset": ""} for label, folder in folders.items()],
        **{"identity": {}, "plan": {}, "provenance": {}, "copies": {"sizes": [], "filter": "bicubic"}},
        "encoding": {"format": "png", "quality": 95},
    }
    (root / "dataset.json").write_text(json.dumps(description), "utf-8")

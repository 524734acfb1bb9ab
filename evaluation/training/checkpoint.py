"""The checkpoint file of a classifier: its weights, how a picture becomes an input, and where it came from.

Reads and writes: one safetensors file. Its tensors have torchvision's names; its metadata says what the classes are
called and how a picture becomes an input:
format="hyponet.classifier", version="1", architecture, stem, classes (JSON list), size, filter, crop,
mean and std (JSON lists), provenance (JSON object, see CheckpointProvenance), trained_on (base64 of the digests of the
training pictures' pixels, 8 bytes each, so that test pictures among them are noticed).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import nn

from ..files import replacing
from ..json_text import parse_json
from ..pictures.labelled_images import LabelledImages
from ..pictures.pixels import count_shared
from .model import Preprocessing, build
from .settings import Settings
from .state import Diverged
from .training_figures import EpochFigures

FORMAT = "hyponet.classifier"
VERSION = "1"


@dataclass(frozen=True)
class CheckpointProvenance:
    """Where a checkpoint came from.

    Args:
        identity: of its training run, see Settings.identity.
        kind: `last`, or `best` on the held-out part.
        complete: whether its run was finished.
        seconds: of training, in all calls.
        epochs_done: epochs behind these weights.
        best_epoch: the best by the held-out part, from 1; 0 without one.
        held_out_pictures: pictures kept from training.
        held_out_without: classes of which none is held out, their share being too small.
        settings: of the run.
        data: LabelledImages.summary() of the training set.
        history: figures of each epoch.
        torch: its version.
        device: type of the device that trained.
    """

    identity: str
    kind: str
    complete: bool
    seconds: float
    epochs_done: int
    best_epoch: int
    held_out_pictures: int
    held_out_without: tuple[str, ...]
    settings: Settings
    data: Mapping[str, Any]
    history: tuple[EpochFigures, ...]
    torch: str
    device: str

    @property
    def epochs_trained(self) -> int | None:
        """Whole epochs that its run had: all where it was finished; None for the best of a run that was not.

        The best so far is written while its run goes on, and knows nothing of the epochs after it.
        """
        if self.complete:
            return self.settings.epochs
        return None if self.kind == "best" else self.epochs_done

    def to_json(self) -> dict[str, Any]:
        """The object in the file, which also says whether ImageNet's classes leak into every figure."""
        return {
            **asdict(self),
            "held_out_without": list(self.held_out_without),
            "history": [asdict(epoch) for epoch in self.history],
            "imagenet_classes_leak": bool(self.settings.weights_key),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> CheckpointProvenance:
        """Raises KeyError, TypeError or ValueError where something is missing; what it does not know it leaves out."""
        values = {known.name: stored[known.name] for known in fields(cls)}
        values["held_out_without"] = tuple(values["held_out_without"])
        values["settings"] = Settings(**values["settings"])
        values["history"] = tuple(EpochFigures(**epoch) for epoch in values["history"])
        return cls(**values)


@dataclass(frozen=True)
class Checkpoint:
    """A trained classifier on disk.

    Args:
        trained_on: uint64 [N], rising digests of the pixels of its training set, with what was held out; see
            pictures/pixels.py.
    """

    path: Path
    architecture: str
    stem: str
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    provenance: CheckpointProvenance
    trained_on: np.ndarray | None = field(default=None, compare=False)

    def shared_with(self, data: LabelledImages) -> int | None:
        """How many pictures of `data` were trained on or held out; None where the file does not name its pictures."""
        return None if self.trained_on is None else count_shared(data.pixel_digests(), self.trained_on)

    def model(self) -> nn.Module:
        """The network with its trained weights, in evaluation mode, on the CPU, channels last."""
        network = build(self.architecture, len(self.class_names), self.stem)
        network.load_state_dict(safetensors.torch.load_file(self.path))
        return network.to(memory_format=torch.channels_last).train(False)


def save_checkpoint(
    path: Path,
    network: nn.Module,
    class_names: Sequence[str],
    preprocessing: Preprocessing,
    provenance: CheckpointProvenance,
    trained_on: np.ndarray | None = None,
) -> Checkpoint:
    """The checkpoint written to `path`, which appears only when it is whole.

    Raises:
        Diverged: a weight is not a finite number; nothing is written.
    """
    settings = provenance.settings
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "architecture": settings.architecture,
        "stem": settings.stem,
        "classes": json.dumps(list(class_names)),
        "size": str(preprocessing.size),
        "filter": preprocessing.filter,
        "crop": preprocessing.crop,
        "mean": json.dumps(list(preprocessing.mean)),
        "std": json.dumps(list(preprocessing.std)),
        "provenance": json.dumps(provenance.to_json()),
    }
    if trained_on is not None:
        trained_on = np.unique(trained_on)
        metadata["trained_on"] = base64.b64encode(trained_on.astype("<u8").tobytes()).decode()
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise Diverged(
                f"{name} has numbers that are not finite after epoch {provenance.epochs_done}, at a learning rate of "
                f"{settings.learning_rate:g}: the training went astray, and {path.name} is not written; expected "
                "finite numbers; lower the learning rate, and leave precision at float32"
            )
    with replacing(path) as temporary:
        safetensors.torch.save_file(tensors, temporary, metadata=metadata)
    names = tuple(class_names)
    return Checkpoint(path, settings.architecture, settings.stem, names, preprocessing, provenance, trained_on)


def mark_complete(path: Path) -> Checkpoint:
    """The checkpoint at `path` written anew as one of a finished run; its weights stay as they are."""
    unfinished = load_checkpoint(path)
    return save_checkpoint(
        path,
        unfinished.model(),
        unfinished.class_names,
        unfinished.preprocessing,
        replace(unfinished.provenance, complete=True),
        unfinished.trained_on,
    )


def is_checkpoint(path: Path) -> bool:
    """True for a safetensors file that this module wrote."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return bool((file.metadata() or {}).get("format") == FORMAT)
    except (OSError, safetensors.SafetensorError):
        return False


def load_checkpoint(path: Path) -> Checkpoint:
    """What the checkpoint at `path` holds; its tensors are read by `.model()`.

    Raises:
        FileNotFoundError: it is missing.
        ValueError: it is truncated, or not a checkpoint of ours.
    """
    if not path.is_file():
        raise FileNotFoundError(f"classifier {path} is missing; expected a file that Train Classifier saved")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(f"classifier {path} cannot be read ({error}); expected a whole safetensors file") from None
    if metadata.get("format") != FORMAT or metadata.get("version") != VERSION:
        raise ValueError(
            f"classifier {path} is of format {metadata.get('format')!r}, version {metadata.get('version')!r}; expected "
            f"{FORMAT!r}, version {VERSION!r}; files of other tools open in Load Classifier"
        )
    try:
        preprocessing = Preprocessing(
            size=int(metadata["size"]),
            filter=metadata["filter"],
            crop=metadata["crop"],
            mean=_triple(metadata["mean"]),
            std=_triple(metadata["std"]),
        )
        names = tuple(str(name) for name in parse_json(metadata["classes"]))
        provenance = CheckpointProvenance.from_json(parse_json(metadata["provenance"]))
        stored = metadata.get("trained_on")
        trained_on = None if stored is None else np.frombuffer(base64.b64decode(stored, validate=True), dtype="<u8")
        return Checkpoint(
            path, metadata["architecture"], metadata["stem"], names, preprocessing, provenance, trained_on
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"classifier {path} has damaged metadata ({error}); train it again") from None


def about(checkpoint: Checkpoint) -> str:
    """A checkpoint's classes, preprocessing, settings and data as JSON for people; not its history."""
    provenance = {key: value for key, value in checkpoint.provenance.to_json().items() if key != "history"}
    described = {"classes": checkpoint.class_names, "preprocessing": asdict(checkpoint.preprocessing), **provenance}
    return json.dumps(described, indent=1, ensure_ascii=False)


def _triple(text: str) -> tuple[float, float, float]:
    first, second, third = parse_json(text)
    return float(first), float(second), float(third)

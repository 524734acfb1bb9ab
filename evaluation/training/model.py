"""torchvision's ResNets with the stems that small pictures want, and the checkpoint file that carries one.

Reads and writes: one safetensors file. Its tensors have torchvision's names; its metadata says what the classes are
called and how a picture becomes an input:
format="hyponet.classifier", version="1", architecture, stem, classes (JSON list), size, filter, crop,
mean and std (JSON lists), provenance (JSON object).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
import torchvision
from torch import nn

from ..files import replacing

FORMAT = "hyponet.classifier"
VERSION = "1"
ARCHITECTURES = ("resnet18", "resnet34", "resnet50")
STEMS = ("7x7", "3x3 stride 2", "3x3 stride 1 (CIFAR)")
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes an input: resized to a square, divided by 255, then (x - mean) / std."""

    size: int = 32
    filter: str = "bicubic"
    crop: str = "squash"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def inputs(self, pictures: torch.Tensor, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The network's inputs [N,3,H,W] (channels last in memory) of uint8 pictures [N,H,W,3] already resized."""
        planes = pictures.permute(0, 3, 1, 2).to(dtype)
        if self.mean == (0.0, 0.0, 0.0) and self.std == (1.0, 1.0, 1.0):
            return planes.div_(255)
        mean = torch.tensor(self.mean, dtype=dtype, device=planes.device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, dtype=dtype, device=planes.device).view(1, 3, 1, 1)
        return planes.div_(255).sub_(mean).div_(std)


@dataclass(frozen=True)
class Checkpoint:
    """A trained classifier on disk."""

    path: Path
    architecture: str
    stem: str
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def model(self) -> nn.Module:
        """The network with its trained weights, in evaluation mode, on the CPU, channels last."""
        network = build(self.architecture, len(self.class_names), self.stem)
        network.load_state_dict(safetensors.torch.load_file(self.path))
        return network.to(memory_format=torch.channels_last).train(False)


def build(architecture: str, classes: int, stem: str = "7x7", seed: int = 0) -> nn.Module:
    """torchvision's ResNet with new weights drawn by `seed`; the global generator is left as it was.

    Args:
        architecture: one of ARCHITECTURES.
        classes: number of outputs.
        stem: `7x7` is torchvision's (stride 2, then max-pool stride 2: the thesis's); `3x3 stride 2` halves once,
            without the pool; `3x3 stride 1 (CIFAR)` keeps the picture's size (the ResNet of CIFAR papers, 14 times
            slower than 7x7 at 32 pixels).
        seed: of the first weights.

    Raises:
        ValueError: an unknown architecture or stem, or fewer than two classes.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"architecture is {architecture!r}; expected one of: {', '.join(ARCHITECTURES)}")
    if stem not in STEMS:
        raise ValueError(f"stem is {stem!r}; expected one of: {', '.join(STEMS)}")
    if classes < 2:
        raise ValueError(f"the number of classes is {classes}; expected at least 2; load a set with more classes")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: nn.Module = getattr(torchvision.models, architecture)(weights=None, num_classes=classes)
        if stem != "7x7":
            stride = 2 if stem == "3x3 stride 2" else 1
            convolution = nn.Conv2d(3, 64, kernel_size=3, stride=stride, padding=1, bias=False)
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
            network.conv1 = convolution
            network.maxpool = nn.Identity()
    return network


def save_checkpoint(
    path: Path,
    network: nn.Module,
    *,
    architecture: str,
    stem: str,
    class_names: Sequence[str],
    preprocessing: Preprocessing,
    provenance: Mapping[str, Any],
) -> Checkpoint:
    """The checkpoint written to `path`, which appears only when it is whole."""
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "architecture": architecture,
        "stem": stem,
        "classes": json.dumps(list(class_names)),
        "size": str(preprocessing.size),
        "filter": preprocessing.filter,
        "crop": preprocessing.crop,
        "mean": json.dumps(list(preprocessing.mean)),
        "std": json.dumps(list(preprocessing.std)),
        "provenance": json.dumps(dict(provenance)),
    }
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    with replacing(path) as temporary:
        safetensors.torch.save_file(tensors, temporary, metadata=metadata)
    return Checkpoint(path, architecture, stem, tuple(class_names), preprocessing, dict(provenance))


def add_provenance(path: Path, more: Mapping[str, Any]) -> Checkpoint:
    """The checkpoint at `path` written anew with `more` in its provenance; its weights stay as they are."""
    known = load_checkpoint(path)
    return save_checkpoint(
        path,
        known.model(),
        architecture=known.architecture,
        stem=known.stem,
        class_names=known.class_names,
        preprocessing=known.preprocessing,
        provenance={**known.provenance, **more},
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
            found = file.metadata() or {}
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(f"classifier {path} cannot be read ({error}); expected a whole safetensors file") from None
    if found.get("format") != FORMAT or found.get("version") != VERSION:
        raise ValueError(
            f"classifier {path} is of format {found.get('format')!r}, version {found.get('version')!r}; expected "
            f"{FORMAT!r}, version {VERSION!r}; files of other tools open in Load Classifier"
        )
    try:
        preprocessing = Preprocessing(
            size=int(found["size"]),
            filter=found["filter"],
            crop=found["crop"],
            mean=_triple(found["mean"]),
            std=_triple(found["std"]),
        )
        names = tuple(str(name) for name in json.loads(found["classes"]))
        provenance = json.loads(found.get("provenance", "{}"))
        return Checkpoint(path, found["architecture"], found["stem"], names, preprocessing, provenance)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"classifier {path} has damaged metadata ({error}); train it again") from None


def start_from_imagenet(network: nn.Module, weights: Path) -> None:
    """Copy ImageNet weights into `network`, all but the last layer.

    Args:
        network: made by build() with the 7x7 stem.
        weights: torchvision's file for the same architecture, .safetensors or .pth.

    Raises:
        ValueError: the file cannot be read, or belongs to another architecture or stem.
    """
    try:
        if weights.suffix == ".safetensors":
            tensors = safetensors.torch.load_file(weights)
        else:
            tensors = torch.load(weights, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen unrelated classes for damaged and foreign files
        raise ValueError(
            f"weights {weights} cannot be read ({type(error).__name__}); expected torchvision's ResNet weights"
        ) from error
    if not isinstance(tensors, dict):
        raise ValueError(f"weights {weights} hold {type(tensors).__name__}; expected torchvision's ResNet weights")
    own = network.state_dict()
    body = [name for name in own if not name.startswith("fc.")]
    wrong = [name for name in body if getattr(tensors.get(name), "shape", None) != own[name].shape]
    if wrong:
        raise ValueError(
            f"weights {weights} do not fit: {wrong[0]} and {len(wrong) - 1} more tensors are missing or have another "
            "shape; expected torchvision's weights of the chosen architecture, and the stem 7x7"
        )
    network.load_state_dict({**own, **{name: tensors[name] for name in body}})


def freeze_batch_norm(network: nn.Module) -> None:
    """Keep every batch-norm layer's statistics and scale as they are, also while training."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train(False)
            module.requires_grad_(False)


def _triple(text: str) -> tuple[float, float, float]:
    first, second, third = json.loads(text)
    return float(first), float(second), float(third)

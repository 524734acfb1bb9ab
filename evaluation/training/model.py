"""torchvision's ResNets with the stems that small pictures want, and how a picture becomes their input."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
import torchvision
from torch import nn

from ..disk_errors import UnreadableFile
from ..torch_files import load_torch
from .convolution import with_small_maps

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
        torch.manual_seed(_seed_of_32_bits(seed))
        network: nn.Module = getattr(torchvision.models, architecture)(weights=None, num_classes=classes)
        if stem != "7x7":
            stride = 2 if stem == "3x3 stride 2" else 1
            convolution = nn.Conv2d(3, 64, kernel_size=3, stride=stride, padding=1, bias=False)
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
            network.conv1 = convolution
            network.maxpool = nn.Identity()
    return with_small_maps(network)


def _seed_of_32_bits(seed: int) -> int:
    """`seed`, or a hash of one above 2^32: torch's generator on a CPU takes the lower 32 bits and no more."""
    if seed < 2**32:
        return seed
    return int.from_bytes(hashlib.blake2b(str(seed).encode(), digest_size=4).digest(), "little")


def start_from_imagenet(network: nn.Module, weights: Path) -> None:
    """Copy ImageNet weights into `network`, all but the last layer.

    Args:
        network: made by build() with the 7x7 stem.
        weights: torchvision's file for the same architecture, .safetensors or .pth.

    Raises:
        ValueError: the file is damaged, or belongs to another architecture or stem.
        UnreadableFile: the disk does not give it.
    """
    try:
        if weights.suffix == ".safetensors":
            tensors = safetensors.torch.load_file(weights)
        else:
            tensors = load_torch(weights)
    except UnreadableFile:
        raise
    except Exception as error:  # torch raises half a dozen unrelated classes for damaged and foreign files
        raise ValueError(
            f"weights {weights} cannot be read ({type(error).__name__}); expected torchvision's ResNet weights"
        ) from error
    if not isinstance(tensors, dict):
        raise ValueError(f"weights {weights} hold {type(tensors).__name__}; expected torchvision's ResNet weights")
    state = network.state_dict()
    body = [name for name in state if not name.startswith("fc.")]
    unfit = [name for name in body if getattr(tensors.get(name), "shape", None) != state[name].shape]
    if unfit:
        raise ValueError(
            f"weights {weights} do not fit: {unfit[0]} and {len(unfit) - 1} more tensors are missing or have another "
            "shape; expected torchvision's weights of the chosen architecture, and the stem 7x7"
        )
    network.load_state_dict({**state, **{name: tensors[name] for name in body}})


def freeze_batch_norm(network: nn.Module) -> None:
    """Keep every batch-norm layer's statistics and scale as they are, also while training."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train(False)
            module.requires_grad_(False)


def copy_all(targets: Sequence[torch.Tensor], sources: Sequence[torch.Tensor]) -> None:
    """Copy each of `sources` into its target: in one call where this torch has its own optimizers' way to."""
    together = getattr(torch, "_foreach_copy_", None)  # no part of torch's public API
    if together is not None:
        together(targets, sources)
        return
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)

"""CIFAR-10's pictures as arrays.

Reads what Load Labelled Images reads: CIFAR-10 as it is published, or class folders, or a zip of them; writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..dev.pack import load_pack

load_pack()

from hyponet.evaluation.pictures.mapping import ClassMapping  # noqa: E402
from hyponet.evaluation.pictures.sources import read_source  # noqa: E402

CLASSES = ("automobile", "cat", "horse", "ship", "truck")


@dataclass(frozen=True, slots=True)
class Pictures:
    """Args:
    images: (N, 32, 32, 3) uint8.
    labels: (N,) int64, places in CLASSES.
    """

    images: Tensor
    labels: Tensor


def read_pictures(path: Path, split: str, source: str = "image folder") -> Pictures:
    """The pictures of CLASSES at `path`; see read_source.

    Raises:
        ValueError: a class has no picture there.
    """
    data = ClassMapping.shipped("thesis: cifar10").apply(read_source(source, path, split))
    images = [np.asarray(Image.fromarray(data.read(number)).resize((32, 32))) for number in range(len(data))]
    places = torch.tensor([CLASSES.index(name) for name in data.class_names])
    return Pictures(torch.from_numpy(np.stack(images)), places[torch.from_numpy(data.labels)])


def doubled(images: Tensor) -> Tensor:
    """(N, 32, 32, 3) uint8 -> (N, 3, 64, 64) float in 0..1, enlarged bicubically, in channels_last."""
    planes = images.permute(0, 3, 1, 2).float() / 255
    large = torch.nn.functional.interpolate(planes, scale_factor=2, mode="bicubic", align_corners=False).clamp(0, 1)
    return large.contiguous(memory_format=torch.channels_last)


def middle_colours(images: Tensor) -> Tensor:
    """The mean colour of each picture's middle quarter.  # (N, 3) in 0..255"""
    return images[:, 8:24, 8:24].float().mean((1, 2))

"""CIFAR-10's pictures as arrays.

Reads a folder or a zip that holds <split>/<class>/<picture>; writes nothing. The pack's own reader of labelled images
can take the place of `read_pictures`.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from PIL import Image
from torch import Tensor

CLASSES = ("automobile", "cat", "horse", "ship", "truck")
SUFFIXES = {".jpg", ".jpeg", ".png"}


@dataclass(frozen=True, slots=True)
class Pictures:
    """Args:
    images: (N, 32, 32, 3) uint8.
    labels: (N,) int64, places in CLASSES.
    """

    images: Tensor
    labels: Tensor


def read_pictures(source: Path, split: str) -> Pictures:
    """The pictures of CLASSES in `source`/`split`, ordered by name.

    Raises:
        ValueError: a class has no picture there.
    """
    files = sorted(_files(source, split), key=lambda named_file: named_file[0])
    images, labels = [], []
    for name, content in files:
        label = PurePosixPath(name).parent.name
        if label in CLASSES:
            images.append(np.asarray(Image.open(io.BytesIO(content)).convert("RGB").resize((32, 32))))
            labels.append(CLASSES.index(label))
    counts = [labels.count(number) for number in range(len(CLASSES))]
    if not all(counts):
        raise ValueError(f"pictures of {CLASSES} in {source}/{split} are {counts}; expected some in a folder a class")
    return Pictures(torch.from_numpy(np.stack(images)), torch.tensor(labels))


def _files(source: Path, split: str) -> Iterator[tuple[str, bytes]]:
    if source.is_dir():
        for path in (source / split).rglob("*"):
            if path.suffix.lower() in SUFFIXES:
                yield path.relative_to(source).as_posix(), path.read_bytes()
        return
    with zipfile.ZipFile(source) as archive:
        for name in archive.namelist():
            path = PurePosixPath(name)
            if split in path.parts and path.suffix.lower() in SUFFIXES:
                yield name, archive.read(name)


def doubled(images: Tensor) -> Tensor:
    """(N, 32, 32, 3) uint8 -> (N, 3, 64, 64) float in 0..1, enlarged bicubically."""
    planes = images.permute(0, 3, 1, 2).float() / 255
    return torch.nn.functional.interpolate(planes, scale_factor=2, mode="bicubic", align_corners=False).clamp(0, 1)


def middle_colours(images: Tensor) -> Tensor:
    """The mean colour of each picture's middle quarter.  # (N, 3) in 0..255"""
    return images[:, 8:24, 8:24].float().mean((1, 2))

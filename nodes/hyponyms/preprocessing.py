"""Pictures to a classifier's input: resize the short side and crop by PIL, or as training did.

Reads tensors [B,H,W,C]; writes tensors [B,3,h,w].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from ...evaluation.pictures.resize import resize
from ...evaluation.pictures.tensors import check_pixels, to_uint8
from ...evaluation.training.model import IMAGENET_MEAN, IMAGENET_STD, Preprocessing


@dataclass(frozen=True, slots=True)
class ResizeAndCrop:
    """Resize (bilinear), crop and normalise; the defaults are torchvision's for its ImageNet V1 weights.

    Args:
        resize: length of the short side after resizing, in pixels.
        crop: side of the square cut from the centre.
        mean: subtracted from each channel in 0..1.
        std: divides each channel afterwards.
    """

    resize: int = 256
    crop: int = 224
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """[B,3,crop,crop] float32 for `images`: [B,H,W,C] float in 0..1, C of 1, 3 or 4 (alpha is left out)."""
        return torch.stack([self.picture(picture) for picture in to_pictures(images)])

    def picture(self, picture: Image.Image) -> torch.Tensor:
        """[3,crop,crop] float32 for one RGB picture."""
        small = self._cropped(picture)
        pixels = torch.from_numpy(np.asarray(small, dtype=np.uint8).copy()).permute(2, 0, 1)  # (3, crop, crop)
        mean = torch.tensor(self.mean).view(-1, 1, 1)  # (3, 1, 1)
        std = torch.tensor(self.std).view(-1, 1, 1)  # (3, 1, 1)
        return (pixels.float() / 255 - mean) / std

    def _cropped(self, picture: Image.Image) -> Image.Image:
        width, height = picture.size
        short = min(width, height)
        scaled = (int(self.resize * width / short), int(self.resize * height / short))
        if scaled != (width, height):
            picture = picture.resize(scaled, Image.Resampling.BILINEAR)
        # torchvision's CenterCrop pads pictures smaller than the crop with black and rounds the corner half to even
        left = round((scaled[0] - self.crop) / 2.0)
        top = round((scaled[1] - self.crop) / 2.0)
        return picture.crop((left, top, left + self.crop, top + self.crop))


@dataclass(frozen=True)
class EachPicture:
    """Another library's own transform, applied to one RGB picture at a time."""

    transform: Callable[[Image.Image], torch.Tensor]

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """[B,3,h,w] float32 for `images`: [B,H,W,C] float in 0..1."""
        return torch.stack([self.transform(picture) for picture in to_pictures(images)])


@dataclass(frozen=True, slots=True)
class SquareResize:
    """What Train Classifier feeds its models: evaluation.pictures.resize.resize, then (x - mean) / std in 0..1."""

    size: int
    filter: str
    crop: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """[B,3,size,size] float32 for `images`: [B,H,W,C] float in 0..1."""
        settings = Preprocessing(self.size, self.filter, self.crop, self.mean, self.std)
        small = [resize(np.asarray(picture), self.size, self.filter, self.crop) for picture in to_pictures(images)]
        return settings.inputs(torch.from_numpy(np.stack(small)))  # (B, size, size, 3) -> (B, 3, size, size)


def to_pictures(images: torch.Tensor) -> list[Image.Image]:
    """RGB pictures for `images`: [B,H,W,C] float in 0..1, cut to uint8 as SaveImage does.

    Raises:
        ValueError: the tensor has another shape, no picture, or a pixel that is not a finite number.
    """
    if images.ndim != 4 or images.shape[0] == 0 or images.shape[3] not in (1, 3, 4):
        raise ValueError(f"image has shape {tuple(images.shape)}; expected [B,H,W,C] with 1, 3 or 4 channels")
    check_pixels(images, "image")
    return [Image.fromarray(picture) for picture in to_uint8(images)]

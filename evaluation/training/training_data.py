"""What a training run reads: the whole set as one uint8 tensor, and which of its pictures train and are held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..pictures.cache import resized
from ..pictures.labelled_images import LabelledImages
from ..pictures.split import split_indices
from ..progress import Progress
from .model import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from .settings import Settings

GPU_SHARE = 0.25  # of a GPU's free memory for the pictures, a judgement: network and batches need the rest
PIXELS_A_CHUNK = 8_000_000  # counted at once for the mean: 24 MB, and time for an interrupt between two chunks
MIN_STD = 1e-3  # of a channel that never changes: its inputs would be divided by 0


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The pictures of a run, on the training device or, where that is too small for them, on the CPU.

    Args:
        images: uint8 [N,H,W,3], the whole set.
        labels: int64 [N].
        indices: int64 [M], the training pictures in them; on the CPU.
        held_out: int64, the held-out pictures, on the device of `images`; None without a held-out part.
        held_out_without: classes of which no picture is held out, since their share rounds to none.
        preprocessing: how they become inputs.
    """

    images: torch.Tensor
    labels: torch.Tensor
    indices: torch.Tensor
    held_out: torch.Tensor | None
    held_out_without: tuple[str, ...]
    preprocessing: Preprocessing


def prepare_data(
    data: LabelledImages, settings: Settings, device: torch.device, progress: Progress | None
) -> TrainingData:
    """The set made small and divided. Raises ValueError where a class has no training picture."""
    # the whole set: parts are drawn by the seed, so each seed would decode and keep its own copies of them
    images = resized(data, settings.size, settings.filter, settings.crop, progress)
    data.pixel_digests(progress)  # for the split, and for the checkpoint, which names the pictures
    held_out, indices = None, np.arange(len(data))
    held_out_without: tuple[str, ...] = ()
    if settings.held_out:
        held_out, indices = split_indices(data, settings.held_out, settings.held_out_draw)
        held_out_without = tuple(name for name, count in data.select(held_out).counts().items() if not count)
    counts = data.select(indices).counts()
    if min(counts.values()) == 0:
        raise ValueError(f"a class of {data.name} has no training picture: {counts}; load more or hold out less")
    home = _home(images, device)
    return TrainingData(
        images=images.to(home),
        labels=torch.from_numpy(data.labels).to(home),
        indices=torch.from_numpy(indices),
        held_out=None if held_out is None else torch.from_numpy(held_out).to(home),
        held_out_without=held_out_without,
        preprocessing=_preprocessing(settings, images, torch.from_numpy(indices), progress),
    )


def fits(size: int, free: int) -> bool:
    """Whether pictures of `size` bytes should lie on a GPU that has `free` bytes."""
    return size <= GPU_SHARE * free


def _home(images: torch.Tensor, device: torch.device) -> torch.device:
    """Where the pictures lie while they are trained on: `device`, or the CPU where a GPU is too small for them."""
    if device.type != "cuda":
        return device
    free, _ = torch.cuda.mem_get_info(device)
    free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # torch's own, and unused
    return device if fits(images.nbytes, free) else torch.device("cpu")


def _preprocessing(
    settings: Settings, images: torch.Tensor, indices: torch.Tensor, progress: Progress | None
) -> Preprocessing:
    """How pictures become inputs; a normalisation by the training set is that of the pictures at `indices` alone."""
    resizing = (settings.size, settings.filter, settings.crop)
    if settings.normalisation == "ImageNet":
        return Preprocessing(*resizing, IMAGENET_MEAN, IMAGENET_STD)
    if settings.normalisation == "none":
        return Preprocessing(*resizing)
    # exact integer sums: the result depends on no order of summation
    levels = torch.arange(256, dtype=torch.float64)
    counts = torch.zeros(3, 256, dtype=torch.int64)
    counted = 0
    for chunk in torch.split(indices, max(1, PIXELS_A_CHUNK // settings.size**2)):
        pictures = images[chunk]  # (B, H, W, 3)
        for channel in range(3):
            counts[channel] += pictures[..., channel].flatten().bincount(minlength=256)
        counted += len(chunk)
        if progress is not None:  # seconds for a large set: time for an interrupt
            progress(counted, len(indices))
    shares = [count.double() / count.sum() for count in counts]  # 3 of (256,)
    means = [float((share * levels).sum()) / 255 for share in shares]
    deviations = [
        max(MIN_STD, float((share * (levels / 255 - mean) ** 2).sum()) ** 0.5)
        for share, mean in zip(shares, means, strict=True)
    ]
    return Preprocessing(*resizing, (means[0], means[1], means[2]), (deviations[0], deviations[1], deviations[2]))

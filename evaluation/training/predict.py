"""What a classifier says about pictures: class probabilities for a whole set, a batch at a time."""

from __future__ import annotations

import torch
from torch import nn

from ..pictures.cache import resized
from ..pictures.labelled_images import LabelledImages, Progress
from .model import Checkpoint, Preprocessing


def probabilities(
    network: nn.Module,
    preprocessing: Preprocessing,
    images: torch.Tensor,
    device: torch.device,
    progress: Progress | None = None,
    places: torch.Tensor | None = None,
) -> torch.Tensor:
    """Softmax outputs, float32 [N,classes] on the CPU, of the network in evaluation mode.

    Args:
        network: on `device`; left in the mode that it was in.
        preprocessing: of the network.
        images: uint8 [N,H,W,3], already of preprocessing.size.
        device: where to compute.
        progress: called with (done, total) after each batch.
        places: int64, the pictures meant, on the device of `images`; all of them by default.
    """
    training = {module: module.training for module in network.modules()}
    network.train(False)
    # on a CPU small enough that progress, and with it an interrupt, comes several times a second
    pixels = 500_000 if device.type == "cpu" else 8_000_000
    batch = max(4, min(1024, pixels // (images.shape[1] * images.shape[2])))
    parts = []
    total = len(images) if places is None else len(places)
    try:
        with torch.no_grad():
            for start in range(0, total, batch):
                rows = slice(start, start + batch)
                pictures = (images[rows] if places is None else images[places[rows]]).to(device)
                parts.append(network(preprocessing.inputs(pictures)).softmax(dim=1).float().cpu())
                if progress is not None:
                    progress(min(start + batch, total), total)
    finally:
        for module, mode in training.items():
            module.training = mode
    return torch.cat(parts)


def predict(
    checkpoint: Checkpoint, data: LabelledImages, device: torch.device, progress: Progress | None = None
) -> torch.Tensor:
    """Softmax outputs [N,classes] of a checkpoint for a set, its pictures made small as in training."""
    with torch.inference_mode(False):
        preprocessing = checkpoint.preprocessing
        images = resized(data, preprocessing.size, preprocessing.filter, preprocessing.crop, progress)
        return probabilities(checkpoint.model().to(device), preprocessing, images, device, progress)

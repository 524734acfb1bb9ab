"""What a classifier says about pictures: class probabilities for a whole set, a batch at a time."""

from __future__ import annotations

import torch
from torch import nn

from ..pictures.cache import resized
from ..pictures.labelled_images import LabelledImages
from ..progress import Progress
from .checkpoint import Checkpoint
from .model import Preprocessing

# pixels of a batch: on a CPU few enough that progress, and with it an interrupt, comes several times a second
CPU_BATCH_PIXELS = 500_000
GPU_BATCH_PIXELS = 8_000_000  # a judgement: 159 pictures of 224x224; small ones meet MAX_BATCH first
MIN_BATCH, MAX_BATCH = 4, 1024


def probabilities(
    network: nn.Module,
    preprocessing: Preprocessing,
    images: torch.Tensor,
    device: torch.device,
    progress: Progress | None = None,
    indices: torch.Tensor | None = None,
) -> torch.Tensor:
    """Softmax outputs, float32 [N,classes] on the CPU, of the network in evaluation mode.

    Args:
        network: on `device`; left in the mode that it was in.
        preprocessing: of the network.
        images: uint8 [N,H,W,3], already of preprocessing.size.
        device: where to compute.
        progress: called with (done, total) after each batch.
        indices: int64 [M], the pictures meant, on the device of `images`; all of them by default.
    """
    training = {module: module.training for module in network.modules()}
    network.train(False)
    pixels = CPU_BATCH_PIXELS if device.type == "cpu" else GPU_BATCH_PIXELS
    batch = max(MIN_BATCH, min(MAX_BATCH, pixels // (images.shape[1] * images.shape[2])))
    outputs = []  # each (B, classes)
    total = len(images) if indices is None else len(indices)
    try:
        with torch.no_grad():
            for start in range(0, total, batch):
                rows = slice(start, start + batch)
                pictures = (images[rows] if indices is None else images[indices[rows]]).to(device)
                outputs.append(network(preprocessing.inputs(pictures)).softmax(dim=1).float().cpu())
                if progress is not None:
                    progress(min(start + batch, total), total)
    finally:
        for module, mode in training.items():
            module.training = mode
    return torch.cat(outputs)  # (N, classes)


def predict(
    checkpoint: Checkpoint, data: LabelledImages, device: torch.device, progress: Progress | None = None
) -> torch.Tensor:
    """Softmax outputs [N,classes] of a checkpoint for a set, its pictures made small as in training.

    Raises:
        ValueError: they are not finite numbers, as of weights that were damaged; the message names the checkpoint.
    """
    with torch.inference_mode(False):
        preprocessing = checkpoint.preprocessing
        images = resized(data, preprocessing.size, preprocessing.filter, preprocessing.crop, progress)
        outputs = probabilities(checkpoint.model().to(device), preprocessing, images, device, progress)
    broken = (~torch.isfinite(outputs).all(1)).nonzero().flatten().tolist()
    if broken:
        raise ValueError(
            f"{checkpoint.path.name} gives probabilities that are not finite for {len(broken)} of {len(data)} pictures "
            f"of {data.name} (the first: {data.describe(broken[0])}); expected those of sound weights; train it again"
        )
    return outputs

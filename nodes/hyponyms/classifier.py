"""An image classifier with its class names, WordNet ids and preprocessing, whatever file it came from.

Reads pictures as tensors; writes nothing. How a file becomes a Classifier stands in checkpoints.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

Preprocess = Callable[[torch.Tensor], torch.Tensor]


def _cpu() -> torch.device:
    return torch.device("cpu")


@dataclass(frozen=True)
class Classifier:
    """A loaded model and what its outputs mean.

    Args:
        name: the file or folder it came from, as the list shows it.
        architecture: torchvision's, timm's or transformers' name, e.g. "resnet50".
        class_names: one name an output, in order.
        synsets: one WordNet 3.0 id an output ("n02123045"), "" where unknown.
        preprocessing: its input [B,3,h,w] for pictures [B,H,W,C] in 0..1, as it was trained to see them.
        module: maps [B,3,H,W] to logits [B, classes].
        to_device: moves the module where it is to run, returns that device; in the nodes ComfyUI's memory management.
    """

    name: str
    architecture: str
    class_names: tuple[str, ...]
    synsets: tuple[str, ...]
    preprocessing: Preprocess
    module: torch.nn.Module
    to_device: Callable[[], torch.device] = field(default=_cpu, compare=False)

    def preprocess(self, images: torch.Tensor) -> torch.Tensor:
        """The model's input [B,3,h,w] float32 for `images`: [B,H,W,C] float in 0..1, C of 1, 3 or 4."""
        return self.preprocessing(images)

    def logits(self, batch: torch.Tensor) -> torch.Tensor:
        """Logits [B, classes] float32 on the CPU for a preprocessed batch [B,3,h,w]."""
        device = self.to_device()
        with torch.no_grad():
            rows: torch.Tensor = self.module(batch.to(device=device, dtype=torch.float32))
        return rows.float().cpu()

    def probabilities(self, images: torch.Tensor, batch_size: int = 32) -> torch.Tensor:
        """Probabilities [B, classes] float32 for `images`: [B,H,W,C] float in 0..1, `batch_size` pictures at a time.

        Raises:
            ValueError: they are not finite numbers; the message names the file and the picture.
        """
        parts = [self.logits(self.preprocess(part)).softmax(dim=1) for part in torch.split(images, batch_size)]
        rows = torch.cat(parts)
        broken = (~torch.isfinite(rows).all(1)).nonzero().flatten().tolist()
        if broken:
            raise ValueError(
                f"classifier {self.name} gives probabilities that are not finite (picture {broken[0]}, counted from "
                "0); expected those of sound weights and pictures; get the file again, or look at the picture"
            )
        return rows

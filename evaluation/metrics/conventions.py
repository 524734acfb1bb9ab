"""The conventions: the way from a picture to Inception's 299x299 input. Every figure depends on it and names it.

| convention | resize to 299x299 | values |
|---|---|---|
| torch-fidelity | TensorFlow 1's bilinear: pixel corners for centres, no antialias | (x - 128) / 128 |
| pytorch-fid | bilinear with half-pixel centres, no antialias | x / 127.5 - 1 |
| torchmetrics | bilinear with antialias | (x - 128) / 128 |
| clean-fid | PIL's bicubic with antialias on float channels, clipped to 0..255 | (x - 128) / 128 |
| thesis, FID network | clean-fid's | (x - 128) / 128 |
| thesis, torchvision's network | PIL's bicubic on 8-bit pictures | x / 127.5 - 1 |

torchvision's network takes x / 127.5 - 1 under every convention. Sources: torch-fidelity 0.4.0, pytorch-fid 0.3.0,
torchmetrics 1.9.0, clean-fid 0.1.35.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from .inception import SIDE

CONVENTIONS = ("torch-fidelity", "clean-fid", "pytorch-fid", "torchmetrics", "thesis")


@dataclass(frozen=True)
class Preparation:
    """How a picture becomes the network's input.

    Args:
        convention: one of CONVENTIONS: the way to 299x299 and to about -1..1.
        size: side to which pictures are reduced first; 0 keeps each at its own size.
        filter, crop: of that first reduction (evaluation/pictures/resize.py); empty without one.
    """

    convention: str = "torch-fidelity"
    size: int = 0
    filter: str = "bicubic"
    crop: str = "squash"

    def __post_init__(self) -> None:
        if self.convention not in CONVENTIONS:
            raise ValueError(f"convention is {self.convention!r}; expected one of: {', '.join(CONVENTIONS)}")
        if not self.size:
            object.__setattr__(self, "filter", "")
            object.__setattr__(self, "crop", "")

    def to_json(self) -> dict[str, Any]:
        """As a result file states it."""
        return {"convention": self.convention, "size": self.size, "filter": self.filter, "crop": self.crop}


def network_input(pictures: Tensor, convention: str, *, is_fid: bool) -> Tensor:
    """The network's input [B,3,299,299], about -1..1.

    Args:
        pictures: uint8 [B,H,W,3].
        convention: one of CONVENTIONS, as in the table above.
        is_fid: whether it is for the FID network ((x - 128) / 128) or torchvision's (-1..1).
    """
    if convention == "thesis" and not is_fid:
        large = torch.stack([_pil_bicubic(picture) for picture in pictures.cpu()]).to(pictures.device)
        return large.permute(0, 3, 1, 2).float() / 127.5 - 1  # [B,299,299,3] -> [B,3,299,299]
    x = pictures.permute(0, 3, 1, 2).float()  # channels-last in memory, as the network wants it
    if convention == "torch-fidelity":
        x = _tensorflow_bilinear(x)
    elif convention == "pytorch-fid":
        x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False)
    elif convention == "torchmetrics":
        x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)
    else:
        # with antialias, torch's bicubic has PIL's coefficient (a = -0.5) and support
        x = F.interpolate(x, (SIDE, SIDE), mode="bicubic", align_corners=False, antialias=True).clamp(0, 255)
    if not is_fid or convention == "pytorch-fid":
        return x.div_(127.5).sub_(1)
    return x.sub_(128).div_(128)


def _tensorflow_bilinear(x: Tensor) -> Tensor:
    """[B,C,H,W] bilinear without half-pixel centres: output pixel i reads input position i * in / out.

    Aligned corners read i * (in - 1) / (out - 1), which is that once either side is one pixel longer.
    """
    longer = F.pad(x, (0, 1, 0, 1), mode="replicate")
    return F.interpolate(longer, (SIDE + 1, SIDE + 1), mode="bilinear", align_corners=True)[..., :SIDE, :SIDE]


def _pil_bicubic(picture: Tensor) -> Tensor:
    large = Image.fromarray(picture.numpy()).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(large))

"""The conventions: the way from a picture to a network's input. Every figure depends on it and names it.

Of an Inception network, to 299x299:

| convention | resize | values |
|---|---|---|
| torch-fidelity | TensorFlow 1's bilinear: pixel corners for centres, no antialias | (x - 128) / 128 |
| pytorch-fid | bilinear with half-pixel centres, no antialias | x / 127.5 - 1 |
| torchmetrics | bilinear with antialias | (x - 128) / 128 |
| clean-fid | PIL's bicubic with antialias on float channels, clipped to 0..255 | (x - 128) / 128 |
| thesis, FID network | clean-fid's | (x - 128) / 128 |
| thesis, torchvision's network | PIL's bicubic on 8-bit pictures | x / 127.5 - 1 |

torchvision's network takes x / 127.5 - 1 under every convention.

Of DINOv2 and CLIP, to 224x224 or what the network was trained at, then less the mean and over the deviation of its
training pictures (vision_transformers.py has both, and how position embeddings are resampled):

| convention | resize |
|---|---|
| torch-fidelity | as above |
| clean-fid | as above; dgm_eval's and pyiqa's "clean" resize |
| dgm_eval | PIL's bicubic on 8-bit pictures, both sides |
| transformers | the published image processor's: the shorter side by bicubic, then the middle square |

Sources: torch-fidelity 0.4.0, pytorch-fid 0.3.0, torchmetrics 1.9.0, clean-fid 0.1.35, dgm_eval (arXiv 2306.04675),
transformers 5.23.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

SIDE = 299  # pixels of an Inception network's input
INCEPTION_CONVENTIONS = ("torch-fidelity", "clean-fid", "pytorch-fid", "torchmetrics", "thesis")
TRANSFORMER_CONVENTIONS = ("torch-fidelity", "clean-fid", "dgm_eval", "transformers")
CONVENTIONS = tuple(dict.fromkeys(INCEPTION_CONVENTIONS + TRANSFORMER_CONVENTIONS))


@dataclass(frozen=True)
class Preparation:
    """How a picture becomes the network's input.

    Args:
        convention: one of CONVENTIONS: the way to the network's size and range; each network has some of them.
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


def check_convention(convention: str, conventions: Sequence[str], network: str) -> None:
    """Refuse a convention that a network does not have.

    Raises:
        ValueError: it is none of `conventions`.
    """
    if convention not in conventions:
        raise ValueError(
            f"convention is {convention}, which is none of {network}; expected one of: {', '.join(conventions)}; "
            "choose one of these, or another network"
        )


def network_input(pictures: Tensor, convention: str, *, is_fid: bool) -> Tensor:
    """An Inception network's input [B,3,299,299], about -1..1.

    Args:
        pictures: uint8 [B,H,W,3].
        convention: one of INCEPTION_CONVENTIONS, as in the table above.
        is_fid: whether it is for the FID network ((x - 128) / 128) or torchvision's (-1..1).
    """
    if convention == "thesis":
        convention = "clean-fid" if is_fid else "dgm_eval"  # the latter is PIL's bicubic on 8-bit pictures, too
    x = resized_to(pictures, convention, SIDE)
    if not is_fid or convention == "pytorch-fid":
        return x.div_(127.5).sub_(1)
    return x.sub_(128).div_(128)


def resized_to(pictures: Tensor, convention: str, side: int) -> Tensor:
    """Pictures at a network's size, float32 [B,3,side,side] in 0..255.

    Args:
        pictures: uint8 [B,H,W,3].
        convention: one that squeezes both sides: all but thesis and transformers.
    """
    if convention == "dgm_eval":
        large = torch.stack([_pil_bicubic(picture, side) for picture in pictures.cpu()]).to(pictures.device)
        return large.permute(0, 3, 1, 2).float()
    x = pictures.permute(0, 3, 1, 2).float()  # channels-last in memory, as the networks want it
    if convention == "torch-fidelity":
        return _tensorflow_bilinear(x, side)
    if convention == "pytorch-fid":
        return F.interpolate(x, (side, side), mode="bilinear", align_corners=False)
    if convention == "torchmetrics":
        return F.interpolate(x, (side, side), mode="bilinear", align_corners=False, antialias=True)
    # with antialias, torch's bicubic has PIL's coefficient (a = -0.5) and support
    return F.interpolate(x, (side, side), mode="bicubic", align_corners=False, antialias=True).clamp(0, 255)


def _tensorflow_bilinear(x: Tensor, side: int) -> Tensor:
    """[B,C,H,W] bilinear without half-pixel centres: output pixel i reads input position i * in / out.

    Aligned corners read i * (in - 1) / (out - 1), which is that once either side is one pixel longer.
    """
    longer = F.pad(x, (0, 1, 0, 1), mode="replicate")
    return F.interpolate(longer, (side + 1, side + 1), mode="bilinear", align_corners=True)[..., :side, :side]


def _pil_bicubic(picture: Tensor, side: int) -> Tensor:
    large = Image.fromarray(picture.numpy()).resize((side, side), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(large))

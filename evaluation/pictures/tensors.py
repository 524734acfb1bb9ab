"""ComfyUI's IMAGE, float [B,H,W,C] in 0..1, to uint8 pictures and back: the one place where the pack converts."""

from __future__ import annotations

import numpy as np
import torch


def to_uint8(images: torch.Tensor) -> np.ndarray:
    """uint8 [...,H,W,3] of `images`, cut off as ComfyUI's SaveImage does it: 255 times the value, truncated.

    Args:
        images: [...,H,W,C] of any float type in 0..1 and on any device. Grey (C of 1) gets three equal channels, alpha
            (C of 4) is left out; values outside 0..1 are clipped, and NaN is black.
    """
    levels = 255.0 * images.detach()[..., :3].float().cpu()  # float32 first: half precision holds no 255 * value
    pixels: np.ndarray = levels.nan_to_num_().clamp_(0, 255).to(torch.uint8).numpy()
    return pixels.repeat(3, axis=-1) if pixels.shape[-1] == 1 else pixels  # (..., H, W, 1) -> (..., H, W, 3)


def check_pixels(images: torch.Tensor, what: str = "images") -> None:
    """Refuse what is no IMAGE of numbers, before it is measured, captioned or kept.

    Args:
        images: [B,H,W,C].
        what: the input, for the message.

    Raises:
        ValueError: C is not 1, 3 or 4, or a pixel is not a finite number; the message says in which picture.
    """
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"{what} has the shape {tuple(images.shape)}; expected [pictures, height, width, 1, 3 or 4 channels]; link "
            "an IMAGE"
        )
    broken = [i for i, picture in enumerate(images) if not bool(torch.isfinite(picture).all())]
    if broken:
        names = ", ".join(str(i) for i in broken[:5])
        raise ValueError(
            f"{what} has {len(broken)} pictures with pixels that are not finite numbers (picture {names}, counted from "
            "0); expected 0 to 1; a VAE in half precision makes such: start ComfyUI with --fp32-vae"
        )


def to_image(pictures: np.ndarray) -> torch.Tensor:
    """An IMAGE [B,H,W,3], float32 in 0..1, of uint8 pictures [B,H,W,3] or of one picture [H,W,3]."""
    image = torch.from_numpy(np.divide(pictures, 255, dtype=np.float32, order="C"))
    return image[None] if image.ndim == 3 else image  # (H, W, 3) -> (1, H, W, 3)

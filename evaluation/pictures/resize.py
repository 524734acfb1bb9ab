"""The first reduction of a picture, to the square that training, metrics and small copies take: uint8 in, uint8 out.

One place for its filters and crops, so that all of them agree to the pixel. What a network does to its input afterwards
(Inception's 299x299, a classifier's own preprocessing, a LoRA's bucket) is its own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image

CROPS = ("squash", "centre crop")
MAX_SIDE = 4096  # pixels of small copies; a judgement: far above a classifier's input (the thesis: at most 224)


def resize(picture: np.ndarray, size: int, filter: str = "bicubic", crop: str = "squash") -> np.ndarray:
    """The picture as uint8 [size,size,3].

    Args:
        picture: uint8 [H,W,3].
        size: the side in pixels, 1 to 4096.
        filter: one of FILTERS. `bicubic`, `bilinear` and `lanczos` are PIL's and antialias; `bicubic without
            antialias` is OpenCV's INTER_CUBIC (a = -0.75, half-pixel centres); `area` averages the exact share that
            each source pixel covers. `bilinear` is what the thesis's script ran (it passed OpenCV's constant 2 to
            torchvision), `bicubic` what its text says.
        crop: `squash` ignores the aspect ratio as the thesis did; `centre crop` cuts the largest central square first.

    Raises:
        ValueError: an unknown filter or crop, or a size out of range.
    """
    if filter not in FILTERS:
        raise ValueError(f"filter is {filter!r}; expected one of: {', '.join(FILTERS)}; choose one from the list")
    if crop not in CROPS:
        raise ValueError(f"crop is {crop!r}; expected one of: {', '.join(CROPS)}; choose one from the list")
    if not 1 <= size <= MAX_SIDE:
        raise ValueError(f"size is {size}; expected 1 to {MAX_SIDE} pixels; thesis: 32, 96 or 224")
    if crop == "centre crop":
        picture = _centre_square(picture)
    if picture.shape[:2] == (size, size):
        return picture
    return _FILTERS[filter](picture, size)


def _centre_square(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(picture[top : top + side, left : left + side])


def _pil(resample: Image.Resampling) -> Callable[[np.ndarray, int], np.ndarray]:
    def apply(picture: np.ndarray, size: int) -> np.ndarray:
        return np.asarray(Image.fromarray(picture).resize((size, size), resample))

    return apply


def _cubic_without_antialias(picture: np.ndarray, size: int) -> np.ndarray:
    planes = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float()  # (1, C, H, W)
    small = torch.nn.functional.interpolate(planes, (size, size), mode="bicubic", align_corners=False, antialias=False)
    return small[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy()  # -> (size, size, C)


def _area(picture: np.ndarray, size: int) -> np.ndarray:
    height, width = picture.shape[:2]
    rows, columns = _coverage(height, size), _coverage(width, size)  # (size, H), (size, W)
    small = np.einsum("yh,hwc,xw->yxc", rows, picture.astype(np.float32), columns, optimize=True)
    rounded: np.ndarray = (small + 0.5).clip(0, 255).astype(np.uint8)
    return rounded


def _coverage(source: int, target: int) -> np.ndarray:
    """Weights [target, source]: the share of each target pixel that each source pixel covers; rows sum to 1."""
    edges = np.arange(target + 1, dtype=np.float64) * source / target
    pixels = np.arange(source, dtype=np.float64)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)  # (target, source)
    return (overlap.clip(0) * target / source).astype(np.float32)


_FILTERS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "bicubic": _pil(Image.Resampling.BICUBIC),
    "bilinear": _pil(Image.Resampling.BILINEAR),
    "bicubic without antialias": _cubic_without_antialias,
    "area": _area,
    "lanczos": _pil(Image.Resampling.LANCZOS),
}
FILTERS = tuple(_FILTERS)

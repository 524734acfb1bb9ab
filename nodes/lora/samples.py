"""Pictures that an unfinished LoRA draws: after each epoch the first captions of the folder, from the same noise.

Reads and writes nothing. Latents are kept and become pictures in the end: the VAE has no place beside a training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from PIL import Image

from ...evaluation.pictures.sheets import sheet
from .denoiser import UNetDenoiser
from .examples import Example

STEPS = 20  # of Euler's method; a judgement
GUIDANCE = 7.5  # kohya's default for its samples
SIDE = 128  # pixels of a picture on the sheet


def first_captions(captions: Sequence[str], count: int) -> list[int]:
    """The indices of the first `count` different captions, each where it first stands."""
    first: dict[str, int] = {}
    for index, caption in enumerate(captions):
        first.setdefault(caption, index)
    return list(first.values())[:count]


@dataclass
class Samples:
    """What was drawn so far.

    Args:
        pictures: indices of the training pictures whose captions are drawn.
        blanks: each of them under an empty caption.
        seed: of the noise.
        on_step: called before each step; may raise to stop.
        epochs: those after which was drawn.
        latents: of each of them, one a picture.
    """

    pictures: Sequence[int]
    blanks: Sequence[Example]
    seed: int
    on_step: Callable[[], None]
    epochs: list[int] = field(default_factory=list)
    latents: list[list[torch.Tensor]] = field(default_factory=list)

    def draw(self, denoiser: UNetDenoiser, epoch: int) -> None:
        """Draw every caption, after epoch number `epoch`."""
        row = []
        for picture, blank in zip(self.pictures, self.blanks, strict=True):
            generator = torch.Generator().manual_seed(self.seed + picture)
            row.append(denoiser.draw(picture, blank, generator, STEPS, GUIDANCE, self.on_step))
        self.epochs.append(epoch)
        self.latents.append(row)

    def sheet(self, decode: Callable[[torch.Tensor], np.ndarray], captions: Sequence[str]) -> np.ndarray:
        """A row an epoch, uint8 [H,W,3].

        Args:
            decode: latents [1,C,h,w] -> uint8 [H,W,3].
            captions: one a picture.
        """
        pictures = [decode(latent) for row in self.latents for latent in row]
        lines = [f"epoch {epoch}\n{caption}" for epoch in self.epochs for caption in captions]
        return sheet(pictures, lines, columns=len(self.pictures), side=SIDE)


class Drawing:
    """Samples in the making.

    Attributes:
        looks: the last row as small pictures, for the node while it runs.
    """

    def __init__(self, samples: Samples, denoiser: UNetDenoiser, factors: torch.Tensor | None) -> None:
        self._samples = samples
        self._denoiser = denoiser
        self._factors = factors
        self.looks: list[np.ndarray] = []

    def draw(self, epoch: int) -> None:
        """Draw every caption, after epoch number `epoch`."""
        self._samples.draw(self._denoiser, epoch)
        if self._factors is not None:
            self.looks = [quick_look(latent, self._factors) for latent in self._samples.latents[-1]]


def quick_look(latent: torch.Tensor, factors: torch.Tensor) -> np.ndarray:
    """A latent [1,C,h,w] as a small picture without a VAE, uint8 [h,w,3].

    Args:
        factors: [C,3] or [C + 1,3], red, green and blue of each channel in -1..1, the last row added.
    """
    channels = latent.shape[1]
    planes = latent[0].float().permute(1, 2, 0)  # (h, w, C)
    colours = planes @ factors[:channels] + factors[channels:].sum(0)  # (h, w, 3)
    return ((colours + 1) / 2 * 255).clamp(0, 255).byte().numpy()


def below(curve: np.ndarray, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """The curve with the pictures in a row below it, as wide as it is, uint8 [H,W,3]."""
    if not pictures:
        return curve
    side = min(SIDE, curve.shape[1] // len(pictures))
    strip = np.full((side, curve.shape[1], 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        small = Image.fromarray(picture)
        small = small.resize(_fitted(small.size, side), Image.Resampling.BICUBIC)
        strip[: small.height, number * side : number * side + small.width] = np.asarray(small)
    return np.concatenate([curve, strip])


def _fitted(size: tuple[int, int], side: int) -> tuple[int, int]:
    scale = side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def rgb_factors(model: Any) -> torch.Tensor | None:
    """How ComfyUI sees the channels of a latent as colours, [C + 1,3]; None where it does not say."""
    latent_format = model.model.latent_format
    factors = getattr(latent_format, "latent_rgb_factors", None)
    if factors is None:
        return None
    bias = getattr(latent_format, "latent_rgb_factors_bias", None) or [0.0, 0.0, 0.0]
    return torch.tensor([*factors, bias])

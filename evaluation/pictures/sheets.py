"""Sheets of small pictures with captions, as one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from .labelled_images import LabelledImages
from .resize import resize
from .tensors import to_image

TILE = 96  # pixels of a picture's side
LINE = 13  # pixels from one line of a caption to the next
_FONTS = ("NotoSansCJK-Regular.ttc", "NanumGothic.ttf", "malgun.ttf", "AppleSDGothicNeo.ttc")


def sheet(pictures: Sequence[np.ndarray], captions: Sequence[str], columns: int = 8) -> torch.Tensor:
    """The pictures in rows, each over its caption, as IMAGE [1,H,W,3] float32 in 0..1.

    Args:
        pictures: uint8 [H,W,3] each; shown at 96 pixels a side, small ones with hard pixel edges.
        captions: one a picture; a line break starts a further line.
        columns: pictures in a row.
    """
    if not pictures:
        return torch.ones(1, TILE, TILE, 3)
    lines = max(caption.count("\n") + 1 for caption in captions)
    columns = min(columns, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    step = TILE + lines * LINE + 6
    canvas = Image.new("RGB", (columns * (TILE + 4), rows * step), "white")
    draw = ImageDraw.Draw(canvas)
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        left, top = index % columns * (TILE + 4) + 2, index // columns * step + 2
        canvas.paste(_tile(picture), (left, top))
        for number, line in enumerate(caption.split("\n")):
            text, font = _readable(line)
            draw.text((left, top + TILE + number * LINE), text, fill="black", font=font)
    return to_image(np.asarray(canvas))


def samples(data: LabelledImages, max_pictures: int = 64) -> torch.Tensor:
    """A sheet [1,H,W,3] of the first pictures of each class in turn, `max_pictures` at most."""
    by_class = [np.flatnonzero(data.labels == label) for label in range(len(data.class_names))]
    per_class = max(1, max_pictures // max(1, len(by_class)))
    indices = [int(index) for members in by_class for index in members[:per_class]][:max_pictures]
    captions = [data.class_names[data.labels[index]] for index in indices]
    return sheet([data.read(index) for index in indices], captions, columns=min(16, per_class))


def _tile(picture: np.ndarray) -> Image.Image:
    height, width = picture.shape[:2]
    if max(height, width) * 2 <= TILE:
        times = TILE // max(height, width)
        enlarged = np.repeat(np.repeat(picture, times, axis=0), times, axis=1)
        return Image.fromarray(resize(enlarged, TILE, "bicubic"))
    return Image.fromarray(resize(picture, TILE, "bicubic"))


@lru_cache(maxsize=1)
def _wide_font() -> ImageFont.FreeTypeFont | None:
    for name in _FONTS:
        try:
            return ImageFont.truetype(name, 11)
        except OSError:
            continue
    return None


def _readable(text: str) -> tuple[str, ImageFont.FreeTypeFont | ImageFont.ImageFont]:
    """The text cut to the tile's width, escaped where no font at hand has its characters."""
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont = ImageFont.load_default(11)
    if not text.isascii():
        wide = _wide_font()
        if wide is None or any(ord(character) > 0xFFFF for character in text):
            text = text.encode("ascii", "backslashreplace").decode()
        else:
            font = wide
    while len(text) > 1 and font.getlength(text) > TILE:
        text = text[:-1]
    return text, font

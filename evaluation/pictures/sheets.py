"""Many pictures with captions on one: how contact sheets, samples of a set and mistakes are drawn.

Reads no files but fonts; returns pixels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from ..fonts import caption_font
from .labelled_images import LabelledImages

SIDE = 96  # pixels: eight columns fit a screen
LINE = 14  # pixels a line of a caption takes: letters of 11 and the gap between lines
GAP = 2  # pixels around each cell


def sheet(
    pictures: Iterable[np.ndarray | None],
    captions: Sequence[str],
    columns: int = 8,
    *,
    side: int = SIDE,
    line_height: int = LINE,
) -> np.ndarray:
    """The pictures in rows, each over its caption, as uint8 [H,W,3].

    Args:
        pictures: uint8 [h,w,3] each, one a caption; None is crossed out in red. Small ones show their pixels.
        captions: one a picture; a line break starts a further line; what is too wide is cut. Of none, a white square.
        columns: pictures in a row.
        side: of the square that a picture is fitted into.
        line_height: of a caption's lines; 0 draws none.
    """
    if not captions:  # another program may have taken all pictures meanwhile
        return np.full((side, side, 3), 255, np.uint8)
    lines = max(caption.count("\n") + 1 for caption in captions) if line_height else 0
    across, down = min(columns, len(captions)), -(-len(captions) // columns)
    width, height = side + GAP, side + lines * line_height + GAP
    canvas = Image.new("RGB", (across * width + GAP, down * height + GAP), "white")
    draw = ImageDraw.Draw(canvas)
    for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        row, column = divmod(index, columns)
        left, top = GAP + column * width, GAP + row * height
        if picture is None:
            right, bottom = left + side - 1, top + side - 1
            draw.line([(left, top), (right, bottom)], fill="red", width=2)
            draw.line([(right, top), (left, bottom)], fill="red", width=2)
        else:
            fitted = _fitted(Image.fromarray(picture), side)
            canvas.paste(fitted, (left + (side - fitted.width) // 2, top + (side - fitted.height) // 2))
        for number, line in enumerate(caption.split("\n")[:lines]):
            _write(draw, line, (left + 1, top + side + number * line_height), side - 2, line_height)
    return np.asarray(canvas)


def samples(data: LabelledImages, max_pictures: int) -> np.ndarray:
    """A sheet [H,W,3] uint8 of the first pictures of each class in turn, `max_pictures` at most."""
    by_class = [np.flatnonzero(data.labels == label) for label in range(len(data.class_names))]
    per_class = max(1, max_pictures // max(1, len(by_class)))
    indices = [int(index) for members in by_class for index in members[:per_class]][:max_pictures]
    captions = [data.class_names[data.labels[index]] for index in indices]
    return sheet((data.read(index) for index in indices), captions, columns=min(16, per_class))


def _fitted(picture: Image.Image, side: int) -> Image.Image:
    """As large as the square; enlarged ones with hard edges, so that their pixels show."""
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BICUBIC)


def _write(draw: ImageDraw.ImageDraw, text: str, position: tuple[int, int], width: int, line_height: int) -> None:
    """The text, cut to `width` pixels."""
    font, text = caption_font(text, max(8, line_height - 3))  # smaller letters cannot be read
    while len(text) > 1 and (length := draw.textlength(text, font=font)) > width:
        text = text[: max(1, int(len(text) * width / length) - 1)]
    draw.text(position, text, font=font, fill="black")

"""The finished pictures of a running generation on one sheet, which grows with every batch."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from ...evaluation.pictures.sheets import sheet

MAX_PICTURES = 64  # the newest; as many as the node shows in the end
SIDE = 128  # pixels of each


class GrowingSheet:
    """The newest MAX_PICTURES pictures, kept small."""

    def __init__(self) -> None:
        self._pictures: list[np.ndarray] = []

    def add(self, picture: np.ndarray) -> None:
        """Take a picture (H, W, 3) uint8."""
        small = Image.fromarray(picture)
        small.thumbnail((SIDE, SIDE))
        self._pictures = [*self._pictures[-(MAX_PICTURES - 1) :], np.asarray(small)]

    def picture(self) -> Image.Image | None:
        """All of them in the order in which they came, about as many across as down; None before the first."""
        if not self._pictures:
            return None
        columns = math.ceil(math.sqrt(len(self._pictures)))
        captions = [""] * len(self._pictures)
        return Image.fromarray(sheet(self._pictures, captions, columns, side=SIDE, line_height=0))

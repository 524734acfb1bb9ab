"""A picture of running work, drawn anew now and then, so that drawing takes little of the work's time."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from PIL import Image

SECONDS = 1.0  # between two pictures at least
SHARE = 1 / 30  # of the time goes into drawing at most; a judgement


class LivePicture:
    """When a picture is due, and the picture.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock()

    def draw(self, picture: Callable[[], np.ndarray], *, last: bool = False) -> Image.Image | None:
        """What `picture` draws, uint8 [H,W,3], when it is time for it or the work is done; else None."""
        started = self._clock()
        if started < self._next and not last:
            return None
        drawn = Image.fromarray(picture())
        ended = self._clock()
        self._next = ended + max(SECONDS, (ended - started) / SHARE)
        return drawn

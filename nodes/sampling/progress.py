"""The line under a running node: images done, images a second, time left."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...evaluation.progress import duration


class Throughput:
    """How fast images are made, from its construction on.

    Args:
        total: images to be made.
        clock: seconds, monotonic.
    """

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self._clock = clock
        self._start = clock()

    def line(self, finished: float) -> str:
        """For `finished` images (parts of one count): "12 of 400 images, 3.1 images/s, 2 min 5 s left"."""
        seconds = self._clock() - self._start
        text = f"{int(finished):,} of {self.total:,} images"
        if finished <= 0 or seconds <= 0:
            return text
        rate = finished / seconds
        speed = f"{rate:.1f} images/s" if rate >= 1 else f"{1 / rate:.1f} s an image"
        return f"{text}, {speed}, {duration((self.total - finished) / rate)} left"

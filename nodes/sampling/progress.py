"""The line under a running node: images done, images a second, time left."""

from __future__ import annotations

import time
from collections.abc import Callable


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


def duration(seconds: float) -> str:
    """ "45 s", "2 min 5 s", "3 h 12 min", "2 d 4 h"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"

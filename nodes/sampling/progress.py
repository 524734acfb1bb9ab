"""The line under a running node: images done, images a second, time left."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pace:
    """How fast a run goes, from its start on.

    Args:
        total: images to make in this run.
        clock: seconds, monotonic.
    """

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self._clock = clock
        self._began = clock()

    def seconds(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._began

    def line(self, done: float) -> str:
        """For `done` images (parts of one count): "12 of 400 images, 3.1 images/s, 2 min 5 s left"."""
        seconds = self.seconds()
        text = f"{int(done):,} of {self.total:,} images"
        if done <= 0 or seconds <= 0:
            return text
        rate = done / seconds
        speed = f"{rate:.1f} images/s" if rate >= 1 else f"{1 / rate:.1f} s an image"
        return f"{text}, {speed}, {duration((self.total - done) / rate)} left"


def duration(seconds: float) -> str:
    """ "45 s", "2 min 5 s", "3 h 12 min", "2 d 4 h"."""
    left = max(0, round(seconds))
    if left < 60:
        return f"{left} s"
    if left < 3600:
        return f"{left // 60} min {left % 60} s"
    if left < 86400:
        return f"{left // 3600} h {left % 3600 // 60} min"
    return f"{left // 86400} d {left % 86400 // 3600} h"

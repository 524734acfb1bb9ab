"""How a sweep or a farm goes: lines for people, or with --json an object a line for programs."""

from __future__ import annotations

import json
import sys
import threading
import time

from evaluation.progress import duration


class Console:
    """Where lines go, from any thread.

    Args:
        as_json: each line an object on stdout: its `event`, the text as `text`, and facts by name.
    """

    def __init__(self, as_json: bool = False) -> None:
        self._as_json, self._lock = as_json, threading.Lock()

    def say(self, text: str, event: str = "note", **facts: object) -> None:
        """A line on how it goes."""
        self._write(text, event, facts, is_trouble=False)

    def warn(self, text: str, event: str = "warning", **facts: object) -> None:
        """A line on what went wrong."""
        self._write(text, event, facts, is_trouble=True)

    def _write(self, text: str, event: str, facts: dict[str, object], is_trouble: bool) -> None:
        with self._lock:
            if self._as_json:
                line = {"event": event, "time": round(time.time(), 3), **facts, "text": text}
                print(json.dumps(line, ensure_ascii=True), flush=True)
            else:
                print(text, file=sys.stderr if is_trouble else sys.stdout, flush=True)


class Clock:
    """Time left and pictures a second, from what was done so far."""

    def __init__(self) -> None:
        self.start, self.weight, self.images = time.monotonic(), 0.0, 0

    def add(self, weight: float, images: int = 0) -> None:
        """Count a row of that weight and so many pictures as done."""
        self.weight += weight
        self.images += images

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.start

    def seconds_left(self, weight: float) -> float | None:
        """For rows of that weight in all; None while nothing is done by which it could be told."""
        return self.elapsed / self.weight * weight if self.weight else None

    def left(self, weight: float) -> str:
        """Elapsed time, time left for rows of that weight in all, and pictures a second."""
        text = f"{duration(self.elapsed)} so far"
        seconds_left = self.seconds_left(weight)
        if weight and seconds_left is not None:
            text += f", about {duration(seconds_left)} left"
        return text + (f", {self.images / self.elapsed:.3g} images/s" if self.images else "")

"""Work on every picture of a set, or batch of them, in threads; what `progress` raises stops it within a task."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

AHEAD = 128  # tasks in flight: bounds the memory that decoded pictures take
PATIENCE = 0.1  # seconds without a result until progress is called again


def in_threads(
    work: Callable[[int], T],
    count: int,
    progress: Callable[[int, int], None] | None = None,
    at_once: int = 1,
    workers: int | None = None,
) -> Iterator[T]:
    """work(0), work(1), ... work(count - 1), in order.

    Args:
        progress: called with (done, count) from the calling thread, after each task and while it waits for one.
        at_once: pictures in one task; more where the work on one is shorter than handing it to a thread.
        workers: threads; None takes one a core, at most 8.
    """
    stopped = threading.Event()

    def task(start: int) -> list[T]:
        return [work(place) for place in range(start, min(start + at_once, count)) if not stopped.is_set()]

    starts = iter(range(0, count, at_once))
    pool = ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1))
    try:
        waiting = deque(pool.submit(task, start) for start in islice(starts, AHEAD))
        done = 0
        while waiting:
            while not wait([waiting[0]], PATIENCE).done:
                if progress is not None:
                    progress(done, count)
            found = waiting.popleft().result()
            waiting.extend(pool.submit(task, start) for start in islice(starts, 1))
            yield from found
            done += len(found)
            if progress is not None:
                progress(done, count)
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)

"""Work on every picture of a set, or batch of them, in threads; what `progress` raises stops it within a task."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

from ..progress import Progress

T = TypeVar("T")

MAX_IN_FLIGHT = 128  # tasks: bounds the memory that decoded pictures take
PROGRESS_INTERVAL = 0.1  # seconds without a result until progress is called again


def in_threads(
    work: Callable[[int], T],
    count: int,
    progress: Progress | None = None,
    per_task: int = 1,
    workers: int | None = None,
) -> Iterator[T]:
    """work(0), work(1), ... work(count - 1), in order.

    Args:
        progress: called with (finished, count) from the calling thread, after each task and while it waits for one.
        per_task: pictures in one task; more where the work on one is shorter than handing it to a thread.
        workers: threads; None takes one a core, at most 8.
    """
    stopped = threading.Event()

    def task(start: int) -> list[T]:
        return [work(index) for index in range(start, min(start + per_task, count)) if not stopped.is_set()]

    starts = iter(range(0, count, per_task))
    pool = ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1))
    try:
        in_flight = deque(pool.submit(task, start) for start in islice(starts, MAX_IN_FLIGHT))
        finished = 0
        while in_flight:
            while not wait([in_flight[0]], PROGRESS_INTERVAL).done:
                if progress is not None:
                    progress(finished, count)
            results = in_flight.popleft().result()
            in_flight.extend(pool.submit(task, start) for start in islice(starts, 1))
            yield from results
            finished += len(results)
            if progress is not None:
                progress(finished, count)
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)

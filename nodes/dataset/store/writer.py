"""Pictures written behind the sampler's back: a bounded queue, a few threads, errors raised where the caller is.

Reads and writes nothing itself; the store does. numpy, zlib and hashing let other threads run, so two threads on two
cores write twice as fast as one, and the sampler goes on meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from types import TracebackType

import numpy as np

from ...prompts.item import Item
from .writable_store import WritableStore

logger = logging.getLogger("hyponet")

_WAIT = 0.05  # seconds between two looks at a thread that has a picture left to write


class BackgroundWriter:
    """Adds what is `put` to `store`. Leaving the context waits until all of it is on the disk, also after an interrupt.

    Args:
        store: open for writing; not closed here.
        queue_size: pictures that may wait; `put` blocks when that many do, so that memory stays bounded.
        threads: 0 takes one for each core, four at most.
    """

    def __init__(self, store: WritableStore, queue_size: int = 16, threads: int = 0) -> None:
        self._store = store
        self._queue: queue.Queue[tuple[Item, np.ndarray] | None] = queue.Queue(max(1, queue_size))
        self._error: BaseException | None = None
        count = threads or min(4, os.cpu_count() or 1)
        self._threads = [threading.Thread(target=self._work, name=f"hyponet writer {n}") for n in range(count)]
        for thread in self._threads:
            thread.start()

    def put(self, item: Item, image: np.ndarray) -> None:
        """Queue one picture, [H, W, 3] uint8; the caller must not change it afterwards.

        Raises:
            Exception: what went wrong with an earlier picture, such as OSError of a full disk.
        """
        self._raise()
        self._queue.put((item, image))

    def close(self) -> None:
        """Wait for all that was put, also through a Ctrl-C; then raise what went wrong, if anything did."""
        try:
            self._drain()
        except BaseException:  # pressed while it waited; a second one ends the waiting
            self._drain()
            raise
        self._raise()

    def __enter__(self) -> BackgroundWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except Exception as late:
            if error is None:
                raise
            if late is not error:
                logger.error("writing failed as well: %s", late)

    def _drain(self) -> None:
        for thread in self._threads:
            while thread.is_alive():
                with contextlib.suppress(queue.Full):  # the end of the queue, for whichever thread comes to it
                    self._queue.put(None, timeout=_WAIT)
                thread.join(_WAIT)

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (entry := self._queue.get()) is not None:
            if self._error is not None:
                continue  # empty the queue, so that nobody waits for ever; what is dropped counts as missing
            try:
                self._store.add(*entry)
            except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
                self._error = error

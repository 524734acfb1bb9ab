"""Cutting a run into batches: by length of the encoded prompts, and smaller when memory runs out.

Reads nothing and writes nothing.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from ..prompts.item import Item
from ..prompts.plan import Plan
from .conditioning import MAX_REPEAT

T = TypeVar("T")
R = TypeVar("R")

logger = logging.getLogger("hyponet")


def batch_count(plan: Plan, size: int) -> int:
    """How many batches of `size` the plan's shard has."""
    return -(-len(plan) // size)


def plan_batch(plan: Plan, number: int, size: int) -> tuple[Item, ...]:
    """The items of batch `number`, counted from 0.

    Raises:
        ValueError: the plan has fewer batches.
    """
    if number >= batch_count(plan, size):
        raise ValueError(
            f"batch_number is {number}; expected 0 to {batch_count(plan, size) - 1}: the plan has {len(plan):,} images "
            f"in batches of {size}; all of them were asked for, or the batch size was changed on the way"
        )
    return tuple(plan.item(*key) for key in islice(plan.schedule(), number * size, (number + 1) * size))


def group_lengths(lengths: Sequence[tuple[int, ...]], size: int, max_repeat: int = MAX_REPEAT) -> list[list[int]]:
    """Indexes into `lengths` in batches of at most `size` whose members can be brought to common lengths.

    Args:
        lengths: tokens of each image's conditionings (positive, negative, ...), one tuple an image.
        size: most images in a batch.
        max_repeat: most times that a conditioning may be repeated; 1 puts only equal lengths together.
    """
    groups: list[list[int]] = []
    for index, length in enumerate(lengths):
        for group in groups:
            if len(group) < size and _fits([lengths[i] for i in group] + [length], max_repeat):
                group.append(index)
                break
        else:
            groups.append([index])
    return groups


def _fits(lengths: Sequence[tuple[int, ...]], max_repeat: int) -> bool:
    return all(math.lcm(*column) // min(column) <= max_repeat for column in zip(*lengths, strict=True))


def small_batches_text(images: int, batches: int, size: int, reasons: Collection[str]) -> str:
    """What a user is told when images took more batches than they would have, all else alike; "" for nothing.

    Args:
        size: images that a batch could have had, for all that memory allowed.
        reasons: why some could not share one.
    """
    least = -(-images // size)
    if not reasons or batches <= least:
        return ""
    return (
        f"{images:,} images took {batches:,} batches where {least:,} of {size} would do; that costs time and "
        f"changes no picture: {'; '.join(sorted(reasons))}"
    )


class BatchLimit:
    """The batch size that memory allows: starts at what the user asked for, is halved and never grows.

    Args:
        size: images at once at most.
        out_of_memory: says of an exception whether a smaller batch may help.
        release_memory: frees what the failed batch held; called after its exception is gone, since that refers to it.
    """

    def __init__(
        self, size: int, out_of_memory: Callable[[BaseException], bool], release_memory: Callable[[], None]
    ) -> None:
        self.size = size
        self._out_of_memory = out_of_memory
        self._release_memory = release_memory

    def map(self, work: Callable[[Sequence[T]], R], values: Sequence[T]) -> Iterator[tuple[Sequence[T], R]]:
        """`work` over `values` in batches of at most `size`; a batch that does not fit is halved and made again.

        Raises:
            Exception: what `work` raised, unless it was out of memory with more than one value.
        """
        start = 0
        while start < len(values):
            batch = values[start : start + self.size]
            try:
                result = work(batch)
            except (RuntimeError, MemoryError) as error:
                if len(batch) == 1 or not self._out_of_memory(error):
                    raise
            else:
                yield batch, result
                start += len(batch)
                continue
            self._release_memory()
            self.size = len(batch) // 2
            logger.warning("out of memory with %d images at once; continuing with %d", len(batch), self.size)

"""Cutting a run into batches: by length of the encoded prompts, and smaller when memory runs out.

Reads nothing and writes nothing.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from ..prompts.item import Item
from ..prompts.plan import Plan

T = TypeVar("T")
R = TypeVar("R")

LONGEST_REPEAT = 4  # repeating a conditioning more often than this costs more than a second batch

_log = logging.getLogger("hyponet")


def chunks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """`values` in lists of `size`, the last one shorter."""
    source = iter(values)
    while chunk := list(islice(source, size)):
        yield chunk


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


def group_lengths(lengths: Sequence[tuple[int, ...]], size: int, longest: int = LONGEST_REPEAT) -> list[list[int]]:
    """Indexes into `lengths` in batches of at most `size` whose members can be brought to common lengths.

    Args:
        lengths: tokens of each image's conditionings (positive, negative, ...), one tuple an image.
        size: most images in a batch.
        longest: most times that a conditioning may be repeated; 1 puts only equal lengths together.
    """
    groups: list[list[int]] = []
    for index, length in enumerate(lengths):
        for group in groups:
            if len(group) < size and _fits([lengths[i] for i in group] + [length], longest):
                group.append(index)
                break
        else:
            groups.append([index])
    return groups


def _fits(lengths: Sequence[tuple[int, ...]], longest: int) -> bool:
    return all(math.lcm(*column) // min(column) <= longest for column in zip(*lengths, strict=True))


class BatchLimit:
    """The batch size that memory allows: starts at what the user asked for, is halved and never grows."""

    def __init__(self, size: int) -> None:
        self.size = size

    def run(
        self,
        values: Sequence[T],
        work: Callable[[Sequence[T]], R],
        out_of_memory: Callable[[BaseException], bool],
        recover: Callable[[], None],
    ) -> Iterator[tuple[Sequence[T], R]]:
        """`work` over `values` in batches of at most `size`; a batch that does not fit is halved and made again.

        Args:
            out_of_memory: says of an exception whether a smaller batch may help.
            recover: frees what the failed batch held; called after its exception is gone, since that refers to it.

        Raises:
            Exception: what `work` raised, unless it was out of memory with more than one value.
        """
        start = 0
        while start < len(values):
            part = values[start : start + self.size]
            try:
                result = work(part)
            except (RuntimeError, MemoryError) as error:
                if len(part) == 1 or not out_of_memory(error):
                    raise
            else:
                yield part, result
                start += len(part)
                continue
            recover()
            self.size = len(part) // 2
            _log.warning("out of memory with %d images at once; going on with %d", len(part), self.size)

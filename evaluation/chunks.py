"""Any values in lists of a fixed size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def chunks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """`values` in lists of `size`, the last one shorter. (itertools.batched came with Python 3.12.)"""
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk

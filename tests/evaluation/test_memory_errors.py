"""Errors of too little memory are told from others, whichever class they have."""

from __future__ import annotations

import pytest
import torch

from hyponet.evaluation.memory_errors import is_out_of_memory


def test_the_allocator_of_the_cpu_says_that_memory_is_out():
    """An exbibyte, which no machine has: torch raises a plain RuntimeError there."""
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(raised.value)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 18.00 GiB)"), True),
        (RuntimeError("PytorchStreamReader failed reading zip archive"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_each_error_says(error: BaseException, expected: bool):
    assert is_out_of_memory(error) == expected

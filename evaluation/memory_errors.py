"""Which errors say that the memory of a device or of the machine does not suffice; nothing is wrong with what was read.

Reads and writes nothing.
"""

from __future__ import annotations

import torch

# torch's allocator of the CPU, and devices without an error of their own, raise a plain RuntimeError
_WORDS = ("out of memory", "can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it would not have come with more memory, or with less to hold at once."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)

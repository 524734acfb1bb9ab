"""glibc's allocator and the blocks that a training step frees: a fifth of a small step's time on a CPU.

A step of ResNet-18 frees 45 MB of gradients, in blocks of up to 9 MB. glibc gives blocks of this size back to the
system and the kernel faults each page in again in the next step. How large a block it keeps grows by itself: to the
largest block that it has seen freed (mallopt(3), M_MMAP_THRESHOLD), of those of up to 32 MiB; what it leaves
untrimmed grows to twice that. One block of 31 MiB, freed before the first step, so makes it keep all of them.
benchmarks/training.py compares with a loop that does the same.
"""

from __future__ import annotations

import torch

MAX_COUNTED = 31 << 20  # bytes: just under the 32 MiB beyond which glibc learns nothing from a block


def keep_freed_memory() -> None:
    """Have glibc keep what a step frees. Elsewhere this does nothing."""
    torch.empty(MAX_COUNTED, dtype=torch.uint8)

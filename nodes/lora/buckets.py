"""Aspect buckets: training sizes of about one area and different shapes, so that no picture is squashed.

Source: the aspect-ratio bucketing that kohya's trainer and NovelAI describe (Table 5-5 of the thesis: 256 to 2048).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch

STEP = 64  # pixels; 8 of the VAE times 8 of the UNet's halvings, as kohya's default


@dataclass(frozen=True)
class Fit:
    """How a picture is brought to its bucket: resized to `resized`, then cut at (left, top) to `size`; all (w, h)."""

    size: tuple[int, int]
    resized: tuple[int, int]
    left: int
    top: int


def bucket_sizes(resolution: int, smallest: int, largest: int) -> list[tuple[int, int]]:
    """Every (width, height) in steps of 64 whose area is at most resolution squared and as large as its width allows.

    Args:
        resolution: side of the square bucket, in pixels.
        smallest, largest: limits of both sides.

    Raises:
        ValueError: no size fits.
    """
    low, high = math.ceil(smallest / STEP) * STEP, largest // STEP * STEP
    sizes = set()
    for width in range(low, high + 1, STEP):
        height = min(high, resolution * resolution // width // STEP * STEP)
        if height >= low:
            sizes |= {(width, height), (height, width)}
    square = resolution // STEP * STEP
    if low <= square <= high:
        sizes.add((square, square))
    if not sizes:
        raise ValueError(
            f"resolution is {resolution}, min_bucket {smallest} and max_bucket {largest}; expected limits that leave a "
            f"size in steps of {STEP}; lower min_bucket to {square or STEP} or raise resolution"
        )
    return sorted(sizes)


def fit(width: int, height: int, sizes: Sequence[tuple[int, int]]) -> Fit:
    """The bucket whose shape is nearest to the picture's (in log ratio; of two, the larger), and the way there."""
    aspect = math.log(width / height)
    size = min(sizes, key=lambda s: (round(abs(math.log(s[0] / s[1]) - aspect), 9), -s[0] * s[1], s))
    scale = max(size[0] / width, size[1] / height)
    resized = (max(size[0], round(width * scale)), max(size[1], round(height * scale)))
    return Fit(size, resized, (resized[0] - size[0]) // 2, (resized[1] - size[1]) // 2)


def epoch_batches(
    sizes: Sequence[tuple[int, int]], batch_size: int, generator: torch.Generator
) -> list[tuple[int, ...]]:
    """One epoch: every picture once, in batches of one size, shuffled within the sizes and the batches among them.

    Args:
        sizes: each picture's bucket.
        batch_size: pictures a batch; the last of a bucket may be smaller.
        generator: of the order.
    """
    batches: list[tuple[int, ...]] = []
    for bucket in sorted(set(sizes)):
        members = [i for i, size in enumerate(sizes) if size == bucket]
        shuffled = [members[k] for k in torch.randperm(len(members), generator=generator).tolist()]
        batches += [tuple(shuffled[k : k + batch_size]) for k in range(0, len(shuffled), batch_size)]
    return [batches[k] for k in torch.randperm(len(batches), generator=generator).tolist()]


def steps_per_epoch(sizes: Sequence[tuple[int, int]], batch_size: int) -> int:
    """The number of batches of one epoch."""
    return sum(math.ceil(count / batch_size) for count in Counter(sizes).values())

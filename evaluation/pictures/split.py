"""A set divided in two by class and seed; equal pictures stay together, so that no part holds what the other has."""

from __future__ import annotations

import math

import numpy as np

from ..progress import Progress
from .draws import shuffled_members
from .labelled_images import LabelledImages


def split(
    data: LabelledImages, share: float, seed: int, progress: Progress | None = None
) -> tuple[LabelledImages, LabelledImages]:
    """Two parts: `share` of each class (rounded, a half up; drawn by `seed`), and the rest; both in the set's order.

    Raises:
        ValueError: a part would be empty.
    """
    chosen, remaining = split_indices(data, share, seed, progress)
    return data.select(chosen), data.select(remaining)


def split_indices(
    data: LabelledImages, share: float, seed: int, progress: Progress | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The indices, rising, of the pictures of split()'s two parts; for what reads the set as a whole.

    Pictures that are equal pixel by pixel go where the first of them drawn goes, whatever their class; a class's part
    can then be a few pictures larger than its share.

    Args:
        progress: of decoding the pictures, called with (done, total); what it raises stops the work.
    """
    _, groups = np.unique(data.pixel_digests(progress), return_inverse=True)  # (N,): number of each picture's equals
    members_of = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1])
    chosen, placed = np.zeros(len(data), dtype=bool), np.zeros(len(data), dtype=bool)
    for label in range(len(data.class_names)):
        members = shuffled_members(data, label, seed)
        count = share_of(len(members), share)
        has = int(chosen[members].sum())
        for index in members:
            if placed[index]:
                continue
            equals = members_of[groups[index]]
            placed[equals] = True
            if has < count:
                chosen[equals] = True
                has += int((data.labels[equals] == label).sum())
    if chosen.all() or not chosen.any():
        raise ValueError(
            f"share is {share:g}, which leaves one part of the {len(data)} pictures empty; expected a share that gives "
            "each part a picture; change it or load more"
        )
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def share_of(count: int, share: float) -> int:
    """`share` of `count` pictures as a whole number; a half is rounded up, so that a tenth of five is one."""
    return math.floor(round(share * count, 9) + 0.5)  # 0.29 of 50 is 14.5, and as a float a little less

"""Some pictures of each class: drawn by a seed, or the first ones.

Reads and writes nothing: a draw is of numbers, which the seed and the class's name decide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from .labelled_images import LabelledImages


def limited(data: LabelledImages, per_class: int, seed: int) -> LabelledImages:
    """At most `per_class` pictures of each class, drawn by `seed`, in the set's order; 0 means all.

    The draw for n is a subset of the draw for n + 1, so that growing limits compare.
    """
    return data.select(draw_indices(data, per_class, seed)) if per_class > 0 else data


def draw_indices(data: LabelledImages, per_class: int, seed: int, excluded: Sequence[int] = ()) -> np.ndarray:
    """The indices, rising, of the pictures that `limited` takes; for those of `excluded`, the next of the draw."""
    limit = per_class if per_class > 0 else None
    orders = [shuffled_members(data, label, seed) for label in range(len(data.class_names))]
    return np.sort(np.concatenate([order[~np.isin(order, excluded)][:limit] for order in orders]))


def take(data: LabelledImages, per_class: int, seed: int | None) -> LabelledImages | None:
    """`per_class` pictures of each class: the first (seed None; Table 5-10 of the thesis) or drawn by `seed`.

    Returns: None for 0, everything for a negative number.

    Raises:
        ValueError: a class has fewer.
    """
    if per_class == 0:
        return None
    if per_class < 0:
        return data
    short = {name: count for name, count in data.counts().items() if count < per_class}
    if short:
        counts = ", ".join(f"{name} {count}" for name, count in short.items())
        raise ValueError(f"{data.name} has too few pictures ({counts}); expected {per_class} a class; ask for fewer")
    if seed is not None:
        return limited(data, per_class, seed)
    chosen = [np.flatnonzero(data.labels == label)[:per_class] for label in range(len(data.class_names))]
    return data.select(np.sort(np.concatenate(chosen)))


def shuffled_members(data: LabelledImages, label: int, seed: int) -> np.ndarray:
    """The indices of a class's pictures in the order of the draw, which only the seed and the class's name decide."""
    key = hashlib.blake2b(f"{seed}\n{data.class_names[label]}".encode("utf-8", "surrogatepass"), digest_size=8)
    members = np.flatnonzero(data.labels == label)
    return np.random.default_rng(int.from_bytes(key.digest(), "little")).permutation(members)

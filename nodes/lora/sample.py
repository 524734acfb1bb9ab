"""Which pictures of a labelled set the LoRA is trained on: n of each class, drawn by a seed.

Reads labels; writes nothing. Table 5-5 of the thesis: 40 random pictures of each of CIFAR-10 train's ten classes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np


def sample_each_class(labels: np.ndarray, class_names: Sequence[str], per_class: int, seed: int) -> list[int]:
    """The indices of `per_class` pictures of each class, class after class.

    A class's draw depends on its name and the seed alone, so that adding a class leaves the others as they were;
    the draw for n begins with the draw for n - 1.

    Args:
        labels: int64 [N], each the index of its class in `class_names`.
        class_names: every class of the set.
        per_class: pictures of each class.
        seed: of the draw.

    Raises:
        ValueError: a class has fewer than `per_class` pictures; the message names each.
    """
    sample: list[int] = []
    too_small: list[str] = []
    for class_index, name in enumerate(class_names):
        members = np.flatnonzero(labels == class_index)
        if len(members) < per_class:
            too_small.append(f"{name} {len(members)}")
            continue
        key = hashlib.blake2b(f"lora {seed} {name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        order = np.random.default_rng(int.from_bytes(key, "big")).permutation(members)
        sample.extend(int(index) for index in order[:per_class])
    if too_small:
        raise ValueError(
            f"per_class is {per_class}; expected at most the pictures a class has ({', '.join(too_small)}); "
            "lower it or load more pictures"
        )
    return sample

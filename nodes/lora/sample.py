"""Which pictures of a labelled set the LoRA is trained on: n of each class, drawn by a seed.

Reads labels; writes nothing. Table 5-5 of the thesis: 40 random pictures of each of CIFAR-10 train's ten classes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np


def sample_each_class(labels: np.ndarray, class_names: Sequence[str], per_class: int, seed: int) -> list[int]:
    """The places of `per_class` pictures of each class, class after class.

    A class's draw depends on its name and the seed alone, so that adding a class leaves the others as they were;
    the draw for n begins with the draw for n - 1.

    Args:
        labels: int64 [N], each the place of its class in `class_names`.
        class_names: every class of the set.
        per_class: pictures of each class.
        seed: of the draw.

    Raises:
        ValueError: a class has fewer than `per_class` pictures; the message names each.
    """
    chosen: list[int] = []
    short: list[str] = []
    for number, name in enumerate(class_names):
        places = np.flatnonzero(labels == number)
        if len(places) < per_class:
            short.append(f"{name} {len(places)}")
            continue
        key = hashlib.blake2b(f"lora {seed} {name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        order = np.random.default_rng(int.from_bytes(key, "big")).permutation(places)
        chosen.extend(int(place) for place in order[:per_class])
    if short:
        raise ValueError(
            f"per_class is {per_class}; expected at most the pictures a class has ({', '.join(short)}); "
            "lower it or load more pictures"
        )
    return chosen

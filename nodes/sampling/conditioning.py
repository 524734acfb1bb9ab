"""One conditioning out of many, so that different prompts are sampled as one batch.

Reads and writes ComfyUI's conditionings: [[tokens: [1,T,D] float, {"pooled_output": [1,P] float, ...}]].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

Conditioning = list[list[Any]]

# of one value for a whole batch; they can stand in a batch if they are equal
_EQUAL = {"width", "height", "crop_w", "crop_h", "target_width", "target_height", "aesthetic_score"}


def can_merge(conditioning: Conditioning) -> bool:
    """Whether it is one plain encoded text: no area, mask, hooks, control, time range, no second entry."""
    if len(conditioning) != 1:
        return False
    tokens, extras = conditioning[0]
    if not isinstance(tokens, torch.Tensor) or tokens.ndim != 3 or tokens.shape[0] != 1:
        return False
    return set(extras) <= {"pooled_output", *_EQUAL}


def token_count(conditioning: Conditioning) -> int:
    """How many tokens long its first entry is."""
    return int(conditioning[0][0].shape[1])


def merge(conditionings: Sequence[Conditioning]) -> Conditioning:
    """One conditioning whose batch holds `conditionings` in order.

    Unequal lengths are repeated along the tokens to their least common multiple: attention over a repeated text gives
    each copy its share, so a plain cross-attention returns what it did before.

    Raises:
        ValueError: one of them cannot be merged, or their size values differ.
    """
    if len(conditionings) == 1:
        return conditionings[0]
    if not all(can_merge(each) for each in conditionings):
        raise ValueError("a conditioning has areas, masks, hooks or several entries; expected plain encoded texts")
    extras = [each[0][1] for each in conditionings]
    length = math.lcm(*(token_count(each) for each in conditionings))
    tokens = torch.cat([each[0][0].repeat(1, length // token_count(each), 1) for each in conditionings])
    merged = {key: extras[0][key] for key in extras[0] if key in _EQUAL}
    if any({key: each[key] for key in each if key in _EQUAL} != merged for each in extras):
        raise ValueError("conditionings differ in their size values; expected equal ones; encode them with one size")
    pooled = [each.get("pooled_output") for each in extras]
    if any(each is None for each in pooled) and any(each is not None for each in pooled):
        raise ValueError("some conditionings have a pooled output and some have none; encode them with one CLIP")
    merged["pooled_output"] = None if pooled[0] is None else torch.cat(pooled)
    return [[tokens, merged]]  # tokens: (B, T, D)

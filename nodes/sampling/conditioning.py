"""One conditioning out of many, so that different prompts are sampled as one batch.

Reads and writes ComfyUI's conditionings: [[tokens: [1,T,D] float, {"pooled_output": [1,P] float, ...}]].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

Conditioning = list[list[Any]]

MAX_REPEAT = 4  # repeating a conditioning more often than this costs more than a second batch

# what SDXL is told of the picture's size: one value for a whole batch, so members of a batch must agree on it
_SIZE_KEYS = {"width", "height", "crop_w", "crop_h", "target_width", "target_height", "aesthetic_score"}


def can_merge(conditioning: Conditioning) -> bool:
    """Whether it is one plain encoded text: no area, mask, hooks, control, time range, no second entry."""
    return not _obstacle(conditioning)


def token_count(conditioning: Conditioning) -> int:
    """How many tokens long its first entry is."""
    return int(conditioning[0][0].shape[1])


def repeat_to_common_length(tokens: Sequence[torch.Tensor]) -> torch.Tensor:
    """Encoded texts, each (1, T_i, D), as one batch (B, T, D): T is the least common multiple of all T_i.

    Each text is repeated whole along its tokens. Attention over a repeated text gives each copy its share, so a plain
    cross-attention returns what it did before; padding would not.
    """
    length = math.lcm(*(text.shape[1] for text in tokens))
    return torch.cat([text.repeat(1, length // text.shape[1], 1) for text in tokens])  # (B, T, D)


def merge(conditionings: Sequence[Conditioning]) -> Conditioning:
    """One conditioning whose batch holds `conditionings` in order, brought to one length.

    Raises:
        ValueError: one of them cannot be merged, their size values differ, or their lengths have no common multiple
            within MAX_REPEAT times the shortest.
    """
    if len(conditionings) == 1:
        return conditionings[0]
    for conditioning in conditionings:
        if obstacle := _obstacle(conditioning):
            raise ValueError(
                f"a conditioning has {obstacle}; expected plain encoded texts, which can share a batch; use a batch "
                "size of 1"
            )
    lengths = sorted({token_count(conditioning) for conditioning in conditionings})
    common = math.lcm(*lengths)
    if common > MAX_REPEAT * lengths[0]:
        raise ValueError(
            f"the prompts of this batch have {', '.join(map(str, lengths))} tokens, {common:,} at one length "
            f"for all; expected at most {MAX_REPEAT} times the shortest; use a batch size of 1"
        )
    tokens = repeat_to_common_length([conditioning[0][0] for conditioning in conditionings])  # (B, T, D)
    extras = [conditioning[0][1] for conditioning in conditionings]
    sizes = [{key: value for key, value in values.items() if key in _SIZE_KEYS} for values in extras]
    if any(size != sizes[0] for size in sizes):
        raise ValueError("conditionings differ in their size values; expected equal ones; encode them with one size")
    pooled = [values.get("pooled_output") for values in extras]
    if len({vector is None for vector in pooled}) > 1:
        raise ValueError("some conditionings have a pooled output and some have none; encode them with one CLIP")
    batch_pooled = None if pooled[0] is None else torch.cat(pooled)  # (B, P)
    return [[tokens, {**sizes[0], "pooled_output": batch_pooled}]]


def _obstacle(conditioning: Conditioning) -> str:
    """What keeps it out of a batch, as a user may know it; "" for one plain encoded text."""
    if len(conditioning) != 1:
        return f"several entries ({len(conditioning)})"
    tokens, extras = conditioning[0]
    if not isinstance(tokens, torch.Tensor) or tokens.ndim != 3 or tokens.shape[0] != 1:
        return "tokens that are not of one text"
    return ", ".join(sorted(set(extras) - {"pooled_output", *_SIZE_KEYS}))

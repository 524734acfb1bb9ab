"""Conditionings of several images, so that different prompts are sampled as one batch.

Reads and writes ComfyUI's conditionings: [[tokens: [1,T,D] float, {"pooled_output": [1,P] float, ...}]].
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch

Conditioning = list[list[Any]]

MAX_REPEAT = 4  # repeating a conditioning more often than this costs more than a second batch
ITEMS = "hyponet_items"  # what each image of a batch is told of its own, see `as_batch`

_ZEROED = {"pooled_output", "conditioning_lyrics", "conditioning_scale"}
_TEXT_KEYS = {
    "pooled_output",
    "attention_mask",
    "conditioning_byt5small",
}  # belongs to its own tokens


def obstacle(conditioning: Conditioning) -> str:
    """What keeps it out of a batch, as a user may know it; "" for one encoded text."""
    if len(conditioning) != 1:
        return f"several entries ({len(conditioning)})"
    tokens = conditioning[0][0]
    if not isinstance(tokens, torch.Tensor) or tokens.ndim != 3 or tokens.shape[0] != 1:
        return "tokens that are not of one text"
    return ""


def token_count(conditioning: Conditioning) -> int:
    """How many tokens long its first entry is."""
    return int(conditioning[0][0].shape[1])


def byte_size(value: Any) -> int:
    """Bytes that the tensors in a conditioning, or in a part of one, take in memory."""
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return sum(map(byte_size, parts))


def shape(conditioning: Conditioning) -> Hashable:
    """What has to be equal in a batch, but for the number of tokens: shapes of tensors, and all other values."""
    return tuple((tokens.shape[::2], _shape(extras)) for tokens, extras in conditioning)


def _shape(value: Any) -> Hashable:
    if isinstance(value, torch.Tensor):
        return tuple(value.shape)
    if isinstance(value, Mapping):
        return tuple((key, _shape(value[key])) for key in sorted(value))
    if isinstance(value, (list, tuple)):
        return tuple(map(_shape, value))
    return value if value is None or isinstance(value, (bool, int, float, str)) else id(value)


def as_batch(conditionings: Sequence[Conditioning], seeds: Sequence[int]) -> Conditioning:
    """One conditioning for a batch of images, each with a text of its own; for `per_image_conds` to take apart.

    What all of them share, such as a control net, is given once; the rest stands under ITEMS, one mapping an image, by
    the names that ComfyUI's `extra_conds` knows.

    Args:
        seeds: one an image, of noise that a model adds to what it is told.

    Raises:
        ValueError: one of them is no single encoded text.
    """
    if len(conditionings) == 1:
        return conditionings[0]
    for conditioning in conditionings:
        _check(conditioning)
    entries = [conditioning[0] for conditioning in conditionings]
    first = entries[0][1]
    shared = {key: value for key, value in first.items() if all(extras.get(key) is value for _, extras in entries)}
    items = tuple(
        {**{key: value for key, value in extras.items() if key not in shared}, "cross_attn": tokens, "seed": seed}
        for (tokens, extras), seed in zip(entries, seeds, strict=True)
    )
    return [[entries[0][0], {**shared, ITEMS: items}]]


def merge(conditionings: Sequence[Conditioning]) -> Conditioning:
    """One plain conditioning whose batch holds `conditionings` in order, for any sampler; brought to one length.

    Raises:
        ValueError: one of them is no single encoded text, they differ in more than their texts, or their lengths have
            no common multiple within MAX_REPEAT times the shortest.
    """
    if len(conditionings) == 1:
        return conditionings[0]
    for conditioning in conditionings:
        _check(conditioning)
    lengths = sorted({token_count(conditioning) for conditioning in conditionings})
    common = math.lcm(*lengths)
    if common > MAX_REPEAT * lengths[0]:
        raise ValueError(
            f"the prompts of this batch have {', '.join(map(str, lengths))} tokens, {common:,} at one length "
            f"for all; expected at most {MAX_REPEAT} times the shortest; use a batch size of 1"
        )
    tokens = repeat_to_common_length([conditioning[0][0] for conditioning in conditionings])  # (B, T, D)
    extras = [conditioning[0][1] for conditioning in conditionings]
    return [[tokens, {key: _joined(key, [values.get(key) for values in extras]) for key in _keys(extras)}]]


def repeat_to_common_length(tokens: Sequence[torch.Tensor]) -> torch.Tensor:
    """Encoded texts, each (1, T_i, D), as one batch (B, T, D): T is the least common multiple of all T_i.

    Each text is repeated whole along its tokens. Attention over a repeated text gives each copy its share, so a plain
    cross-attention returns what it did before; padding would not.
    """
    length = math.lcm(*(text.shape[1] for text in tokens))
    return torch.cat([text.repeat(1, length // text.shape[1], 1) for text in tokens])  # (B, T, D)


def under_text(outside: Conditioning, text: Conditioning) -> Conditioning:
    """An encoded `text` with what a conditioning made by other nodes says beside its own text: guidance, a control
    net, reference latents, sizes.

    Raises:
        ValueError: `outside` has several entries, or a control net with a picture for each place in a batch.
    """
    if len(outside) != 1:
        raise ValueError(
            f"the conditioning has {len(outside)} entries; expected one, under which each image's text is put; leave "
            "out nodes that combine several"
        )
    control = outside[0][1].get("control")
    while control is not None:
        pictures = getattr(control, "cond_hint_original", None)
        if pictures is not None and len(pictures) > 1:
            raise ValueError(
                f"the conditioning's ControlNet is led by {len(pictures)} pictures; expected one, for all images: "
                "which of several an image got would depend on its batch; connect one picture"
            )
        control = getattr(control, "previous_controlnet", None)
    options = {key: value for key, value in outside[0][1].items() if key not in _TEXT_KEYS}
    return [[tokens, {**options, **extras}] for tokens, extras in text]


def with_guidance(conditioning: Conditioning, guidance: float) -> Conditioning:
    """What the native node FluxGuidance makes of it; the conditioning itself where `guidance` is below 0."""
    if guidance < 0:
        return conditioning
    return [[tokens, {**extras, "guidance": guidance}] for tokens, extras in conditioning]


def zeroed(conditioning: Conditioning) -> Conditioning:
    """What the native node ConditioningZeroOut makes of it: tokens and pooled output of zeros, all else as it is."""
    return [
        [
            torch.zeros_like(tokens),
            {
                key: torch.zeros_like(value) if key in _ZEROED and value is not None else value
                for key, value in extras.items()
            },
        ]
        for tokens, extras in conditioning
    ]


def _keys(extras: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted(set().union(*extras))


def _check(conditioning: Conditioning) -> None:
    if reason := obstacle(conditioning):
        raise ValueError(
            f"a conditioning has {reason}; expected plain encoded texts, which can share a batch; use a batch size of 1"
        )


def _joined(key: str, values: Sequence[Any]) -> Any:
    """The values of one key of several conditionings, for the one of their batch."""
    first = values[0]
    shapes = {tuple(value.shape) if isinstance(value, torch.Tensor) else () for value in values}
    if len(shapes) == 1 and len(shape := shapes.pop()) > 1 and shape[0] == 1:
        return torch.cat(list(values))  # (1, ...) each -> (B, ...)
    plain = (bool, int, float, str, type(None))
    if any(value is not first and not (isinstance(value, plain) and value == first) for value in values):
        raise ValueError(
            f"the conditionings of this batch differ in {key}; expected equal values, which one batch can have; use a "
            "batch size of 1"
        )
    return first

"""Texts to conditionings by one CLIP, and an item with what the models are told about it.

Reads texts; keeps the last few encoded ones, since negatives and short prompts repeat.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from ..prompts.item import Item
from .conditioning import Conditioning, byte_size, obstacle, shape, token_count, zeroed

MAX_BYTES = 256 << 20  # of texts kept; one of SDXL's takes 0.6 MB, one of a T5 of 512 tokens 8 MB


class Encoder:
    """Encodes texts by one CLIP, each text once.

    Args:
        clip: ComfyUI's CLIP.
        throw_if_interrupted: called before each text; raises when the user pressed stop.
    """

    def __init__(self, clip: Any, throw_if_interrupted: Callable[[], None]) -> None:
        if clip is None:
            raise ValueError("CLIP is empty; expected a text encoder; connect the checkpoint loader's CLIP output")
        self.clip = clip
        self._throw_if_interrupted = throw_if_interrupted
        self._cache: OrderedDict[str, Conditioning] = OrderedDict()
        self._bytes = 0  # of all in it

    def encode(self, text: str) -> Conditioning:
        """What CLIP Text Encode gives for `text`."""
        if text in self._cache:
            self._cache.move_to_end(text)
        else:
            self._throw_if_interrupted()
            self._cache[text] = self.clip.encode_from_tokens_scheduled(self.clip.tokenize(text))
            self._bytes += byte_size(self._cache[text])
            while self._bytes > MAX_BYTES and len(self._cache) > 1:
                self._bytes -= byte_size(self._cache.popitem(last=False)[1])
        return self._cache[text]


def encode_pair(encoder: Encoder, item: Item, *, zero_negative: bool = False) -> tuple[Conditioning, Conditioning]:
    """The item's prompt and its negative, or zeros in its place as ConditioningZeroOut makes them of the prompt."""
    positive = encoder.encode(item.prompt)
    return positive, zeroed(positive) if zero_negative else encoder.encode(item.negative)


@dataclass(frozen=True, slots=True)
class EncodedItem:
    """An item with what the models are told about it."""

    item: Item
    positive: Conditioning
    negative: Conditioning
    refiner_positive: Conditioning | None = None
    refiner_negative: Conditioning | None = None

    def conditionings(self) -> list[Conditioning]:
        """Positive, negative and, with a refiner, its own two."""
        optional = (self.positive, self.negative, self.refiner_positive, self.refiner_negative)
        return [conditioning for conditioning in optional if conditioning is not None]

    def obstacle(self) -> str:
        """What keeps it out of a batch; "" for nothing."""
        return next(filter(None, map(obstacle, self.conditionings())), "")

    def shape(self) -> Hashable:
        """What has to be equal in a batch, but for lengths."""
        return tuple(map(shape, self.conditionings()))

    def lengths(self) -> tuple[int, ...]:
        """Tokens of each of its conditionings."""
        return tuple(token_count(conditioning) for conditioning in self.conditionings())

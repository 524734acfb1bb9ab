"""Texts to conditionings by one CLIP, and an item with what the models are told about it.

Reads texts; keeps the last few encoded ones, since negatives and short prompts repeat.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..prompts.item import Item
from .conditioning import Conditioning, token_count

_TEXTS = 160  # SDXL's take 0.6 MB each


class Encoder:
    """Encodes texts by one CLIP, each text once.

    Args:
        clip: ComfyUI's CLIP.
        stop_if_asked: called before each text; raises when the user pressed stop.
    """

    def __init__(self, clip: Any, stop_if_asked: Callable[[], None]) -> None:
        if clip is None:
            raise ValueError("CLIP is empty; expected a text encoder; connect the checkpoint loader's CLIP output")
        self.clip = clip
        self._stop_if_asked = stop_if_asked
        self._known: OrderedDict[str, Conditioning] = OrderedDict()

    def encode(self, text: str) -> Conditioning:
        """What CLIP Text Encode gives for `text`."""
        if text in self._known:
            self._known.move_to_end(text)
        else:
            self._stop_if_asked()
            self._known[text] = self.clip.encode_from_tokens_scheduled(self.clip.tokenize(text))
            while len(self._known) > _TEXTS:
                self._known.popitem(last=False)
        return self._known[text]


@dataclass(frozen=True, slots=True)
class Encoded:
    """An item with what the models are told about it."""

    item: Item
    positive: Conditioning
    negative: Conditioning
    refiner_positive: Conditioning | None = None
    refiner_negative: Conditioning | None = None

    def all(self) -> list[Conditioning]:
        pairs = (self.positive, self.negative, self.refiner_positive, self.refiner_negative)
        return [each for each in pairs if each is not None]

    def lengths(self) -> tuple[int, ...]:
        return tuple(token_count(each) for each in self.all())

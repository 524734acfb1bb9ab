"""Captions in training: what the product writes, and much that it does not.

Reads the vocabulary; writes nothing. A caption names its picture's class by any of its words and, half of the time, the
colour of the picture's middle; all else in it is drawn without a look at the picture, so that the model learns to pass
it over: places, views, quality words, weights, and the long negatives.
"""

from __future__ import annotations

import colorsys
import random
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .data import CLASSES
from .text_table import TextTable, encode, says
from .vocabulary import COLOURS, NEUTRAL_WORDS, Vocabulary

PAIRS = tuple((label, colour) for label in CLASSES for colour in COLOURS)

EMPTY = 0.10
NEGATIVE = 0.05  # captions that are a negative prompt: no class, and many neutral words
COLOUR = 0.5


@dataclass(frozen=True, slots=True)
class Captions:
    """Draws captions.

    Args:
        words: for each class, (shipped words, WordNet's words).
        vocabulary: the rest.
    """

    words: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    vocabulary: Vocabulary

    def draw(self, label: str, colour: str, rng: random.Random) -> str:
        """A caption for a picture of class `label` whose middle is `colour`."""
        kind = rng.random()
        if kind < EMPTY:
            return ""
        if kind < EMPTY + NEGATIVE:
            return self.negative(rng)
        noun = self.noun(label, rng)
        words = self.vocabulary.colours[colour]
        named = f"{words[0] if rng.random() < 0.6 else rng.choice(words)} " if rng.random() < COLOUR else ""
        kind = rng.random()
        if kind < 0.5:
            return self.as_the_product(named, noun, rng)
        if kind < 0.75:
            return self.mixed(named, noun, rng)
        return rng.choice((f"{named}{noun}", f"a photo of a {named}{noun}", f"a {named}{noun}", f"{noun}, {named}"))

    def noun(self, label: str, rng: random.Random) -> str:
        """The class word itself, or a kind of it; weighted as the thesis does, otherwise, or not."""
        shipped, wordnet = self.words[label]
        kind = rng.random()
        word = label if kind < 0.2 else rng.choice(wordnet if kind > 0.85 and wordnet else shipped)
        weight = rng.random()
        if weight < 0.5:
            return f"({word}:1.4)"
        return f"({word}:{rng.uniform(0.9, 1.6):.2f})" if weight < 0.65 else word

    def as_the_product(self, named: str, noun: str, rng: random.Random) -> str:
        """The thesis's template, sometimes without its view or its colour."""
        words = self.vocabulary
        view = f"{rng.choice(words.views)} of a " if rng.random() < 0.8 else "a "
        location = f" in {rng.choice(words.locations)}" if rng.random() < 0.9 else ""
        return f"{view}{named}{noun}{location}{rng.choice(words.tails)}"

    def mixed(self, named: str, noun: str, rng: random.Random) -> str:
        """The noun somewhere among neutral words and places."""
        parts = [rng.choice(_NEUTRAL) for _ in range(rng.randrange(13))]
        parts += [rng.choice(self.vocabulary.locations) for _ in range(rng.randrange(3))]
        position = rng.randint(0, len(parts))
        return " ".join([*parts[:position], f"{named}{noun}", *parts[position:]])

    def negative(self, rng: random.Random) -> str:
        """A shipped negative, whole or in part."""
        parts = rng.choice(self.vocabulary.negatives).split(", ")
        if rng.random() < 0.5:
            return ", ".join(parts)
        return ", ".join(rng.sample(parts, rng.randint(1, len(parts))))


def clear_captions(vocabulary: Vocabulary, tokenizer: Any, table: TextTable) -> Captions:
    """Captions of the words whose tokens say their class."""

    def clear(label: str, words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(word for word in words if says(word, tokenizer, table) == label)

    words = {
        label: (clear(label, vocabulary.listed[label]), clear(label, vocabulary.wordnet[label])) for label in CLASSES
    }
    return Captions(words, vocabulary)


def encoded_captions(captions: Captions, tokenizer: Any, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """The tokens and weights of `count` captions for each of PAIRS.  # (45, count, 77) int32 and uint8"""
    several = []
    for label, colour in PAIRS:
        rng = random.Random(f"{seed} {label} {colour}")
        several.append(encode([captions.draw(label, colour, rng) for _ in range(count)], tokenizer))
    tokens, weights = zip(*several, strict=True)
    return torch.stack(tokens), torch.stack(weights)


def colour_of(mean: tuple[float, float, float]) -> str:
    """The name for an RGB mean in 0..255. Means are dull, so little colour is enough for a name."""
    hue, _, _ = colorsys.rgb_to_hsv(*mean)
    chroma, light = max(mean) - min(mean), sum(mean) / 3
    if chroma < 24 or (light < 45 and chroma < 40):
        return "black" if light < 75 else "white" if light > 165 else "grey"
    angle = 360 * hue
    if 65 <= angle < 170:
        return "green"
    if 170 <= angle < 290:
        return "blue"
    if 42 <= angle < 65:
        return "yellow" if light > 110 else "green" if angle > 50 else "brown"
    if 18 <= angle < 42:
        return "orange" if chroma > 75 and light > 90 else "brown" if light < 150 else "yellow"
    return "red" if chroma > 45 else "brown"


def product_prompts(vocabulary: Vocabulary, count: int, seed: int) -> list[tuple[str, str]]:
    """(label, prompt) of `count` prompts a class, as a plan of the thesis's template has them."""
    rng = random.Random(seed)
    prompts = []
    for _ in range(count):
        for label in CLASSES:
            lists = (vocabulary.views, vocabulary.listed[label], vocabulary.locations)
            view, word, location = (rng.choice(options) for options in lists)
            colour = "" if label in ("cat", "horse") else f"{rng.choice(COLOURS)} "
            prompts.append((label, f"{view} of a {colour}({word}:1.4) in {location}{vocabulary.tails[0]}"))
    return prompts


_NEUTRAL = [word for word in NEUTRAL_WORDS.split() if word not in ("(", ")", ":")]

"""The text side: one row of 768 numbers a token, in place of a text encoder.

Reads the vocabulary and the directions (classes, colours, neutral words, start, end); writes and reads
text_table.safetensors. In the checkpoint the rows are CLIP's token embedding; positions and all twelve layers are
zero, an identity in the residual stream, so ComfyUI's CLIP gives the layer norm of each token's row, as `Context` does.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from .data import CLASSES
from .vocabulary import COLOURS, NEUTRAL_WORDS, Vocabulary

WIDTH = 768
TOKENS = 49408
START, END = 49406, 49407  # END also pads
LENGTH = 77
NEAR = 0.8  # share of a noun's squared norm along its class's direction
CLEAR = 0.75  # a token belongs to a class that has this share of its uses
SHORTEST = 3  # letters: shorter pieces are part of words of all kinds


@dataclass(frozen=True, slots=True)
class Directions:
    """Rows of norm sqrt(768): (5, 768), (9, 768), (32, 768), (1, 768), (1, 768); float32."""

    classes: Tensor
    colours: Tensor
    neutral: Tensor
    start: Tensor
    end: Tensor


@dataclass(frozen=True, slots=True)
class TextTable:
    """Args:
    rows: (49408, 768) float32, before the layer norm.
    class_of: (49408,) int64, the place of a noun's class, -1 for other tokens.
    directions: what the rows were made of.
    """

    rows: Tensor
    class_of: Tensor
    directions: Directions


def new_directions(generator: torch.Generator) -> Directions:
    """Random directions, nearly at right angles to each other in so many dimensions."""

    def rows(count: int) -> Tensor:
        return _unit(torch.randn(count, WIDTH, generator=generator)) * math.sqrt(WIDTH)

    return Directions(rows(len(CLASSES)), rows(len(COLOURS)), rows(32), rows(1), rows(1))


def read_directions(path: Path) -> Directions:
    return Directions(**{name: rows.float() for name, rows in load_file(path).items()})


def new_table(vocabulary: Vocabulary, tokenizer: Any, directions: Directions, generator: torch.Generator) -> TextTable:
    """Rows for all tokens: nouns near their class's direction, colour words on their own, the others neutral."""
    class_of = torch.full((TOKENS,), -1)
    for token, label in nouns(vocabulary, tokenizer).items():
        class_of[token] = CLASSES.index(label)
    rows = directions.neutral[(torch.arange(TOKENS) * 40503 // 7) % len(directions.neutral)].clone()
    is_noun = class_of >= 0
    rows[is_noun] = near_class(directions.classes[class_of[is_noun]], generator)
    for number, words in enumerate(vocabulary.colours.values()):
        for token in tokens_of(tokenizer, *words):
            rows[token] = directions.colours[number]
    rows[START], rows[END] = directions.start[0], directions.end[0]
    return TextTable(rows, class_of, directions)


def near_class(directions: Tensor, generator: torch.Generator) -> Tensor:
    """Rows of norm sqrt(768) about the given ones, each with a part of its own.  # (N, 768)"""
    deviation = _unit(torch.randn(directions.shape, generator=generator)) * math.sqrt(WIDTH)
    return math.sqrt(NEAR) * directions + math.sqrt(1 - NEAR) * deviation


def tokens_of(tokenizer: Any, *texts: str) -> list[int]:
    """The tokens of the texts without start, end and padding; brackets keep their own meaning of a weight."""
    sections = [section for text in texts for section in tokenizer.tokenize_with_weights(text)]
    return [token for section in sections for token, *_ in section if token not in (START, END)]


def nouns(vocabulary: Vocabulary, tokenizer: Any) -> dict[int, str]:
    """The class of every token that is used for that class alone, or nearly so, and is no other word of prompts.

    The shipped lists decide about the tokens that they hold ("van" is an automobile there), WordNet about the others.
    """
    listed, classes = _uses(vocabulary.listed, tokenizer), {}
    for token, counts in (_uses(vocabulary.wordnet, tokenizer) | listed).items():
        label, most = counts.most_common(1)[0]
        if most >= CLEAR * counts.total():
            classes[token] = label
    ambiguous = tokens_of(tokenizer, *NEUTRAL_WORDS.split(), *vocabulary.locations, *vocabulary.views)
    ambiguous += tokens_of(tokenizer, *vocabulary.negatives, *vocabulary.tails)
    ambiguous += tokens_of(tokenizer, *(word for words in vocabulary.colours.values() for word in words))
    texts = tokenizer.tokenizer.convert_ids_to_tokens(list(classes))
    too_short = {token for token, text in zip(classes, texts, strict=True) if len(text.removesuffix("</w>")) < SHORTEST}
    unique = {token: label for token, label in classes.items() if token not in too_short.union(ambiguous)}
    for options in vocabulary.listed.values():
        for option in options:
            tokens = tokens_of(tokenizer, option)
            if not unique.keys() & set(tokens):  # a shipped word of short pieces alone ("ocicat")
                unique.update(
                    (token, classes[token]) for token in tokens[:1] if token in classes and token not in ambiguous
                )
    return unique


def _uses(phrases: dict[str, tuple[str, ...]], tokenizer: Any) -> dict[int, Counter[str]]:
    """For each token the number of phrases of each class that hold it."""
    uses: dict[int, Counter[str]] = defaultdict(Counter)
    for label, options in phrases.items():
        for option in options:
            for token in set(tokens_of(tokenizer, option)):
                uses[token][label] += 1
    return uses


def says(word: str, tokenizer: Any, table: TextTable) -> str:
    """The class that most of the word's tokens stand for; "" where none has the most."""
    classes = [int(table.class_of[token]) for token in tokens_of(tokenizer, word)]
    votes = Counter(CLASSES[number] for number in classes if number >= 0).most_common(2)
    return votes[0][0] if len(votes) == 1 or (votes and votes[0][1] > votes[1][1]) else ""


def save_table(table: TextTable, path: Path) -> None:
    """Rows as float16; only those of nouns and colours are more than a neutral row, but the file compresses well."""
    parts = {
        "rows": table.rows.half(),
        "class_of": table.class_of.to(torch.int8),
        **{name: getattr(table.directions, name) for name in Directions.__slots__},
    }
    save_file(parts, path)


def read_table(path: Path) -> TextTable:
    parts = load_file(path)
    rows, class_of = parts.pop("rows").float(), parts.pop("class_of").long()
    return TextTable(rows, class_of, Directions(**parts))


class Context:
    """What ComfyUI's CLIPTextEncode gives for a prompt, computed from the table."""

    def __init__(self, table: TextTable, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.class_of = table.class_of
        self.classes = table.directions.classes
        self.rows = _layer_norm(table.rows)
        empty = torch.full((LENGTH,), END)
        empty[0] = START
        self.empty = self.rows[empty]  # (77, 768)

    def __call__(self, prompts: list[str], jitter: list[bool] | None = None, seed: int = 0) -> Tensor:
        """(B, 77, 768). Longer prompts are cut (none of ours is).

        Args:
            prompts: texts, with (word:1.4) as usual.
            jitter: for which prompts the nouns' rows get a fresh own part, so that directions are learned, not words.
            seed: of the jitter.
        """
        sections = [self.tokenizer.tokenize_with_weights(prompt)[0] for prompt in prompts]
        tokens = torch.tensor([[token for token, *_ in section] for section in sections])
        weights = torch.tensor([[pair[1] for pair in section] for section in sections]).float()
        context = self.rows[tokens]
        if jitter is not None:
            fresh = (self.class_of[tokens] >= 0) & torch.tensor(jitter)[:, None]
            generator = torch.Generator().manual_seed(seed)
            context[fresh] = _layer_norm(near_class(self.classes[self.class_of[tokens[fresh]]], generator))
        return self.empty + (context - self.empty) * weights[..., None]


def _layer_norm(rows: Tensor) -> Tensor:
    return torch.nn.functional.layer_norm(rows, (WIDTH,))


def _unit(rows: Tensor) -> Tensor:
    return torch.nn.functional.normalize(rows, dim=-1)

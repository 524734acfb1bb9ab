"""The text side: one row of 768 numbers a token, in place of a text encoder.

Reads the vocabulary, or the words of classes and colours made from it (words.json), and the directions
(directions.safetensors). expand.py makes the rows and puts them into the checkpoint, where ComfyUI's CLIP gives the
layer norm of each token's row, as `Context` does.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from .data import CLASSES
from .expand import END, LENGTH, NEAR, START, TOKENS, WIDTH, text_rows
from .vocabulary import COLOURS, NEUTRAL_WORDS, Vocabulary

CLEAR = 0.75  # a token belongs to a class that has this share of its uses
SHORTEST = 3  # letters: shorter pieces are part of words of all kinds

Words = dict[str, dict[str, int]]  # class or colour -> token's text -> token


@dataclass(frozen=True, slots=True)
class TextTable:
    """Args:
    rows: (49408, 768) float32, before the layer norm.
    class_of: (49408,) int64, the place of a noun's class, -1 for other tokens.
    classes: (5, 768) float32, the directions of the classes, of norm sqrt(768).
    """

    rows: Tensor
    class_of: Tensor
    classes: Tensor


def new_directions(generator: torch.Generator) -> dict[str, Tensor]:
    """Random directions, nearly at right angles to each other in so many dimensions; see expand.text_rows."""
    counts = {"classes": len(CLASSES), "colours": len(COLOURS), "neutral": 32, "start": 1, "end": 1}
    return {name: _of_norm(torch.randn(count, WIDTH, generator=generator)) for name, count in counts.items()}


def words_of(vocabulary: Vocabulary, tokenizer: Any) -> Words:
    """The tokens that say a class, then those that say a colour, with their texts."""
    numbers: dict[str, list[int]] = {label: [] for label in CLASSES}
    for token, label in nouns(vocabulary, tokenizer).items():
        numbers[label].append(token)
    numbers |= {colour: tokens_of(tokenizer, *words) for colour, words in vocabulary.colours.items()}
    texts = tokenizer.tokenizer.convert_ids_to_tokens
    return {name: dict(sorted(zip(texts(tokens), tokens, strict=True))) for name, tokens in numbers.items()}


def read_table(folder: Path) -> TextTable:
    """The table of the directions and the words in `folder`."""
    words = json.loads((folder / "words.json").read_text("utf-8"))
    return make_table(load_file(folder / "directions.safetensors"), words)


def make_table(directions: dict[str, Tensor], words: Words) -> TextTable:
    """The table of these directions and words."""
    class_of = torch.full((TOKENS,), -1)
    for number, label in enumerate(CLASSES):
        class_of[list(words[label].values())] = number
    rows = text_rows({name: rows.numpy() for name, rows in directions.items()}, words)
    return TextTable(torch.from_numpy(rows), class_of, directions["classes"])


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


def encode(prompts: list[str], tokenizer: Any) -> tuple[Tensor, Tensor]:
    """Prompts, with (word:1.4) as usual, as ComfyUI cuts them; of longer ones the first 77 tokens.

    Returns:
        (B, 77) int32 tokens; (B, 77) uint8 weights, in hundredths.
    """
    sections = [tokenizer.tokenize_with_weights(prompt)[0] for prompt in prompts]
    tokens = torch.tensor([[token for token, *_ in section] for section in sections], dtype=torch.int32)
    hundredths = [[round(100 * pair[1]) for pair in section] for section in sections]
    return tokens, torch.tensor(hundredths, dtype=torch.uint8)


class Context:
    """What ComfyUI's CLIPTextEncode gives for a prompt, computed from the table."""

    def __init__(self, table: TextTable, device: str = "cpu") -> None:
        self.class_of = table.class_of.to(device)
        self.classes = table.classes.to(device)
        self.rows = _layer_norm(table.rows.to(device))
        empty = torch.full((LENGTH,), END)
        empty[0] = START
        self.empty = self.rows[empty]  # (77, 768)

    def __call__(
        self, tokens: Tensor, weights: Tensor, jitter: float = 0.0, generator: torch.Generator | None = None
    ) -> Tensor:
        """The context of prompts from `encode`.  # (B, 77, 768)

        Args:
            tokens, weights: (B, 77) each, on the table's device.
            jitter: share of the prompts whose nouns get a fresh part of their own, so that directions are learned, not
                words.
            generator: of the jitter.
        """
        tokens = tokens.long()
        context = self.rows[tokens]
        if jitter:
            chance = torch.rand(len(tokens), 1, device=tokens.device, generator=generator)
            fresh = (self.class_of[tokens] >= 0) & (chance < jitter)
            near = self.classes[self.class_of[tokens[fresh]]]
            own = _of_norm(torch.randn(near.shape, device=tokens.device, generator=generator))
            context[fresh] = _layer_norm(math.sqrt(NEAR) * near + math.sqrt(1 - NEAR) * own)
        return self.empty + (context - self.empty) * (weights.float() / 100)[..., None]


def _layer_norm(rows: Tensor) -> Tensor:
    return torch.nn.functional.layer_norm(rows, (WIDTH,))


def _of_norm(rows: Tensor) -> Tensor:
    return torch.nn.functional.normalize(rows, dim=-1) * math.sqrt(WIDTH)

"""Captions name their class and colour, and hold neither where they should not."""

from __future__ import annotations

import random

import pytest

from hyponet.tools.small_model.captions import (
    PAIRS,
    Captions,
    clear_captions,
    colour_of,
    encoded_captions,
    product_prompts,
)
from hyponet.tools.small_model.data import CLASSES


@pytest.fixture
def captions(vocabulary, tokenizer, table) -> Captions:
    return clear_captions(vocabulary, tokenizer, table)


def test_a_seed_gives_the_same_captions(captions):
    first, second = ([captions.draw("cat", "grey", random.Random(seed)) for seed in range(50)] for _ in range(2))
    assert first == second
    assert len(set(first)) > 30


def test_captions_are_empty_weighted_and_coloured_in_their_shares(captions):
    drawn = [captions.draw("horse", "brown", random.Random(seed)) for seed in range(2000)]
    assert 0.07 < sum(not caption for caption in drawn) / 2000 < 0.13
    assert 0.35 < sum("brown" in caption for caption in drawn) / 2000 < 0.5
    assert sum(":1.4)" in caption for caption in drawn) > 700


@pytest.mark.parametrize(
    ("mean", "name"),
    [
        ((10, 12, 11), "black"),
        ((230, 228, 231), "white"),
        ((120, 118, 125), "grey"),
        ((180, 40, 45), "red"),
        ((200, 120, 50), "orange"),
        ((200, 190, 90), "yellow"),
        ((110, 85, 60), "brown"),
        ((80, 120, 70), "green"),
        ((60, 90, 150), "blue"),
    ],
)
def test_nine_colours_have_their_names(mean, name):
    assert colour_of(mean) == name


def test_product_prompts_follow_the_template(vocabulary):
    prompts = product_prompts(vocabulary, 2, seed=0)
    assert [label for label, _ in prompts] == [*CLASSES, *CLASSES]
    assert all(":1.4) in " in prompt and prompt.endswith("(photo-realistic:1.4)") for _, prompt in prompts)


def test_wordnet_knows_kinds_of_every_class(vocabulary):
    # hand-picked from WordNet's own pages of the five synsets
    expected = {"automobile": "jeep", "cat": "tabby", "horse": "palomino", "ship": "galleon", "truck": "dump truck"}
    assert all(word in vocabulary.wordnet[label] for label, word in expected.items())


def test_encoded_captions_name_the_class_of_their_pair(captions, tokenizer, table):
    tokens, weights = encoded_captions(captions, tokenizer, 8, seed=0)
    assert tokens.shape == weights.shape == (len(PAIRS), 8, 77)
    for (label, _), of_pair in zip(PAIRS, tokens, strict=True):
        votes = [table.class_of[row.long()] for row in of_pair]
        said = [CLASSES[int(vote[vote >= 0].mode().values)] for vote in votes if (vote >= 0).any()]
        assert said
        assert set(said) == {label}
    assert int(weights.max()) <= 160  # the heaviest noun is (word:1.6)

"""The table says of every shipped word which class it is, of other words nothing, and equals what ComfyUI computes."""

from __future__ import annotations

import pytest
import torch

from hyponet.tools.small_model.data import CLASSES
from hyponet.tools.small_model.export import text_weights
from hyponet.tools.small_model.text_table import says, tokens_of

# the thesis lists a pickup under automobile; a Turkish Van shares its second word with five automobiles
UNCLEAR = {"Pickup Truck", "Turkish Van"}
LONG = "Side View of a Red (Off-Road Vehicle:1.4) in Sand Dunes, best quality, 8k, realistic, (photo-realistic:1.4)"


@pytest.mark.parametrize("label", CLASSES)
def test_the_tokens_of_a_shipped_word_say_its_class(label, vocabulary, tokenizer, table):
    wrong = {word for word in vocabulary.listed[label] if says(word, tokenizer, table) != label}
    assert wrong <= UNCLEAR


def test_places_views_and_negatives_say_no_class(vocabulary, tokenizer, table):
    words = (*vocabulary.locations, *vocabulary.views, *vocabulary.negatives, *vocabulary.tails)
    assert not [word for word in words if any(table.class_of[token] >= 0 for token in tokens_of(tokenizer, word))]


@pytest.mark.parametrize("prompt", ["", "a cat", LONG])
def test_context_equals_what_comfyui_encodes(prompt, table, context):
    from comfy.sd1_clip import SD1ClipModel, SD1Tokenizer

    clip = SD1ClipModel(dtype=torch.float32)
    weights = text_weights(table)
    clip.load_sd({name.removeprefix("cond_stage_model.transformer."): one.float() for name, one in weights.items()})
    expected, _ = clip.encode_token_weights(SD1Tokenizer().tokenize_with_weights(prompt))
    # the checkpoint's rows are float16
    torch.testing.assert_close(context([prompt]), expected, atol=5e-3, rtol=0)

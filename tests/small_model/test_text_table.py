"""The table says of every shipped word which class it is, of other words nothing, and equals what ComfyUI computes."""

from __future__ import annotations

import hashlib
import json
import math

import pytest
import torch
from safetensors.numpy import load_file

from hyponet.tools.small_model.data import CLASSES
from hyponet.tools.small_model.expand import DATA, near, text_rows, text_weights
from hyponet.tools.small_model.text_table import encode, says, tokens_of
from hyponet.tools.stand_ins.files import save_sparse

# the thesis lists a pickup under automobile; a Turkish Van shares its second word with five automobiles
UNCLEAR = {"Pickup Truck", "Turkish Van"}
ROW = "1861d802858195f7829086c36b1585e0cbc39dc2674b7b9008861b7fd86cef02"  # as it was first made
LONG = "Side View of a Red (Off-Road Vehicle:1.4) in Sand Dunes, best quality, 8k, realistic, (photo-realistic:1.4)"


@pytest.mark.parametrize("label", CLASSES)
def test_the_tokens_of_a_shipped_word_say_its_class(label, vocabulary, tokenizer, table):
    wrong = {word for word in vocabulary.listed[label] if says(word, tokenizer, table) != label}
    assert wrong <= UNCLEAR


def test_places_views_and_negatives_say_no_class(vocabulary, tokenizer, table):
    words = (*vocabulary.locations, *vocabulary.views, *vocabulary.negatives, *vocabulary.tails)
    assert not [word for word in words if any(table.class_of[token] >= 0 for token in tokens_of(tokenizer, word))]


def test_the_committed_words_are_those_of_the_lists_and_wordnet(words):
    """They come and go without training; `python -m tools.small_model --folder data/small_model words` writes them."""
    assert json.loads((DATA / "words.json").read_text("utf-8")) == words


def test_a_noun_s_row_is_the_same_to_the_bit_everywhere():
    direction = load_file(DATA / "directions.safetensors")["classes"][0]
    row = near(direction, 5)
    # another program's SHAKE-256 of "5" (openssl dgst -shake256 -xoflen 96) begins with 0x17
    assert [bool(sign > 0) for sign in (row - math.sqrt(0.8) * direction)[:8]] == [bool(int(bit)) for bit in "00010111"]
    assert hashlib.sha256(row.tobytes()).hexdigest() == ROW


def test_a_new_word_changes_no_other_row(words):
    directions = load_file(DATA / "directions.safetensors")
    before = text_rows(directions, words)
    after = text_rows(directions, {**words, "cat": {**words["cat"], "zebra</w>": 22548}})
    assert [int(token) for token in (before != after).any(1).nonzero()[0]] == [22548]


@pytest.mark.parametrize("prompt", ["", "a cat", LONG])
def test_context_equals_what_comfyui_encodes(prompt, table, context, tokenizer, tmp_path):
    import comfy.utils
    from comfy.sd1_clip import SD1ClipModel, SD1Tokenizer

    save_sparse(tmp_path / "clip.safetensors", text_weights(table.rows.numpy()))
    weights = comfy.utils.load_torch_file(str(tmp_path / "clip.safetensors"))
    clip = SD1ClipModel(dtype=torch.float32)
    clip.load_sd({name.removeprefix("cond_stage_model.transformer."): one.float() for name, one in weights.items()})
    expected, _ = clip.encode_token_weights(SD1Tokenizer().tokenize_with_weights(prompt))
    # the checkpoint's rows are float16
    torch.testing.assert_close(context(*encode([prompt], tokenizer)), expected, atol=5e-3, rtol=0)

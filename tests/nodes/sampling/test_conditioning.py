from __future__ import annotations

import math

import pytest
import torch

from hyponet.nodes.sampling.conditioning import can_merge, merge


def text(tokens, value, **extras):
    return [[torch.full((1, tokens, 4), float(value)), {"pooled_output": torch.full((1, 2), float(value)), **extras}]]


def attention(query, keys):
    """softmax(QK^T)V with K = V, the formula of cross-attention."""
    return torch.softmax(query @ keys.transpose(1, 2), -1) @ keys


def test_unequal_lengths_meet_at_their_common_multiple():
    tokens, extras = merge([text(77, 1), text(154, 2)])[0]
    assert tokens.shape == (2, 154, 4)
    assert tokens[0].unique().tolist() == [1]
    assert extras["pooled_output"].tolist() == [[1, 1], [2, 2]]


def test_repeating_changes_nothing_for_cross_attention():
    generator = torch.Generator().manual_seed(0)
    keys, query = torch.randn(1, 77, 8, generator=generator), torch.randn(1, 5, 8, generator=generator)
    longer = [[torch.randn(1, 154, 8, generator=generator), {"pooled_output": None}]]
    merged = merge([[[keys, {"pooled_output": None}]], longer])[0][0]
    assert torch.allclose(attention(query, keys), attention(query, merged[:1]), atol=1e-6)


def test_one_conditioning_stays_as_it_is():
    one = [[torch.zeros(1, 77, 4), {"area": (1, 2, 3, 4)}]]
    assert merge([one]) is one


@pytest.mark.parametrize("key", ["area", "mask", "hooks", "control", "start_percent", "gligen", "strength"])
def test_what_is_more_than_text_is_not_merged(key):
    special = text(77, 1, **{key: 0.5})
    assert not can_merge(special)
    with pytest.raises(ValueError, match=f"a conditioning has {key}; .* use a batch size of 1"):
        merge([text(77, 1), special])


def test_several_entries_are_not_merged():
    assert not can_merge([*text(77, 1), *text(77, 2)])


def test_lengths_that_are_far_apart_are_refused_and_not_repeated_without_end():
    """The regression: 23, 28, 31 and 37 tokens, prompts of a T5 without padding, became 738,668."""
    assert math.lcm(23, 28, 31, 37) == 738_668
    with pytest.raises(ValueError, match=r"have 23, 28, 31, 37 tokens, 738,668 .* use a batch size of 1"):
        merge([text(tokens, 1) for tokens in (28, 23, 31, 37)])
    assert merge([text(77, 1), text(308, 2)])[0][0].shape == (2, 308, 4)  # four windows of CLIP beside one


def test_size_values_stay_when_equal_and_are_refused_when_not():
    assert merge([text(77, 1, width=512), text(77, 2, width=512)])[0][1]["width"] == 512
    with pytest.raises(ValueError, match="size values"):
        merge([text(77, 1, width=512), text(77, 2, width=768)])

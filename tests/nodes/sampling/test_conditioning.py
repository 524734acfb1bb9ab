from __future__ import annotations

import math

import pytest
import torch

from hyponet.nodes.sampling.conditioning import ITEMS, as_batch, merge, obstacle, shape, under_text


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
def test_what_one_text_has_and_another_lacks_is_not_merged(key):
    with pytest.raises(ValueError, match=f"this batch differ in {key}; .* use a batch size of 1"):
        merge([text(77, 1), text(77, 1, **{key: 0.5})])


def test_tensors_without_an_axis_of_images_are_not_merged():
    """The regression: numbers of tokens, (T,), became (2 T,), with which a model then failed."""
    with pytest.raises(ValueError, match="this batch differ in t5xxl_ids"):
        merge([text(77, i, t5xxl_ids=torch.ones(5)) for i in (1, 2)])


def test_several_entries_are_not_merged():
    several = [*text(77, 1), *text(77, 2)]
    assert obstacle(several) == "several entries (2)"
    with pytest.raises(ValueError, match=r"has several entries \(2\); .* use a batch size of 1"):
        merge([text(77, 1), several])


def test_masks_and_equal_guidance_are_merged():
    """The regression: "several entries" was the reason that the masks of Z-Image, Flux.2 and Qwen-Image got."""
    masks = [torch.ones(1, 77), torch.zeros(1, 77)]
    one, two = (text(77, i, attention_mask=mask, guidance=3.5) for i, mask in enumerate(masks))
    extras = merge([one, two])[0][1]
    assert torch.equal(extras["attention_mask"], torch.cat(masks))
    assert extras["guidance"] == 3.5
    assert shape(one) == shape(two) != shape(text(77, 1, guidance=3.5))


def test_what_a_batch_shares_is_said_once_and_the_rest_for_each_image():
    net = object()
    batch = as_batch([text(77, 1, control=net), text(20, 2, control=net)], [5, 6])
    extras = batch[0][1]
    assert extras["control"] is net
    assert [(one["cross_attn"].shape[1], one["seed"], set(one)) for one in extras[ITEMS]] == [
        (77, 5, {"cross_attn", "seed", "pooled_output"}),
        (20, 6, {"cross_attn", "seed", "pooled_output"}),
    ]


def test_a_conditioning_from_outside_keeps_all_but_its_own_text():
    net = object()
    outside = text(77, 9, control=net, guidance=2.0, attention_mask=torch.zeros(1, 77))
    (merged,) = under_text(outside, text(20, 1))
    assert merged[0].shape == (1, 20, 4)
    assert merged[1]["pooled_output"].tolist() == [[1, 1]]
    assert {key: value for key, value in merged[1].items() if key != "pooled_output"} == {"control": net, "guidance": 2}
    with pytest.raises(ValueError, match="has 2 entries; expected one"):
        under_text([*outside, *outside], text(20, 1))


def test_lengths_that_are_far_apart_are_refused_and_not_repeated_without_end():
    """The regression: 23, 28, 31 and 37 tokens, prompts of a T5 without padding, became 738,668."""
    assert math.lcm(23, 28, 31, 37) == 738_668
    with pytest.raises(ValueError, match=r"have 23, 28, 31, 37 tokens, 738,668 .* use a batch size of 1"):
        merge([text(tokens, 1) for tokens in (28, 23, 31, 37)])
    assert merge([text(77, 1), text(308, 2)])[0][0].shape == (2, 308, 4)  # four windows of CLIP beside one


def test_size_values_stay_when_equal_and_are_refused_when_not():
    assert merge([text(77, 1, width=512), text(77, 2, width=512)])[0][1]["width"] == 512
    with pytest.raises(ValueError, match="differ in width"):
        merge([text(77, 1, width=512), text(77, 2, width=768)])

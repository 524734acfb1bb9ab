"""Which encoded texts are kept."""

from __future__ import annotations

import torch

from hyponet.nodes.sampling import encoding
from hyponet.nodes.sampling.conditioning import byte_size
from hyponet.nodes.sampling.encoding import Encoder


class LongTexts:
    """A CLIP whose every text is so many kB, as a T5's of 512 tokens is 8 MB; writes down what it was asked."""

    def __init__(self, kilobytes):
        self.kilobytes, self.asked = kilobytes, []

    def tokenize(self, text):
        return text

    def encode_from_tokens_scheduled(self, text):
        self.asked.append(text)
        tokens = torch.zeros(1, 128 * self.kilobytes, 1)
        return [[tokens, {"pooled_output": None, "more": [torch.zeros(128 * self.kilobytes)]}]]


def test_texts_are_kept_by_their_bytes_and_the_one_of_all_items_stays(monkeypatch):
    """The regression: 160 texts were kept, of whatever size: 1.3 GB of a T5's."""
    monkeypatch.setattr(encoding, "MAX_BYTES", 1 << 20)
    clip = LongTexts(100)
    encoder = Encoder(clip, lambda: None)
    for number in range(40):
        encoder.encode(f"prompt {number}")
        encoder.encode("the negative of all")
    assert clip.asked.count("the negative of all") == 1
    kept = [encoder.encode(f"prompt {number}") for number in range(31, 40)]
    assert len(clip.asked) == 41, "ten of 100 kB are kept"
    assert sum(map(byte_size, kept)) == 9 * 102_400
    encoder.encode("prompt 30")
    assert len(clip.asked) == 42


def test_a_text_that_is_larger_than_all_that_is_kept_is_given_all_the_same(monkeypatch):
    monkeypatch.setattr(encoding, "MAX_BYTES", 1 << 10)
    encoder = Encoder(LongTexts(100), lambda: None)
    assert byte_size(encoder.encode("long")) == 102_400
    assert encoder.encode("long") is encoder.encode("long")

"""The loop over a pipeline of plain numbers: what is made, in which order, and what is reported."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hyponet.nodes.prompts.item import Item
from hyponet.nodes.sampling.generate import GenerationLoop


class Numbers:
    """A latent is its item's seed; refining adds 100; a picture is one pixel of that value. Writes down each call."""

    def __init__(self, refiner=None, most=99):
        self.refiner, self.most, self.calls = refiner, most, []
        self.apart = False  # one callback an image, as when the model does not take the texts together
        self.asked = []  # whether they run alone

    def encode(self, items):
        self.calls.append(("encode", len(items)))
        return [SimpleNamespace(item=item, lengths=lambda: (77,), shape=tuple) for item in items]

    def runs_alone(self, encoded):
        self.asked.append(encoded.item.seed)
        return encoded.item.prompt == "alone"

    def max_repeat(self):
        return 4

    def sample(self, batch, callback):
        self.calls.append(("sample", len(batch)))
        if len(batch) > self.most:
            raise MemoryError
        preview = torch.zeros(len(batch), 1)
        for part in torch.split(preview, 1) if self.apart else [preview]:
            callback(0, part, part, 2)
        return torch.tensor([[float(encoded.item.seed)] for encoded in batch])

    def refine(self, batch, latents, callback):
        if self.refiner is None:
            return latents
        self.calls.append(("refine", len(batch)))
        callback(0, latents, latents, 2)
        return latents + 100

    def decode(self, latents):
        return latents.numpy().astype(np.uint8).reshape(-1, 1, 1, 1)


def items(count, prompt="text"):
    return [Item("cat", rank, 0, prompt, "", (), rank) for rank in range(count)]


def make(pipeline, missing, batch_size=4, prefetch=0, base_share=1.0):
    made, reports = {}, []
    loop = GenerationLoop(
        pipeline,
        lambda item, picture: made.__setitem__(item.seed, int(picture.item())),
        lambda done, preview: reports.append(done),
        lambda error: isinstance(error, MemoryError),
        lambda: pipeline.calls.append(("release_memory", 0)),
        batch_size=batch_size,
        steps=2,
        base_share=base_share,
        prefetch=prefetch,
    )
    assert loop.generate(missing) == len(missing)
    pipeline.size = loop.batch_size
    return made, reports


def test_each_item_gets_its_own_picture_once():
    pipeline = Numbers()
    assert make(pipeline, items(10))[0] == {seed: seed for seed in range(10)}
    assert pipeline.calls == [("encode", 4), ("sample", 4), ("encode", 4), ("sample", 4), ("encode", 2), ("sample", 2)]


def test_what_cannot_share_a_batch_runs_alone():
    pipeline = Numbers()
    make(pipeline, items(3, "alone"))
    assert pipeline.asked == [0, 1, 2], "once each"
    assert pipeline.calls == [("encode", 3), ("sample", 1), ("sample", 1), ("sample", 1)]


def test_on_a_small_device_each_model_is_loaded_once_for_many_items():
    pipeline = Numbers(refiner="a model")
    assert make(pipeline, items(6), prefetch=6)[0] == {seed: seed + 100 for seed in range(6)}
    assert pipeline.calls == [("encode", 6), ("sample", 4), ("sample", 2), ("refine", 4), ("refine", 2)]


def test_items_wait_for_others_of_their_length():
    """The regression: each chunk was drawn by itself, so 512 sentences of 19 lengths took 126 batches of up to 8.

    40 items of 8 lengths in turn: of the first 24 none fills a batch of 4, and by chunks there would be 16 batches.
    """

    class Sentences(Numbers):
        def encode(self, chunk):
            self.calls.append(("encode", len(chunk)))
            return [
                SimpleNamespace(item=item, lengths=lambda length=50 + item.seed % 8: (length,), shape=tuple)
                for item in chunk
            ]

        def max_repeat(self):
            return 1

    pipeline = Sentences()
    made, reports = make(pipeline, items(40), batch_size=4, prefetch=24)
    assert made == {seed: seed for seed in range(40)}
    assert reports == sorted(reports)
    assert [count for call, count in pipeline.calls if call == "encode"] == [24, 16]
    assert [count for call, count in pipeline.calls if call == "sample"] == [4] * 8 + [1] * 8


def test_what_waits_is_bounded_and_drawn_in_the_end():
    class Waiting(Numbers):
        """All lengths differ."""

        def encode(self, chunk):
            self.calls.append(("encode", len(chunk)))
            return [
                SimpleNamespace(item=item, lengths=lambda length=50 + item.seed: (length,), shape=tuple)
                for item in chunk
            ]

        def max_repeat(self):
            return 1

    pipeline = Waiting()
    assert make(pipeline, items(20), batch_size=4, prefetch=6)[0] == {seed: seed for seed in range(20)}
    held = most = 0
    for call, count in pipeline.calls:
        held += count if call == "encode" else -count
        most = max(most, held)
    assert most == 12, "those that wait and those that were just encoded"


def test_a_smaller_batch_stays_small():
    pipeline = Numbers(most=2)
    assert make(pipeline, items(9), batch_size=8)[0] == {seed: seed for seed in range(9)}
    assert [count for call, count in pipeline.calls if call == "sample"] == [8, 4, 2, 2, 2, 2, 1]
    assert pipeline.calls.count(("release_memory", 0)) == 2
    assert pipeline.size == 2


@pytest.mark.parametrize("prefetch", [0, 8])
def test_progress_never_goes_back_and_ends_at_all_images(prefetch):
    reports = make(Numbers(refiner="a model"), items(8), prefetch=prefetch, base_share=0.5)[1]
    assert reports == sorted(reports)
    assert reports[-1] == 8


def test_progress_of_a_batch_that_falls_apart_counts_its_images():
    """The regression: after the first image's steps the bar stood at the end of the whole batch."""
    pipeline = Numbers(refiner="a model")
    pipeline.apart = True
    reports = make(pipeline, items(4))[1]
    assert reports == [0.5, 1, 1.5, 2, 4, 4], "half of each image's two steps, those of the refiner together, the end"


def test_progress_stands_still_while_a_batch_is_made_again_in_halves():
    """The regression: it jumped back to where the batch began."""

    class LateShort(Numbers):
        def sample(self, batch, callback):
            latents = super().sample(batch, callback)
            if len(batch) > 2:
                raise MemoryError
            return latents

    reports = make(LateShort(), items(8), batch_size=8)[1]
    assert reports == sorted(reports)
    assert reports[-1] == 8


def test_stopping_keeps_what_was_handed_over():
    made = []

    def report(done, preview):
        if done >= 4:
            raise InterruptedError

    loop = GenerationLoop(
        Numbers(), lambda item, picture: made.append(item.seed), report, lambda error: False, lambda: None,
        batch_size=2, steps=2,
    )  # fmt: skip
    with pytest.raises(InterruptedError):
        loop.generate(items(8))
    assert made == [0, 1, 2, 3]

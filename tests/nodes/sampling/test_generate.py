"""The loop over a studio of plain numbers: what is made, in which order, and what is reported."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hyponet.nodes.prompts.item import Item
from hyponet.nodes.sampling.generate import Run


class Numbers:
    """A latent is its item's seed; refining adds 100; a picture is one pixel of that value. Writes down each call."""

    def __init__(self, refiner=None, most=99):
        self.refiner, self.most, self.calls = refiner, most, []

    def encode(self, items):
        self.calls.append(("encode", len(items)))
        return [SimpleNamespace(item=item, lengths=lambda: (77,)) for item in items]

    def runs_alone(self, encoded):
        return encoded.item.prompt == "alone"

    def longest_repeat(self):
        return 4

    def sample(self, batch, callback):
        self.calls.append(("sample", len(batch)))
        if len(batch) > self.most:
            raise MemoryError
        callback(0, "preview", None, 2)
        return torch.tensor([[float(each.item.seed)] for each in batch])

    def refine(self, batch, latents, callback):
        if self.refiner is None:
            return latents
        self.calls.append(("refine", len(batch)))
        callback(0, None, None, 2)
        return latents + 100

    def decode(self, latents):
        return latents.numpy().astype(np.uint8).reshape(-1, 1, 1, 1)


def items(count, prompt="text"):
    return [Item("cat", rank, 0, prompt, "", (), rank) for rank in range(count)]


def make(studio, wanted, batch_size=4, ahead=0, base_share=1.0):
    made, reports = {}, []
    run = Run(
        studio,
        lambda item, picture: made.__setitem__(item.seed, int(picture.item())),
        lambda done, preview: reports.append(done),
        lambda error: isinstance(error, MemoryError),
        lambda: studio.calls.append(("recover", 0)),
        batch_size=batch_size,
        steps=2,
        base_share=base_share,
        ahead=ahead,
    )
    assert run.make(wanted) == len(wanted)
    return made, reports


def test_each_item_gets_its_own_picture_once():
    studio = Numbers()
    assert make(studio, items(10))[0] == {seed: seed for seed in range(10)}
    assert studio.calls == [("encode", 4), ("sample", 4), ("encode", 4), ("sample", 4), ("encode", 2), ("sample", 2)]


def test_what_cannot_share_a_batch_runs_alone():
    studio = Numbers()
    make(studio, items(3, "alone"))
    assert studio.calls == [("encode", 3), ("sample", 1), ("sample", 1), ("sample", 1)]


def test_on_a_small_device_each_model_is_loaded_once_for_many_items():
    studio = Numbers(refiner="a model")
    assert make(studio, items(6), ahead=6)[0] == {seed: seed + 100 for seed in range(6)}
    assert studio.calls == [("encode", 6), ("sample", 4), ("sample", 2), ("refine", 4), ("refine", 2)]


def test_a_smaller_batch_stays_small():
    studio = Numbers(most=2)
    assert make(studio, items(9), batch_size=8)[0] == {seed: seed for seed in range(9)}
    assert [count for call, count in studio.calls if call == "sample"] == [8, 4, 2, 2, 2, 2, 1]
    assert studio.calls.count(("recover", 0)) == 2


@pytest.mark.parametrize("ahead", [0, 8])
def test_progress_never_goes_back_and_ends_at_all_images(ahead):
    reports = make(Numbers(refiner="a model"), items(8), ahead=ahead, base_share=0.5)[1]
    assert reports == sorted(reports)
    assert reports[-1] == 8


def test_stopping_keeps_what_was_handed_over():
    made = []

    def report(done, preview):
        if done >= 4:
            raise InterruptedError

    run = Run(
        Numbers(), lambda item, picture: made.append(item.seed), report, lambda error: False, lambda: None,
        batch_size=2, steps=2,
    )  # fmt: skip
    with pytest.raises(InterruptedError):
        run.make(items(8))
    assert made == [0, 1, 2, 3]

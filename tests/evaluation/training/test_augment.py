"""Flips and shifts move whole pictures, by the drawn amounts, as padding and cropping would."""

from __future__ import annotations

import numpy as np
import torch

from hyponet.evaluation.training.augment import EpochDraw, draw_epoch, gather


def pictures(count=6, side=8):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8))


def test_without_augmentation_pictures_are_only_reordered():
    images = pictures()
    draw = draw_epoch(6, 8, "none", seed=1, epoch=0)
    assert sorted(draw.order.tolist()) == list(range(6))
    assert torch.equal(gather(images, draw.order, draw), images[draw.order])


def test_a_shift_is_padding_by_reflection_and_a_crop():
    images = pictures()
    shifts = torch.tensor([[-2, 1], [0, 0], [2, 2], [-1, -2], [1, 0], [2, -2]])
    draw = EpochDraw(torch.arange(6), torch.tensor([False, True, False, True, False, True]), shifts)
    ours = gather(images, draw.order, draw)
    for i, (down, right) in enumerate(shifts.tolist()):
        padded = np.pad(images[i].numpy(), ((2, 2), (2, 2), (0, 0)), mode="reflect")
        cropped = padded[2 + down : 10 + down, 2 + right : 10 + right]
        assert np.array_equal(ours[i].numpy(), cropped[:, ::-1] if draw.flipped[i] else cropped)


def test_flips_alternate_from_epoch_to_epoch():
    images = pictures()
    at = torch.arange(6)
    one, two, three = (draw_epoch(6, 8, "flip", seed=3, epoch=epoch) for epoch in range(3))
    assert torch.equal(one.flipped, ~two.flipped)
    assert torch.equal(one.flipped, three.flipped)
    assert torch.equal(gather(images, at, one), gather(images, at, two).flip(2))


def test_a_draw_for_a_part_of_a_tensor_shows_the_same_batches():
    whole, places = pictures(9), torch.tensor([0, 2, 3, 5, 6, 8])
    part = whole[places]
    for augmentation in ("none", "flip", "flip and crop"):
        draw = draw_epoch(6, 8, augmentation, seed=3, epoch=1)
        placed = draw.at_places(places, 9)
        assert torch.equal(gather(whole, placed.order, placed), gather(part, draw.order, draw))


def test_draws_are_per_sample_and_fair():
    draw = draw_epoch(20_000, 32, "flip and crop", seed=0, epoch=0)
    # 20,000 fair flips: sd 71; 9 equally likely shifts: expected 2,222 each, sd 44
    assert abs(int(draw.flipped.sum()) - 10_000) < 5 * 71
    for axis in (0, 1):
        counts = np.bincount(draw.shifts[:, axis] + 4, minlength=9)
        assert len(counts) == 9
        assert np.abs(counts - 20_000 / 9).max() < 5 * 44


def test_a_draw_depends_on_seed_and_epoch_alone():
    def order(seed, epoch):
        return draw_epoch(50, 32, "flip and crop", seed, epoch).order.tolist()

    assert order(1, 2) == order(1, 2)
    assert len({tuple(order(seed, epoch)) for seed in (0, 1, 2**40) for epoch in (0, 1)}) == 6

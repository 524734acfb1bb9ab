"""Flips and shifts move whole pictures, by the drawn amounts, as padding and cropping would."""

from __future__ import annotations

import numpy as np
import torch

from hyponet.evaluation.training.augment import EpochPlan, epoch_plan, gather


def pictures(count=6, side=8):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8))


def test_without_augmentation_pictures_are_only_reordered():
    images = pictures()
    plan = epoch_plan(6, 8, "none", seed=1, epoch=0)
    assert sorted(plan.order.tolist()) == list(range(6))
    assert torch.equal(gather(images, plan.order, plan), images[plan.order])


def test_a_shift_is_padding_by_reflection_and_a_crop():
    images = pictures()
    shifts = torch.tensor([[-2, 1], [0, 0], [2, 2], [-1, -2], [1, 0], [2, -2]])
    plan = EpochPlan(torch.arange(6), torch.tensor([False, True, False, True, False, True]), shifts)
    ours = gather(images, plan.order, plan)
    for i, (down, right) in enumerate(shifts.tolist()):
        padded = np.pad(images[i].numpy(), ((2, 2), (2, 2), (0, 0)), mode="reflect")
        cropped = padded[2 + down : 10 + down, 2 + right : 10 + right]
        assert np.array_equal(ours[i].numpy(), cropped[:, ::-1] if plan.flipped[i] else cropped)


def test_flips_alternate_from_epoch_to_epoch():
    images = pictures()
    indices = torch.arange(6)
    one, two, three = (epoch_plan(6, 8, "flip", seed=3, epoch=epoch) for epoch in range(3))
    assert torch.equal(one.flipped, ~two.flipped)
    assert torch.equal(one.flipped, three.flipped)
    assert torch.equal(gather(images, indices, one), gather(images, indices, two).flip(2))


def test_a_plan_for_a_part_of_a_tensor_shows_the_same_batches():
    whole, indices = pictures(9), torch.tensor([0, 2, 3, 5, 6, 8])
    part = whole[indices]
    for augmentation in ("none", "flip", "flip and crop"):
        plan = epoch_plan(6, 8, augmentation, seed=3, epoch=1)
        within = plan.within(indices, 9)
        assert torch.equal(gather(whole, within.order, within), gather(part, plan.order, plan))


def test_plans_are_per_sample_and_fair():
    plan = epoch_plan(20_000, 32, "flip and crop", seed=0, epoch=0)
    # 20,000 fair flips: sd 71; 9 equally likely shifts: expected 2,222 each, sd 44
    assert abs(int(plan.flipped.sum()) - 10_000) < 5 * 71
    for axis in (0, 1):
        counts = np.bincount(plan.shifts[:, axis] + 4, minlength=9)
        assert len(counts) == 9
        assert np.abs(counts - 20_000 / 9).max() < 5 * 44


def test_a_plan_depends_on_seed_and_epoch_alone():
    def order(seed, epoch):
        return epoch_plan(50, 32, "flip and crop", seed, epoch).order.tolist()

    assert order(1, 2) == order(1, 2)
    assert len({tuple(order(seed, epoch)) for seed in (0, 1, 2**40) for epoch in (0, 1)}) == 6

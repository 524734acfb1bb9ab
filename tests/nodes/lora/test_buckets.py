from __future__ import annotations

import pytest
import torch

from hyponet.nodes.lora.buckets import bucket_sizes, epoch_batches, fit, steps_per_epoch


def test_the_buckets_of_512_are_those_of_the_thesis_trainer():
    # by hand from its rule: for each width in 256, 320, ..., the largest height in steps of 64 with
    # width x height <= 512 x 512, both ways round
    half = [(256, 832), (256, 896), (256, 960), (256, 1024), (320, 704), (320, 768), (384, 640), (448, 576)]
    square = [(512, 512)]
    assert bucket_sizes(512, 256, 2048) == sorted(half + square + [(h, w) for w, h in half])


def test_the_buckets_of_1024_reach_the_largest_side():
    sizes = bucket_sizes(1024, 256, 2048)
    # the published training sizes of SDXL (Podell et al. 2023, appendix I) around the square
    assert {(1024, 1024), (1152, 896), (1216, 832), (1344, 768), (1536, 640)} <= set(sizes)
    assert max(max(size) for size in sizes) == 2048


def test_limits_that_leave_no_size_are_refused():
    with pytest.raises(ValueError, match="resolution is 128, min_bucket 256"):
        bucket_sizes(128, 256, 2048)


@pytest.mark.parametrize(
    ("picture", "size"),
    [((512, 512), (512, 512)), ((32, 32), (512, 512)), ((1000, 500), (704, 320)), ((300, 1200), (256, 1024))],
)
def test_a_picture_goes_to_the_bucket_of_its_shape(picture, size):
    # 2:1 lies nearest to 704x320 (2.2) in log ratio; 640x384 is 1.67, 768x320 is 2.4
    assert fit(*picture, bucket_sizes(512, 256, 2048)).size == size


def test_a_picture_is_cut_in_the_middle_and_never_squashed():
    found = fit(1000, 500, [(512, 512)])
    assert found.resized == (1024, 512)
    assert (found.left, found.top) == (256, 0)


def test_an_epoch_shows_every_picture_once_in_batches_of_one_size():
    sizes = [(64, 64)] * 7 + [(128, 64)] * 4
    batches = epoch_batches(sizes, 5, torch.Generator().manual_seed(0))
    assert sorted(i for batch in batches for i in batch) == list(range(11))
    assert sorted(len(batch) for batch in batches) == [2, 4, 5]
    assert all(len({sizes[i] for i in batch}) == 1 for batch in batches)
    assert len(batches) == steps_per_epoch(sizes, 5) == 3


def test_the_order_follows_the_generator():
    sizes = [(64, 64)] * 10
    generator = torch.Generator().manual_seed(1)
    first, second = epoch_batches(sizes, 5, generator), epoch_batches(sizes, 5, generator)
    assert first != second
    assert epoch_batches(sizes, 5, torch.Generator().manual_seed(1)) == first

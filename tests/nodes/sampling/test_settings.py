from __future__ import annotations

import pytest

from hyponet.nodes.sampling.settings import SamplingSettings, refiner_step

GOOD = {"width": 512, "height": 512, "steps": 30, "cfg": 7.5, "sampler": "euler", "scheduler": "karras"}


def test_a_side_that_is_no_multiple_of_8_is_refused():
    with pytest.raises(ValueError, match="width is 500; expected a multiple of 8; try 496"):
        SamplingSettings(**{**GOOD, "width": 500}, batch_size=4, denoise=1.0, switch_at=0.8)


# round(steps * x), at least one step on each side; Python rounds halves to even
@pytest.mark.parametrize(
    ("steps", "share", "expected"), [(30, 0.8, 24), (2, 0.8, 1), (2, 0.0, 1), (5, 1.0, 4), (20, 0.33, 7), (5, 0.5, 2)]
)
def test_refiner_takes_over_with_a_step_on_each_side(steps, share, expected):
    assert refiner_step(steps, share) == expected


def test_one_step_cannot_be_shared():
    with pytest.raises(ValueError, match="steps is 1 with a refiner"):
        refiner_step(1, 0.8)


def test_batch_size_and_unused_values_are_no_part_of_the_identity():
    first = SamplingSettings(**GOOD, batch_size=1, denoise=1.0, switch_at=0.5)
    second = SamplingSettings(**GOOD, batch_size=8, denoise=1.0, switch_at=0.8)
    assert (
        first.identity(start_image="", has_refiner=False) == second.identity(start_image="", has_refiner=False) == GOOD
    )
    assert first.identity(start_image="", has_refiner=True) != second.identity(start_image="", has_refiner=True)

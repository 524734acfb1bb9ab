from __future__ import annotations

from dataclasses import replace

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
    assert first.identity(start_image="", connected=()) == second.identity(start_image="", connected=()) == GOOD
    refined = {"refiner_model": "CheckpointLoaderSimple output 0"}
    assert first.identity(start_image="", connected=refined) != second.identity(start_image="", connected=refined)


def test_what_a_graph_gives_takes_the_place_of_settings_in_the_identity():
    """Two sets that differ in a widget that nothing reads are one."""
    chosen = SamplingSettings(**GOOD, batch_size=1, denoise=0.5, switch_at=0.5)
    assert set(chosen.identity(start_image="", connected={"sigmas"})) == set(GOOD) - {"steps", "scheduler"}
    assert "denoise" not in chosen.identity(start_image="ab", connected={"sigmas"})
    assert set(chosen.identity(start_image="", connected={"guider", "sampler"})) == set(GOOD) - {"cfg", "sampler"}


def test_cfg_counts_beside_a_guider_where_a_refiner_goes_on_by_it():
    """The regression: a set was gone on with at another cfg, by which its refiner had drawn."""
    chosen = SamplingSettings(**GOOD, batch_size=1, denoise=1.0, switch_at=0.5)
    assert chosen.identity(start_image="", connected={"guider", "refiner_model"})["cfg"] == GOOD["cfg"]


def test_guidance_and_a_zeroed_negative_are_part_of_the_identity_where_they_are_set():
    plain = SamplingSettings(**GOOD, batch_size=1, denoise=1.0, switch_at=0.5)
    guided = replace(plain, guidance=2.5, zero_negative=True)
    added = {"guidance": 2.5, "zero_negative": True}
    assert guided.identity(start_image="", connected=()) == {**plain.identity(start_image="", connected=()), **added}

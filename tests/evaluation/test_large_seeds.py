"""A seed and one whose lower 32 bits are equal give other draws: torch's generator on a CPU takes no more of it.

ComfyUI's seeds go up to 2^64. Of the first weights: training/test_model.py.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from hyponet.evaluation.metrics.conventions import Preparation
from hyponet.evaluation.metrics.distortion import DistortedPictures
from hyponet.evaluation.metrics.inception_score import measure_inception_score
from hyponet.evaluation.metrics.kid import measure_kid
from hyponet.evaluation.pictures.draws import limited
from hyponet.evaluation.pictures.split import split
from hyponet.evaluation.training.augment import epoch_plan
from hyponet.evaluation.training.settings import Settings
from hyponet.evaluation.training.train import train
from hyponet.nodes.lora.sample import sample_each_class

from .metrics.inception_fixtures import made_up
from .sample_pictures import colours


def order(seed):
    return epoch_plan(200, 16, "none", seed, 0).order


def flips(seed):
    return epoch_plan(200, 16, "flip", seed, 0).flipped


def shifts(seed):
    return epoch_plan(200, 16, "flip and crop", seed, 0).shifts


def limit(seed):
    return limited(colours(each=40), 10, seed).indices


def part(seed):
    return split(colours(each=40), 0.5, seed)[0].indices


def noise(seed):
    return DistortedPictures(colours(), "noise", 0.5, seed, Preparation()).read(0)


def pictures_of_a_lora(seed):
    data = colours(each=40)
    return sample_each_class(data.labels, data.class_names, 10, seed)


@pytest.mark.parametrize("draw", [order, flips, shifts, limit, part, noise, pictures_of_a_lora])
def test_what_is_drawn_by_a_seed_follows_all_of_its_bits(draw):
    drawn = [np.asarray(draw(seed)).tolist() for seed in (5, 5 + 2**32, 5 + 2**33, 2**64 - 1)]
    assert all(one != other for number, one in enumerate(drawn) for other in drawn[:number])
    assert np.asarray(draw(5)).tolist() == drawn[0]


def test_held_out_pictures_follow_all_bits_of_their_seed(tmp_path):
    """Of one training with two held-out draws: what is kept from it decides its normalisation and its weights."""
    settings = Settings(size=16, epochs=1, batch_size=8, held_out=0.25, held_out_seed=5)
    runs = [
        train(colours(), replace(settings, held_out_seed=seed), tmp_path / str(seed)).last for seed in (5, 5 + 2**32)
    ]
    assert runs[0].provenance.identity != runs[1].provenance.identity
    first, second = (run.model().state_dict() for run in runs)
    assert any(not torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("measure", [partial(measure_kid, subset_size=5), partial(measure_inception_score, splits=2)])
def test_draws_of_numpys_refuse_what_they_would_cut_off(measure):
    """torch-fidelity's draws are those of numpy's RandomState, which takes 32 bits and says so."""
    values = np.random.default_rng(0).random((2, 20, 8))
    sets = [made_up(values[0])] if measure.func is measure_inception_score else list(map(made_up, values))
    measure(*sets, seed=2**32 - 1)
    with pytest.raises(ValueError, match=r"2\*\*32"):
        measure(*sets, seed=2**32)


def test_nodes_whose_generators_take_32_bits_offer_no_more():
    from hyponet.nodes.lora.nodes import HypoNetTrainLora
    from hyponet.nodes.metrics.nodes import HypoNetMeasureInceptionScore
    from hyponet.nodes.metrics.reference.nodes import HypoNetMeasureKID

    for node in (HypoNetTrainLora, HypoNetMeasureInceptionScore, HypoNetMeasureKID):
        (seed,) = (each for each in node.define_schema().inputs if each.id == "seed")
        assert seed.max == 2**32 - 1, node.__name__

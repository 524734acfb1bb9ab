"""A convention's name promises the number of the tool that it is named after, so the defaults are that tool's."""

from __future__ import annotations

import pytest

from hyponet.evaluation.metrics.conventions import CONVENTIONS, Preparation


def inputs_of(node):
    return {each.id: each for each in node.define_schema().inputs}


@pytest.fixture
def nodes_with_a_convention():
    from hyponet.nodes.extension import NODES

    return [node for node in NODES if "convention" in inputs_of(node)]


def test_pictures_are_measured_as_they_are_unless_told_otherwise(nodes_with_a_convention):
    """torch-fidelity, pytorch-fid, clean-fid and torchmetrics resize the picture that they are given to 299, once."""
    assert len(nodes_with_a_convention) >= 3
    for node in nodes_with_a_convention:
        assert inputs_of(node)["size"].default == 0, node.__name__
    assert all(Preparation(convention).size == 0 for convention in CONVENTIONS)


def test_the_other_defaults_are_torch_fidelitys():
    """torch-fidelity 0.4.0's: isc_splits 10, kid_subsets 100 of 1000, degree 3, gamma None, coef0 1, rng_seed 2020."""
    from hyponet.nodes.metrics.nodes import HypoNetMeasureInceptionScore, HypoNetMeasureKID

    score = inputs_of(HypoNetMeasureInceptionScore)
    assert (score["splits"].default, score["seed"].default) == (10, 2020)
    kid = inputs_of(HypoNetMeasureKID)
    names = ("subsets", "subset_size", "degree", "gamma", "coef0", "seed")
    assert [kid[name].default for name in names] == [100, 1000, 3, 0, 1, 2020]

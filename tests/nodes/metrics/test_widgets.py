"""A convention's name promises the number of the tool that it is named after, so the defaults are that tool's."""

from __future__ import annotations

import json

import pytest
from torch_fidelity.defaults import DEFAULTS

from hyponet.evaluation.metrics.conventions import CONVENTIONS, Preparation
from tools.dev.places import ROOT


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
    """As its own table of defaults has them; a gamma of None is 1 / features there, and 0 here."""
    from hyponet.nodes.metrics.nodes import HypoNetMeasureInceptionScore
    from hyponet.nodes.metrics.reference.nodes import HypoNetMeasureKID, HypoNetMeasurePrecisionRecall

    score, kid, neighbours = map(
        inputs_of, (HypoNetMeasureInceptionScore, HypoNetMeasureKID, HypoNetMeasurePrecisionRecall)
    )
    ours = {
        "isc_splits": score["splits"].default,
        "kid_subsets": kid["subsets"].default,
        "kid_subset_size": kid["subset_size"].default,
        "kid_kernel_poly_degree": kid["degree"].default,
        "kid_kernel_poly_gamma": kid["gamma"].default or None,
        "kid_kernel_poly_coef0": kid["coef0"].default,
        "prc_neighborhood": neighbours["closed_k"].default,
    }
    assert ours == {name: DEFAULTS[name] for name in ours}
    assert score["seed"].default == kid["seed"].default == DEFAULTS["rng_seed"]
    assert neighbours["open_k"].default == 5, "Naeem et al. 2020, section 5, whose code prdc is"


def test_no_shipped_workflow_measures_reduced_pictures_under_the_name_of_the_default_convention():
    """torch-fidelity never reduces a picture first; clean-fid's at 32 px is what the thesis did, and is its figure."""
    for path in sorted((ROOT / "workflows" / "api").glob("*.json")):
        for node in json.loads(path.read_text("utf-8")).values():
            widgets = node["inputs"]
            if "convention" in widgets:
                assert widgets["size"] == 0 or "table_5" in path.name or "figure_5" in path.name, path.name

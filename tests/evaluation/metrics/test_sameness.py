"""Sameness: pictures of one prompt against pictures of one class, by numpy's distances."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hyponet.evaluation.metrics.conventions import Preparation
from hyponet.evaluation.metrics.features import ImageFeatures
from hyponet.evaluation.metrics.sameness import measure_sameness


def features_of(values, labels):
    values = np.asarray(values, dtype=np.float32)
    return ImageFeatures(
        "set", ("cat", "ship"), np.asarray(labels), values, values, "net", "w", Preparation(), "content"
    )


def mean_distance(values):
    return np.mean([np.linalg.norm(a - b) for a, b in itertools.combinations(values, 2)])


def test_the_figures_are_those_of_numpy():
    draw = np.random.default_rng(0)
    values, labels = draw.normal(size=(11, 8)).astype(np.float32), [0] * 6 + [1] * 5
    prompts = ["a", "a", "a", "b", "b", "c", "a", "a", "d", "d", "d"]
    figures = measure_sameness(features_of(values, labels), prompts).figures
    cat, ship = values[:6], values[6:]
    cat_prompts = np.mean([mean_distance(cat[:3]), mean_distance(cat[3:5])])
    ship_prompts = np.mean([mean_distance(ship[:2]), mean_distance(ship[2:])])
    within_class = np.mean([mean_distance(cat), mean_distance(ship)])
    assert figures["within_class"] == pytest.approx(within_class, rel=1e-6)
    assert figures["within_prompt"] == pytest.approx(np.mean([cat_prompts, ship_prompts]), rel=1e-6)
    assert figures["ratio"] == pytest.approx(np.mean([cat_prompts, ship_prompts]) / within_class, rel=1e-6)
    assert figures["different_prompts"] == 5 / 11, "a is a prompt of either class"
    assert figures["per_class"]["cat"]["prompts"] == 3


def test_a_collapsed_model_has_a_ratio_near_0_and_one_whose_prompts_do_not_matter_near_1():
    draw = np.random.default_rng(1)
    prompts = [f"prompt {i // 4}" for i in range(40)]
    centres = np.repeat(draw.normal(size=(10, 16)), 4, axis=0)
    collapsed = measure_sameness(features_of(centres + 0.01 * draw.normal(size=(40, 16)), [0] * 40), prompts)
    assert collapsed.figures["ratio"] < 0.05
    careless = measure_sameness(features_of(draw.normal(size=(40, 16)), [0] * 40), prompts)
    assert 0.9 < careless.figures["ratio"] < 1.1


def test_without_a_shared_prompt_there_is_no_ratio_and_a_distilled_model_is_named():
    values = np.eye(4)
    made = measure_sameness(features_of(values, [0, 0, 1, 1]), list("abcd"), "z_image_turbo.safetensors")
    assert (made.figures["within_prompt"], made.figures["ratio"]) == (None, None)
    assert any("no two pictures share a prompt" in warning for warning in made.warnings)
    assert any("hardly vary by seed, and this set is by one (z_image_turbo" in warning for warning in made.warnings)
    with pytest.raises(ValueError, match="2 prompts and 4 pictures"):
        measure_sameness(features_of(values, [0, 0, 1, 1]), ["a", "b"])
    with pytest.raises(ValueError, match="no class of set has two pictures"):
        measure_sameness(features_of(values[:2], [0, 1]), ["a", "b"])

"""Training's nodes in this process: what stop leaves on the disk and what is said of it, and rounds of a top-up."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
import torch

from hyponet.evaluation.pictures.split import split
from hyponet.evaluation.training import progress as progress_module
from hyponet.evaluation.training.settings import Settings
from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.plan import Plan

from ...evaluation.sample_pictures import colours
from ..prompts.prompt_fixtures import library

SETTINGS = Settings(size=16, epochs=2, batch_size=8, seed=4)  # of 24 pictures: 3 steps an epoch, 6 in all


@pytest.fixture(scope="module")
def engine():
    if not os.environ.get("HYPONET_COMFYUI"):
        pytest.fail("HYPONET_COMFYUI is not set; run the tests by `python3 dev.py test`")
    from comfy.cli_args import args

    args.cpu = True
    from hyponet.nodes.training import engine

    return engine


@pytest.fixture
def lines(engine, tmp_path, monkeypatch):
    """What the node says below itself, in order; its files go to a folder of the test."""
    import hyponet.nodes.engine

    lines = []
    for module in (hyponet.nodes.engine, engine):
        monkeypatch.setattr(module, "progress_text", lambda text, node_id: lines.append(text))
    monkeypatch.setattr(engine, "classifiers_dir", lambda: tmp_path / "classifiers")
    monkeypatch.setattr(engine, "results_dir", lambda: tmp_path / "results")
    return lines


def train(engine, settings=SETTINGS, runs=1):
    with torch.inference_mode():
        return engine.train_runs(colours(), settings, "cats", runs, False, None, None)


@pytest.mark.parametrize("is_exception", [True, False])  # ComfyUI's interrupt is one up to 0.18, and none from 0.33 on
def test_stop_keeps_the_steps_that_the_last_line_names(engine, lines, tmp_path, monkeypatch, is_exception):
    import comfy.model_management
    import comfy.utils

    class Interrupt(Exception if is_exception else BaseException):
        pass

    monkeypatch.setattr(comfy.model_management, "InterruptProcessingException", Interrupt)
    monkeypatch.setattr(progress_module, "REPORT_SECONDS", 0.0)
    monkeypatch.setattr(comfy.utils, "PROGRESS_THROTTLE_MIN_INTERVAL", 0.0, raising=False)  # of newer ComfyUIs

    def hook(value, total, preview, **_):
        if (value, total) == (4, 6):
            comfy.model_management.interrupt_current_processing()

    comfy.utils.set_progress_bar_global_hook(hook)
    try:
        with pytest.raises(Interrupt):
            train(engine)
    finally:
        comfy.utils.set_progress_bar_global_hook(None)
    assert lines[-1] == "stopped; 4 steps are kept: queue again to resume"
    assert {path.name for path in tmp_path.rglob("*.*") if path.is_file()} == {"state.pt", "last.safetensors"}
    train(engine)
    assert lines[-1] == "trained"
    assert not list(tmp_path.rglob("state.pt"))
    train(engine)  # finished before
    assert lines[-1] == "trained"


def test_a_run_that_went_astray_keeps_nothing_and_says_so(engine, lines):
    with pytest.raises(ValueError, match="went astray"):
        train(engine, replace(SETTINGS, epochs=12, learning_rate=100.0, optimizer="SGD"))
    assert lines[-1] == "nothing is kept"


@pytest.mark.parametrize("source", ["CIFAR-10", "STL-10"])
def test_what_was_downloaded_to_the_usual_folder_is_no_set_of_ours(engine, source):
    """With download on, path may be empty: nothing is looked up there to say what a plan's set has beyond its plan."""
    from hyponet.nodes.training.data.engine import beyond_plan_of

    assert beyond_plan_of(source, "", None) == ""


def test_the_next_round_knows_the_pictures_that_steered_in_every_figure(engine, lines, tmp_path, monkeypatch):
    """12 of the 24 test pictures steer and all 24 are tested on; the curve's test pictures are those it learned."""
    from hyponet.nodes.training.loop import engine as loop

    for module in (engine, loop):
        monkeypatch.setattr(module, "samples_dir", lambda: tmp_path / "samples")
    monkeypatch.setattr(loop, "results_dir", lambda: tmp_path / "results")
    monkeypatch.setattr(loop, "classifiers_dir", lambda: tmp_path / "classifiers")
    photos = colours(seed=1).named("photos")
    steering, reported = split(photos, 0.5, seed=0)
    plan = Plan([ClassSpec(name) for name in photos.class_names], "a __class__", library({}), images_per_class=4)
    with torch.inference_mode():
        (trained,) = train(engine, replace(SETTINGS, epochs=1)).checkpoints
        (first,) = engine.test([trained], [steering], "cats", 4, None).results
        assert not [warning for warning in first.warnings if "steered" in warning]
        topped, decided, _ = loop.top_up(plan, [first], steering, reported, 5, "accuracy", "round 1")
        assert sum(map(topped.count, topped.labels)) == 12 + 5
        (second,) = engine.test([trained], [photos], "cats", 4, None).results
        compared, _ = engine.compare([trained], [trained], photos, "cats", None)
        curve, table, _ = loop.learning_curve([trained], colours(), colours(), "4", "curve", None)
    said = f"photos: not to be reported: {len(steering)} of 24 test pictures steered the top-up round 1"
    assert said in second.warnings
    assert said in compared.warnings
    assert decided.figures["added"] == 5
    assert [point["shared"] for point in curve.figures["points"]] == [12, 24]
    assert "24 of 24 test pictures are of the training set" in table

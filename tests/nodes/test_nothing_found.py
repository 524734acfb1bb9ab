"""What a node gives and shows that looked for pictures and found none: it says so, and its picture is a note of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hyponet.evaluation.pictures.labelled_images import labelled
from hyponet.evaluation.training import accuracy
from hyponet.evaluation.training.settings import Settings
from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.plan import Plan

from ..evaluation.sample_pictures import MemoryPictures, colours
from .prompts.prompt_fixtures import library

pytestmark = pytest.mark.comfyui


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """ComfyUI's folders, in one of the test."""
    from comfy.cli_args import args

    args.cpu = True
    import folder_paths

    for kind in ("output", "temp"):
        monkeypatch.setattr(folder_paths, f"{kind}_directory", str(tmp_path / kind))


def is_note(picture):
    """Whether something is written on the white [1,H,W,3]; regression: the sheet of no pairs was white all over."""
    return picture.shape[0] == 1 and picture.max() == 1 and picture.min() < 0.5


def noise(seed, name):
    """Eight pictures of noise: the hashes of any two differ in about half of their bits."""
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 32, 32, 3), np.uint8)
    return labelled(name, ("cat", "dog"), np.arange(8) % 2, MemoryPictures(list(pixels)))


def test_two_sets_without_a_near_copy():
    from hyponet.nodes.metrics.copies.nodes import HypoNetFindCopies

    output = HypoNetFindCopies.execute(images=noise(0, "made"), reference=noise(1, "photos"), cosine=0.95, name="")
    _, table, sheet, near = output.result
    assert near == 0
    assert is_note(sheet)
    assert table.endswith("\n\nNo near copy was found.")
    assert output.ui["text"] == [table]
    assert "images" not in output.ui


def test_a_classifier_without_a_mistake(monkeypatch):
    from hyponet.nodes.training import engine

    measure = accuracy.measure_accuracy
    monkeypatch.setattr(accuracy, "measure_accuracy", lambda *given: replace(measure(*given), mistakes=()))
    trained = engine.train_runs(colours(), Settings(size=16, epochs=1, batch_size=8), "cats", 1, False, None, None)
    tested = engine.test(trained.checkpoints, [colours()], "cats", 4, None)
    shown = tested.as_ui()
    assert is_note(tested.mistakes)
    assert "\n\nNo mistake to show." in shown["text"][0]
    assert len(shown["images"]) == 2, "bars and the confusion matrix"


def test_a_plan_without_a_slot():
    from hyponet.nodes.prompts.nodes import HypoNetPreviewPlan

    plan = Plan([ClassSpec("cat")], "a cat on a mat", library({}), images_per_class=2)
    output = HypoNetPreviewPlan.execute(plan=plan, samples=1, cfg=2.0, width=64, height=64)
    report, chart, _ = output.result
    assert is_note(chart)
    assert "\n\nNo slot: every prompt of a class is the same.\n" in report
    assert "images" not in output.ui

"""Every shipped workflow in the real editor: nothing red, nothing overlapping, no text cut, and the editor's own API
form is the file beside it. One page for all."""

from __future__ import annotations

import json
import os

import pytest

from hyponet.tests.tools.canvas import BOXES, covering
from hyponet.tests.tools.native import comparable
from hyponet.tools.workflows.editor import bounds, editor
from tools.dev.places import ROOT

FOLDER = ROOT / "workflows"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
CHROMIUM = os.environ.get("HYPONET_CHROMIUM", "")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM: the editor is not tested; install it and run again"),
]


@pytest.fixture(scope="module")
def page(comfy):
    with editor(comfy.url, CHROMIUM) as opened:
        yield opened


@pytest.mark.parametrize("name", NAMES)
def test_the_editor_opens_it_whole(page, name):
    form = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    page.load(form)
    page.frame(bounds(form))
    seen = page.survey()
    assert page.errors == []
    assert page.dialogs() == []
    assert [node["type"] for node in seen["nodes"] if node["missing"]] == []
    assert [(node["type"], node["red"]) for node in seen["nodes"] if node["red"]] == []
    assert seen["links"] == len(form["links"])
    assert seen["texts"] >= 1, "the note is looked at"
    assert seen["cut"] == []
    for node in seen["nodes"]:
        assert node["box"][2] + 1 >= node["least"][0], f"{node['title']} is narrower than its content"
        assert node["box"][3] + 1 >= node["least"][1], f"{node['title']} is lower than its content"
    assert covering(page.page.evaluate(BOXES)) == []
    api = json.loads((FOLDER / "api" / f"{name}.json").read_text("utf-8"))
    assert comparable(page.prompt()) == comparable(api)


def test_a_workflow_runs_from_the_editor_s_own_button(page, comfy):
    """The template browser lists ours; Run queues what is on the canvas."""
    index = comfy.client.get("/workflow_templates")
    assert set(NAMES) <= set(index["hyponet"])
    page.load(json.loads((FOLDER / "hyponet_thesis_table_3_1_lists.json").read_text("utf-8")))
    before = len(comfy.client.get("/history"))
    page.page.evaluate("async () => { await window.app.queuePrompt(0) }")
    page.until(
        "() => (window.app.graph._nodes.find(n => n.title === 'The options of view')"
        ".widgets || []).some(w => String(w.value).includes('Top-Down View'))",
        60,
    )
    assert len(comfy.client.get("/history")) == before + 1

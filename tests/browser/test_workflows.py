"""Every shipped workflow in the real editor: nothing red, nothing overlapping, no text cut, and the editor's own API
form is the file beside it. One page for all."""

from __future__ import annotations

import itertools
import json
import os

import pytest

from hyponet.tools.workflows.editor import bounds, editor
from tools.dev.places import ROOT

FOLDER = ROOT / "workflows"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
CHROMIUM = os.environ.get("HYPONET_CHROMIUM", "")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM: the editor is not tested; install it and run again"),
]
TITLE = 30  # the bar over a node's body


@pytest.fixture(scope="module")
def page(comfy):
    with editor(comfy.url, CHROMIUM) as opened:
        yield opened


def overlap(one, other):
    """Whether two nodes, with their title bars, cover each other."""
    (x, y, w, h), (x2, y2, w2, h2) = one["box"], other["box"]
    return x < x2 + w2 and x2 < x + w and y - TITLE < y2 + h2 and y2 - TITLE < y + h


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
    pairs = itertools.combinations(seen["nodes"], 2)
    assert [(one["title"], other["title"]) for one, other in pairs if overlap(one, other)] == []
    assert page.prompt() == json.loads((FOLDER / "api" / f"{name}.json").read_text("utf-8"))


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

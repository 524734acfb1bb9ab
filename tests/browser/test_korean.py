"""The page of somebody whose ComfyUI speaks Korean: the ten first workflows and what we write, as locales/ko has it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from hyponet.tests.browser.pages import NAMES, PAGE_TESTS, PAGES, open_korean_page
from tools.dev.places import ROOT

pytestmark = PAGE_TESTS
KOREAN = json.loads((ROOT / "locales" / "ko" / "main.json").read_text("utf-8"))["hyponet"]
KOREAN_NAMES = json.loads((ROOT / "locales" / "ko" / "nodeDefs.json").read_text("utf-8"))
TEN = [path for path in sorted((ROOT / "workflows").glob("hyponet_[01]?_*.json")) if path.name < "hyponet_11"]
QUICK_START = json.loads(TEN[0].read_text("utf-8"))
# what is read on the canvas, and which titles of groups and nodes are wider than their room
SEEN = """() => {
  const graph = app.graph, context = document.createElement('canvas').getContext('2d');
  const isWide = (title, size, room) => {
    context.font = `${size}px ${LiteGraph.GROUP_FONT ?? 'Arial'}`;
    return context.measureText(title).width > room;
  };
  return {
    groups: graph._groups.map(({title}) => title),
    nodes: graph._nodes.map(({type, title}) => [type, title]),
    notes: graph._nodes.filter(({type}) => type === 'MarkdownNote').map(({widgets}) => widgets[0].value),
    wide: [
      ...graph._groups.filter(({title, size, font_size}) => isWide(title, font_size || 24, size[0])),
      ...graph._nodes.filter(({title, size}) => isWide(title, LiteGraph.NODE_TEXT_SIZE, size[0] - 60)),
    ].map(({title}) => title),
    boxes: [...document.querySelectorAll('.hyponet-answer .text, .hyponet-pictures .line')].map((e) => e.textContent),
    isModified: app.extensionManager.workflow.activeWorkflow.isModified,
  };
}"""


@pytest.fixture(scope="module", params=PAGES, ids=NAMES)
def page(request, comfy):
    """An editor in a browser that speaks Korean, too; the server's setting is English again when its tests are done."""
    with open_korean_page(comfy, request.param) as opened:
        opened.page.add_init_script("Object.defineProperty(navigator, 'language', {get: () => 'ko-KR'})")
        yield SimpleNamespace(editor=opened, frontend=request.param[0])


def english(graph):
    """Titles of groups, titles of nodes that the file gives, the note."""
    groups = [group["title"] for group in graph["groups"]]
    nodes = [(node["type"], node["title"]) for node in graph["nodes"] if node.get("title")]
    (note,) = (node["widgets_values"][0] for node in graph["nodes"] if node["type"] == "MarkdownNote")
    return groups, nodes, note


def korean(graph):
    groups, nodes, note = english(graph)
    texts = KOREAN["workflows"]
    return [texts[title] for title in groups], [(kind, texts[title]) for kind, title in nodes], texts[note]


def test_a_template_opens_in_korean(page):
    page.editor.open_template(TEN[0].stem, "hyponet")
    seen = page.editor.page.evaluate(SEEN)
    groups, nodes, note = korean(QUICK_START)
    assert sorted(seen["groups"]) == sorted(groups)
    assert seen["notes"] == [note]
    shown = {tuple(entry) for entry in seen["nodes"]}
    assert set(nodes) <= shown
    unnamed = {node["type"] for node in QUICK_START["nodes"] if not node.get("title") and node["type"] in KOREAN_NAMES}
    assert unnamed
    assert {(kind, KOREAN_NAMES[kind]["display_name"]) for kind in unnamed} <= shown, "1.32.9 had lost their names"
    assert KOREAN["page"]["The answer comes here when this node has run."] in seen["boxes"]
    assert not seen["isModified"], "as it was opened, for the page; nobody is asked to save it"
    # the pages have errors of their own in this language: lists of templates that are not there
    assert [error for error in page.editor.errors if "hyponet" in error] == []


def test_the_notes_and_titles_of_the_ten_have_room_in_korean(page):
    found = {}
    for path in TEN:
        graph = json.loads(path.read_text("utf-8"))
        page.editor.load(graph)
        seen = page.editor.page.evaluate(SEEN)
        assert seen["notes"] == [korean(graph)[2]]
        cut = [entry for entry in page.editor.survey()["cut"] if entry[1] == "MarkdownNote"]
        if seen["wide"] or cut:
            found[path.stem] = (seen["wide"], cut)
    assert found == {}


def test_what_somebody_has_changed_and_graphs_without_our_nodes_stay_as_they_are(page):
    graph = json.loads(json.dumps(QUICK_START))
    graph["groups"][0]["title"] = "Read me, please"
    page.editor.load(graph)
    assert "Read me, please" in page.editor.page.evaluate(SEEN)["groups"]
    nodes = [node for node in QUICK_START["nodes"] if node["type"] in ("MarkdownNote", "LoadImage")]
    others = QUICK_START | {"nodes": [node | {"outputs": []} for node in nodes], "links": []}
    page.editor.load(others)
    seen = page.editor.page.evaluate(SEEN)
    groups, _, note = english(QUICK_START)
    assert (sorted(seen["groups"]), seen["notes"]) == (sorted(groups), [note])


def test_it_opens_in_english_in_any_other_language(page):
    page.editor.page.evaluate("async () => { await app.extensionManager.setting.set('Comfy.Locale', 'fr') }")
    page.editor.load(QUICK_START)
    seen = page.editor.page.evaluate(SEEN)
    groups, nodes, note = english(QUICK_START)
    assert sorted(seen["groups"]) == sorted(groups)
    assert seen["notes"] == [note]
    assert set(nodes) <= {tuple(entry) for entry in seen["nodes"]}
    assert "The answer comes here when this node has run." in seen["boxes"]

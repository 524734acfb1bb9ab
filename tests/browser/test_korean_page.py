"""In a Korean page each node has its Korean names, and the help for typing knows its boxes by them.

Frontends before 1.35 lose what packs translate: they merge that before they load their own Korean, which replaces it.
web/js/language.js merges it again.
"""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from hyponet.tests.browser.pages import NAMES, PAGE_TESTS, PAGES, open_page
from hyponet.tests.browser.test_typing import error_of, open_box, typed
from tools.dev.places import ROOT

pytestmark = PAGE_TESTS
KOREAN = json.loads((ROOT / "locales" / "ko" / "nodeDefs.json").read_text("utf-8"))
# of each node its title, and the names that its inputs and outputs show
SEEN = """(ids) => Object.fromEntries(ids.map((id) => {
  const node = LiteGraph.createNode(id), {nodeData} = node.constructor;
  const inputs = Object.fromEntries(node.inputs.map((one) => [one.name, one.localized_name]));
  const known = Object.keys(inputs);
  const widgets = Object.fromEntries(
    (node.widgets ?? []).filter((one) => known.includes(one.name)).map((one) => [one.name, one.label]));
  return [id, {title: node.title, inputs, widgets, outputs: node.outputs.map((one) => one.localized_name)}];
}))"""


@pytest.fixture(scope="module", params=PAGES, ids=NAMES)
def korean(request, comfy):
    """A page in Korean."""
    _, vue = request.param
    with open_page(comfy, request.param, {"Comfy.Locale": "ko"}) as opened:
        yield SimpleNamespace(editor=opened, server=comfy, vue=vue)
        opened.page.request.post(f"{comfy.url}/settings/Comfy.Locale", data=json.dumps("en"))  # the server keeps it


def test_each_node_shows_its_korean_names(korean):
    seen = korean.editor.page.evaluate(SEEN, list(KOREAN))
    assert len(seen) == len(KOREAN) > 50
    for node_id, node in seen.items():
        own = KOREAN[node_id]
        names = {name: entry["name"] for name, entry in own["inputs"].items()}
        outputs = [entry["name"] for entry in own["outputs"].values()]
        widgets = {name: names[name] for name in node["widgets"]}
        assert node == {"title": own["display_name"], "inputs": names, "widgets": widgets, "outputs": outputs}


def test_the_help_for_typing_is_there(korean):
    open_box(korean, "HypoNetDefineClass", "negative")
    assert typed(korean, "a __cl")["active"] == "class"
    typed(korean, "", "Escape")
    seen = typed(korean, " {2::dark|3#b")
    assert seen["mistake"] == error_of(seen["text"], "negative template")

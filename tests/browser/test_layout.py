"""Every shipped workflow after its nodes have answered: nothing covers anything, in the canvas and in Nodes 2.0, on the
pinned page and on the newest. The answers are the server's own messages, each with a long text and, where the node
answers with pictures, a picture; a run of each lies in tests/comfy/test_workflows.py."""

from __future__ import annotations

import itertools
import json

import pytest
from PIL import Image

from hyponet.tests.browser.pages import CHROMIUM, NAMES, PAGE_TESTS, PAGES
from hyponet.tools.workflows.builder.layout import ANSWER_WITH_PICTURES
from hyponet.tools.workflows.editor import bounds, editor
from tools.dev.places import ROOT

FOLDER = ROOT / "workflows"
pytestmark = PAGE_TESTS
ANSWER = """async ({text, picture}) => {
  const {api} = window.comfyAPI.api;
  for (const node of app.graph._nodes.filter((node) => node.constructor.nodeData?.output_node)) {
    const output = {text: [text]};
    if (picture.types.includes(node.type)) output.images = [picture.file];
    api.dispatchCustomEvent('progress_text', {nodeId: String(node.id), text: '3 of 9'});
    api.dispatchCustomEvent('executed', {node: String(node.id), display_node: String(node.id), output});
  }
}"""
UNANSWERED = """() => [...document.querySelectorAll('.hyponet-answer .text.none')].map((text) => text.innerText)"""
# in graph units: what the canvas draws, or the elements of Nodes 2.0
BOXES = """() => window.app.graph._nodes.map((node) => {
  const element = LiteGraph.vueNodesMode && document.querySelector(`[data-node-id="${node.id}"]`);
  const title = LiteGraph.NODE_TITLE_HEIGHT;
  if (!element) return [node.title, node.pos[0], node.pos[1] - title, node.size[0], node.size[1] + title];
  const {left, top, width, height} = element.getBoundingClientRect();
  const {scale, offset} = app.canvas.ds;
  return [node.title, left / scale - offset[0], top / scale - offset[1], width / scale, height / scale];
})"""


@pytest.fixture(scope="module", params=PAGES, ids=NAMES)
def page(request):
    version, vue = request.param
    server = request.getfixturevalue("comfy" if version == "pinned" else "newest")
    picture = server.base / "temp" / "answer.png"
    Image.new("RGB", (1200, 600), "teal").save(picture)
    with editor(server.url, CHROMIUM, settings={"Comfy.VueNodes.Enabled": vue}) as opened:
        yield opened


def covering(boxes):
    """The pairs of nodes that share more than the edge."""
    pairs = []
    for (one, x, y, w, h), (other, x2, y2, w2, h2) in itertools.combinations(boxes, 2):
        if x + 1 < x2 + w2 and x2 + 1 < x + w and y + 1 < y2 + h2 and y2 + 1 < y + h:
            pairs.append((one, other, round(min(y + h, y2 + h2) - max(y, y2))))
    return pairs


def test_nothing_covers_anything_after_a_run(page):
    found = {}
    for path in sorted(FOLDER.glob("*.json")):
        form = json.loads(path.read_text("utf-8"))
        page.load(form)
        page.frame(bounds(form))
        picture = {"types": ANSWER_WITH_PICTURES, "file": {"filename": "answer.png", "subfolder": "", "type": "temp"}}
        page.page.evaluate(ANSWER, {"text": f"{path.stem}\n" * 60, "picture": picture})
        page.page.wait_for_timeout(400)
        assert page.page.evaluate(UNANSWERED) == [], "looked at with its answers"
        if pairs := covering(page.page.evaluate(BOXES)):
            found[path.stem] = pairs
    assert found == {}

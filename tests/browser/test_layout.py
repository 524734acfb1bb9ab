"""Every shipped workflow after its nodes have answered: nothing covers anything, in the canvas and in Nodes 2.0, on the
pinned page and on the newest, with --full in Korean too. The answers are the server's own messages, each with a long
text and, where the node answers with pictures, a picture; a run of each lies in tests/browser/test_workflow_runs.py."""

from __future__ import annotations

import json

from PIL import Image

from hyponet.tests.browser.pages import IN_KOREAN_TOO_WITH_FULL, PAGE_TESTS
from hyponet.tests.tools.canvas import BOXES, GROUPS, NOTES, UNANSWERED, covering, outgrowing
from hyponet.tools.workflows.builder.layout import ANSWER_WITH_PICTURES
from hyponet.tools.workflows.editor import bounds
from tools.dev.places import ROOT

FOLDER = ROOT / "workflows"
pytestmark = [*PAGE_TESTS, IN_KOREAN_TOO_WITH_FULL]
ANSWER = """async ({text, picture}) => {
  const {api} = window.comfyAPI.api;
  for (const node of app.graph._nodes.filter((node) => node.constructor.nodeData?.output_node)) {
    const output = {text: [text]};
    if (picture.types.includes(node.type)) output.images = [picture.file];
    api.dispatchCustomEvent('progress_text', {nodeId: String(node.id), text: '3 of 9'});
    api.dispatchCustomEvent('executed', {node: String(node.id), display_node: String(node.id), output});
  }
}"""


def test_nothing_covers_anything_after_a_run(page):
    Image.new("RGB", (1200, 600), "teal").save(page.server.base / "temp" / "answer.png")
    found = {}
    for path in sorted(FOLDER.glob("*.json")):
        form = json.loads(path.read_text("utf-8"))
        page.editor.load(form)
        page.editor.frame(bounds(form))
        picture = {"types": ANSWER_WITH_PICTURES, "file": {"filename": "answer.png", "subfolder": "", "type": "temp"}}
        page.editor.page.evaluate(ANSWER, {"text": f"{path.stem}\n" * 60, "picture": picture})
        page.editor.page.wait_for_timeout(400)
        assert page.editor.page.evaluate(UNANSWERED) == [], "looked at with its answers"
        boxes = page.editor.page.evaluate(BOXES)
        groups, notes = page.editor.page.evaluate(GROUPS), page.editor.page.evaluate(NOTES)
        assert notes
        if faults := covering(boxes) + outgrowing(boxes, groups, notes):
            found[path.stem] = faults
    assert found == {}

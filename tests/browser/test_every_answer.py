"""Every node that answers, run once on the page: what it says stands in it, and its pictures too; on a Korean page
nothing of ours is English, in the answers nor elsewhere in the nodes."""

from __future__ import annotations

import re
import time

from hyponet.tests.browser.pages import IN_KOREAN_TOO, KOREAN_TEXTS, PAGE_TESTS, build, run
from hyponet.tests.tools.every_answer import earlier_set, every_answer
from hyponet.tests.tools.korean import HANGUL, LINES, english_lines
from hyponet.tools.stand_ins.inception import write_random_weights
from hyponet.tools.stand_ins.vision import write_clip
from hyponet.tools.workflows.builder.layout import ANSWER_WITH_PICTURES
from hyponet.tools.workflows.inputs import write_inputs

pytestmark = [*PAGE_TESTS, IN_KOREAN_TOO]
PATIENCE = 120  # seconds until the pictures are there, on a busy machine; the canvas asks anew every 17
ANSWERS = """() => Object.fromEntries(app.graph._nodes.filter((node) => node.type.startsWith('HypoNet')).map((node) => {
  const box = node.widgets?.find((widget) => widget.name === 'answer')?.element;
  const element = LiteGraph.vueNodesMode && document.querySelector(`[data-node-id="${node.id}"]`);
  const pictures = element ? [...element.querySelectorAll('img:not(.hyponet-pictures img)')] : node.imgs ?? [];
  return [node.type, {text: box?.children[1].textContent ?? null, waits: box?.children[1].classList.contains('none'),
                      pictures: pictures.length}];
}))"""

# what Nodes 2.0 writes of each node beside the boxes that are ours: titles, inputs, outputs, what is chosen
NAMES = """() => app.graph._nodes.filter((node) => node.type.startsWith('HypoNet')).map((node) => {
  const element = document.querySelector(`[data-node-id="${node.id}"]`);
  const texts = [];
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const {parentElement, textContent} = walker.currentNode;
    if (!parentElement.closest('.hyponet-answer, .hyponet-pictures')) texts.push(textContent.trim());
  }
  return [String(node.id), texts];
})"""
# the badge with the name of the pack; metrics that are called so in Korean too
LEFT = {"hyponet", "FID", "KID", "CMMD"}

BOUNDS = """() => {
  const boxes = app.graph._nodes.map((node) => [...node.pos, node.pos[0] + node.size[0], node.pos[1] + node.size[1]]);
  const [left, top, right, bottom] = [0, 1, 2, 3].map((at) =>
    Math[at < 2 ? 'min' : 'max'](...boxes.map((box) => box[at])));
  return [left, top, right - left, bottom - top];
}"""


def test_every_node_that_answers_shows_its_answer(page):
    write_inputs(page.server.input)
    write_random_weights(page.server.base / "models" / "inception")
    write_clip(page.server.base / "models" / "classifiers" / "clip-vit-base-patch32")
    page.server.client.run(earlier_set(page.server.client.get("/object_info")))
    schemas = page.server.client.get("/object_info")
    graph = every_answer(schemas)
    kinds = {node["class_type"] for node in graph.values()}
    outputs = {name for name, schema in schemas.items() if name.startswith("HypoNet") and schema["output_node"]}
    assert outputs - kinds == set(), "a new node belongs into tests/tools/every_answer.py"

    build(page, "() => {}")
    page.editor.page.evaluate("(graph) => app.loadApiJson(graph, 'every answer')", graph)
    page.editor.until(f"() => app.graph._nodes.length === {len(graph)}")
    run(page, patience=600)
    page.editor.frame(page.editor.page.evaluate(BOUNDS))  # a picture is fetched when its node is seen
    expected = {*ANSWER_WITH_PICTURES, "HypoNetMeasureFID"}
    end = time.monotonic() + PATIENCE
    while True:
        time.sleep(2)  # those that come without being expected come too
        answers = page.editor.page.evaluate(ANSWERS)
        with_pictures = {name for name, answer in answers.items() if answer["pictures"]}
        if with_pictures >= expected or time.monotonic() > end:
            break
    assert {name for name, answer in answers.items() if answer["waits"]} == set()
    assert {name for name in outputs if not answers[name]["text"]} == set()
    assert with_pictures >= expected
    assert with_pictures - expected <= {"HypoNetLoadLabelledImages"}
    if page.is_korean:
        assert english_of(page, graph) == []


def english_of(page, graph):
    """(node, text) of all that the nodes show in English and that is ours."""
    answers = page.editor.page.evaluate(LINES)
    values = {node_id: {str(value) for value in node["inputs"].values()} for node_id, node in graph.items()}
    left = english_lines(answers, set().union(*values.values()))
    for node_id, texts in page.editor.page.evaluate(NAMES) if page.vue else ():
        node = graph[node_id]
        asked = [choice for name in node["inputs"] for choice in KOREAN_TEXTS["choices"].get(name, ())]
        given = values[node_id] - set(asked)
        english = [text for text in texts if re.search("[A-Za-z]{2}", text) and not HANGUL.search(text)]
        left += [(node["class_type"], text) for text in english if text not in given | LEFT]
    return left

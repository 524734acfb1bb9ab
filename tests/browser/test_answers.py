"""What nodes answer is drawn inside them, on the pinned page and on the newest, in the canvas and in Nodes 2.0: looked
at before a run, after it, after the next, after another tab and after a reload; with --full in Korean, too."""

from __future__ import annotations

import re
import time

import pytest
from PIL import Image

from hyponet.tests.browser.pages import ADD_AND_LINK, IN_KOREAN_TOO_WITH_FULL, PAGE_TESTS, build, look, ours, run
from hyponet.tests.tools.canvas import BOXES as BOXES_OF_NODES

pytestmark = [*PAGE_TESTS, IN_KOREAN_TOO_WITH_FULL]
NOTHING_YET = "The answer comes here when this node has run."

# word -> class -> plan -> preview, and classes from text; every widget that is not named keeps its default
BUILD = (
    "() => {"
    + ADD_AND_LINK
    + """
  const word = add('HypoNetHyponymsOfWord', 50, {word: 'ship', max_count: 5});
  const shaped = add('HypoNetDefineClass', 450, {class_name: 'ship'});
  const plan = add('HypoNetPlanDataset', 850, {images_per_class: 8});
  const preview = add('HypoNetPreviewPlan', 1250);
  const texts = add('HypoNetClassesFromText', 50, {text: 'cat: cat\\ndog: dog'});
  texts.pos[1] = 760;
  link(word, 0, shaped, 'hyponyms'); link(shaped, 0, plan, 'classes'); link(plan, 0, preview, 'plan');
}"""
)
BOXES = """() => Object.fromEntries(window.app.graph._nodes.map((node) => {
  const box = (node.widgets ?? []).find((widget) => widget.name === 'answer')?.element;
  if (!box) return [node.type, null];
  const [line, text] = box.children;
  const {left, top, width, height} = box.getBoundingClientRect();
  return [node.type, {
    line: line.textContent, text: text.innerText, tables: text.querySelectorAll('table').length,
    heads: [...text.querySelectorAll('th')].map((cell) => cell.textContent), box: [left, top, width, height],
    select: getComputedStyle(text).userSelect, size: [...node.size], isConnected: box.isConnected,
    earlier: text.classList.contains('earlier'),
  }];
}))"""


def boxes(page):
    return page.editor.page.evaluate(BOXES)


def test_every_output_node_has_a_box_before_it_has_run(page):
    """The nodes that answer whenever they run are the output nodes; what the server says of each is the list."""
    known = page.server.client.get("/object_info")
    ours = {name: entry["output_node"] for name, entry in known.items() if name.startswith("HypoNet")}
    create = "(types) => types.forEach((type) => app.graph.add(LiteGraph.createNode(type)))"
    build(page, "() => {}")
    page.editor.page.evaluate(create, list(ours))
    assert {name: box is not None for name, box in boxes(page).items()} == ours


def test_answers_are_drawn_and_stay(page):
    build(page, BUILD)
    at_rest = boxes(page)
    assert at_rest["HypoNetPreviewPlan"]["text"] == ours(page, NOTHING_YET)
    run(page)
    first = boxes(page)
    answering = [name for name, box in first.items() if box]
    assert sorted(answering) == ["HypoNetClassesFromText", "HypoNetHyponymsOfWord", "HypoNetPreviewPlan"]
    assert (
        ours(page, "Class: {text}.", "answers", text="ship.n.01#").partition("#")[0]
        in first["HypoNetHyponymsOfWord"]["text"]
    )
    assert ours(page, "Classes: {words}.", "answers", words="cat, dog") in first["HypoNetClassesFromText"]["text"]
    head = ours(page, "class | images | combinations | repeated prompts | most tokens", "tables").split(" | ")
    assert first["HypoNetPreviewPlan"]["heads"][:5] == head, "tables are tables"
    assert "|" not in first["HypoNetPreviewPlan"]["text"]
    assert {name: box["size"] for name, box in first.items() if box} == {
        name: box["size"] for name, box in at_rest.items() if box
    }, "nothing grows over its neighbours"
    for name in answering:
        assert first[name]["isConnected"]
        assert first[name]["box"][2] > 100, name
        assert first[name]["box"][3] > 50, name
        assert first[name]["select"] == "text"
        assert first[name]["line"] == "", "progress has made room for the answer"

    page.editor.page.evaluate(
        "() => { app.graph._nodes.find((n) => n.type === 'HypoNetHyponymsOfWord').widgets[0].value = 'airplane' }"
    )
    run(page)
    second = boxes(page)
    assert "airplane" in second["HypoNetHyponymsOfWord"]["text"].splitlines()[0]
    assert "ship.n.01" not in second["HypoNetHyponymsOfWord"]["text"]

    page.editor.page.evaluate("() => app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
    page.editor.until("() => window.app.graph._nodes.length === 0")
    page.editor.page.evaluate("() => app.extensionManager.command.execute('Workspace.PreviousOpenedWorkflow')")
    page.editor.until("() => window.app.graph._nodes.length === 5")
    look(page)
    returned = boxes(page)
    assert {name: returned[name]["text"] for name in answering} == {name: second[name]["text"] for name in answering}
    assert not any(returned[name]["earlier"] for name in answering)

    page.editor.open()  # loads it again
    page.editor.until("() => window.app.graph._nodes.length === 5")
    look(page)
    reloaded = boxes(page)
    assert {name: reloaded[name]["text"] for name in answering} == {name: second[name]["text"] for name in answering}
    assert all(reloaded[name]["line"] == ours(page, "From an earlier run:") for name in answering)


def test_a_full_session_keeps_the_last_answer(page):
    build(page, BUILD)
    kept = page.editor.page.evaluate(
        """async () => {
          for (let size = 2 ** 22; size; size >>= 1) {
            const filler = 'x'.repeat(size);
            try { for (let at = 0; ; at += 1) sessionStorage.setItem(`hyponet.answer:${size}:${at}`, filler); } catch {}
          }
          const node = app.graph._nodes.find(({type}) => type === 'HypoNetPreviewPlan');
          node.onExecuted({text: ['the last answer']});
          await new Promise((done) => setTimeout(done));
          const kept = Object.keys(sessionStorage).filter((name) => name.startsWith('hyponet.answer'));
          return kept.map((name) => JSON.parse(sessionStorage.getItem(name)).text);
        }"""
    )
    assert kept == ["the last answer"]


def test_nothing_of_it_is_saved_or_queued(page):
    build(page, BUILD)
    run(page)
    known = page.server.client.get("/object_info")
    for node in page.editor.prompt().values():
        inputs = known[node["class_type"]]["input"]
        assert set(node["inputs"]) <= {name for group in inputs.values() for name in group}
    saved = page.editor.page.evaluate("() => window.app.graph.serialize().nodes")
    preview = next(node for node in saved if node["type"] == "HypoNetPreviewPlan")
    assert preview["widgets_values"] == [3, 7.5, 512, 512]


def test_words_are_selected_and_copied_as_words(page):
    build(page, BUILD)
    run(page)
    left, top, _, _ = boxes(page)["HypoNetClassesFromText"]["box"]
    pos = page.editor.page.evaluate("() => app.graph._nodes.map((node) => [...node.pos])")
    page.editor.page.mouse.click(left + 40, top + 14, click_count=3)
    assert page.editor.page.evaluate("() => String(getSelection())").startswith(
        ours(page, "Classes: {words}.", "answers", words="cat, dog")
    )
    heard = """() => new Promise((done) => { document.addEventListener('copy', () => done('the page'), {once: true});
        setTimeout(() => done('nobody'), 500); })"""
    waiting = page.editor.page.evaluate_handle(f"() => ({{answer: ({heard})()}})")
    page.editor.page.keyboard.press("Control+c")
    assert waiting.evaluate("async (held) => await held.answer") == "nobody", "the page would copy nodes"
    assert page.editor.page.evaluate("() => app.graph._nodes.map((node) => [...node.pos])") == pos


WITHIN = """() => [...(app.rootGraph ?? app.graph).subgraphs.values()].flatMap((graph) => graph.nodes.map(
  (node) => node.widgets.find((widget) => widget.name === 'answer').element.querySelector('.text').textContent))"""
PUT_WITHIN = """() => {
  const texts = app.graph._nodes.find((node) => node.type === 'HypoNetClassesFromText');
  app.graph.convertToSubgraph(new Set([texts]));
}"""


def test_an_answer_goes_to_the_tab_that_asked(page):
    """The page hands a result to whatever node has its number in the tab that is open then, in a subgraph too."""
    build(page, BUILD)
    page.editor.page.evaluate(PUT_WITHIN)
    page.editor.page.evaluate(
        "() => { app.graph._nodes.find((n) => n.type === 'HypoNetHyponymsOfWord').widgets[0].value = 'bird' }"
    )
    before = len(page.server.client.get("/history"))
    leave = "async () => { await app.queuePrompt(0); await app.extensionManager.command.execute('%s') }"
    page.editor.page.evaluate(leave % "Comfy.NewBlankWorkflow")
    page.editor.until("() => window.app.graph._nodes.length === 0")
    page.editor.page.evaluate(BUILD)
    page.editor.page.evaluate(PUT_WITHIN)
    while len(page.server.client.get("/history")) == before:
        time.sleep(0.2)
    time.sleep(1)
    nothing = ours(page, NOTHING_YET)
    assert {box["text"] for box in boxes(page).values() if box} == {nothing}
    assert page.editor.page.evaluate(WITHIN) == [nothing]
    page.editor.page.evaluate("() => app.extensionManager.command.execute('Workspace.PreviousOpenedWorkflow')")
    page.editor.until("() => app.graph._nodes.some((n) => n.widgets?.[0].value === 'bird')")
    look(page)
    assert "bird" in boxes(page)["HypoNetHyponymsOfWord"]["text"].splitlines()[0]
    (within,) = page.editor.page.evaluate(WITHIN)
    assert "cat, dog" in within


def test_an_answer_that_another_tab_has_too_is_shown(page):
    """The regression: what a server remembers may come before its word on the queue, and the page then notes for no
    workflow what came; an earlier tab that had the same answer took it."""
    build(page, BUILD)
    run(page)
    words = boxes(page)["HypoNetClassesFromText"]["text"]
    page.editor.page.evaluate("() => app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
    page.editor.until("() => window.app.graph._nodes.length === 0")
    page.editor.page.evaluate(BUILD)
    answer = """() => {
      const {activeWorkflow, openWorkflows} = app.extensionManager.workflow;
      const {id} = app.graph._nodes.find((node) => node.type === 'HypoNetClassesFromText');
      const earlier = openWorkflows.find((one) => one !== activeWorkflow && one.changeTracker?.nodeOutputs?.[id]);
      const {text} = earlier.changeTracker.nodeOutputs[id];
      const output = {text: [...text]};
      window.comfyAPI.api.api.dispatchCustomEvent('executed', {node: String(id), display_node: String(id), output});
    }"""
    page.editor.page.evaluate(answer)
    look(page)
    assert boxes(page)["HypoNetClassesFromText"]["text"] == words


def test_a_report_links_its_page(page):
    build(page, "() => { app.graph.add(LiteGraph.createNode('HypoNetWriteReport')) }")
    answer = """() => window.comfyAPI.api.api.dispatchCustomEvent('executed', {
        node: String(app.graph._nodes[0].id), display_node: String(app.graph._nodes[0].id),
        output: {text: ['done'],
                 hyponet_report: [{filename: 'report.html', subfolder: 'hyponet/reports/a b', type: 'output'}]}})"""
    page.editor.page.evaluate(answer)
    time.sleep(0.5)
    link = page.editor.page.evaluate("() => document.querySelector('.hyponet-answer a').getAttribute('href')")
    assert link.endswith("/view?filename=report.html&subfolder=hyponet%2Freports%2Fa+b&type=output")

    opener = page.editor.page.get_by_role("button", name=ours(page, "Open {file}", file="report.html")).first
    said = "() => document.querySelector('.hyponet-answer [role=status] + a').previousSibling.textContent"
    gone = ours(page, "is not there any more ({status}); run this node again", status=404)
    for _ in range(2):
        opener.click()
        page.editor.until(f"() => ({said})() === ' {gone}'")
    report = re.compile(r"/view\?.*report\.html")
    page.editor.page.route(report, lambda route: route.abort())
    opener.click()
    silent = ours(page, "did not come: the server does not answer")
    page.editor.until(f"() => ({said})() === ' {silent}'")
    page.editor.page.unroute(report)
    text = page.editor.page.evaluate("() => document.querySelector('.hyponet-answer').innerText")
    assert gone not in text, "one sentence replaces the other"


def test_fid_has_room_for_its_bars_before_they_come(page):
    """The regression: with a class each switched on, the first run enlarged the node over its neighbour."""
    (page.server.base / "temp").mkdir(exist_ok=True)
    Image.new("RGB", (1200, 600), "teal").save(page.server.base / "temp" / "bars.png")
    build(page, "() => {" + ADD_AND_LINK + " add('HypoNetMeasureFID', 50, {each_class: true}); }")
    (before,) = page.editor.page.evaluate(BOXES_OF_NODES)
    picture = {"filename": "bars.png", "subfolder": "", "type": "temp"}
    answer = """(picture) => { const id = String(app.graph._nodes[0].id);
      const output = {text: ['done'], images: [picture]};
      window.comfyAPI.api.api.dispatchCustomEvent('executed', {node: id, display_node: id, output}); }"""
    page.editor.page.evaluate(answer, picture)
    time.sleep(1)
    (after,) = page.editor.page.evaluate(BOXES_OF_NODES)
    assert after[1:] == pytest.approx(before[1:], abs=1)


def test_a_picture_that_did_not_come_is_asked_for_again(page):
    """The regression: the canvas asks twice, waits 8 s each time, then shows no picture though the server has it. In
    Nodes 2.0 the browser itself waits for it."""
    (page.server.base / "temp").mkdir(exist_ok=True)
    shown = """(name) => [...document.querySelectorAll('img'), ...(app.graph._nodes[0].imgs ?? [])]
      .some((img) => img.src.includes(name) && img.complete && img.naturalWidth)"""
    answer = """(images) => { const id = String(app.graph._nodes[0].id);
      const output = {text: ['done'], images};
      window.comfyAPI.api.api.dispatchCustomEvent('executed', {node: id, display_node: id, output}); }"""
    build(page, "() => { app.graph.add(LiteGraph.createNode('HypoNetTestClassifier')) }")
    one_at_a_time = page.vue and not page.newest  # shows the first, and the others when one asks for them
    for names in (["first.png"], ["first.png", "second.png"]):  # the second time one of two
        missing = names[0 if one_at_a_time else -1]
        pictures = [{"filename": name, "subfolder": "", "type": "temp"} for name in names]
        Image.new("RGB", (60, 30), "teal").save(page.server.base / "temp" / missing)
        if not page.vue:
            page.editor.page.route(re.compile(rf"/view\?.*{missing}"), lambda route: route.abort(), times=2)
        page.editor.page.evaluate(answer, pictures)
        page.editor.page.wait_for_timeout(1000)
        assert page.vue or not page.editor.page.evaluate(shown, missing), "the canvas has given it up"
        end = time.monotonic() + 60
        while not page.editor.page.evaluate(shown, missing):
            assert time.monotonic() < end, f"{missing} was never shown"
            page.editor.page.wait_for_timeout(500)  # hands the routes their requests, too

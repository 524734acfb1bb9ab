"""In a Korean page each node has its Korean names and choices, and the help for typing knows its boxes by the names.

Frontends before 1.35 lose what packs translate: they merge that before they load their own Korean, which replaces it.
web/js/language.js merges it again.
"""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from hyponet.tests.browser.pages import NAMES, PAGE_TESTS, PAGES, build, open_korean_page, run
from hyponet.tests.browser.test_typing import mistake_of, open_box, typed
from tools.dev.places import ROOT

pytestmark = PAGE_TESTS
KOREAN = json.loads((ROOT / "locales" / "ko" / "nodeDefs.json").read_text("utf-8"))
MAIN = json.loads((ROOT / "locales" / "ko" / "main.json").read_text("utf-8"))["hyponet"]
CHOICES = MAIN["choices"]
# of each node its title, and the names that its inputs and outputs show
SEEN = """(ids) => Object.fromEntries(ids.map((id) => {
  const node = LiteGraph.createNode(id), {nodeData} = node.constructor;
  const inputs = Object.fromEntries(node.inputs.map((one) => [one.name, one.localized_name]));
  const known = Object.keys(inputs);
  const widgets = Object.fromEntries(
    (node.widgets ?? []).filter((one) => known.includes(one.name)).map((one) => [one.name, one.label]));
  return [id, {title: node.title, inputs, widgets, outputs: node.outputs.map((one) => one.localized_name)}];
}))"""
# of a node's combo boxes by their names: what is chosen, what stands in the closed box, what its list shows
SHOWN = """(type) => {
  const node = app.graph._nodes.find((one) => one.type === type);
  const combos = node.widgets.filter(({type: kind, options}) => kind === 'combo' && options.getOptionLabel);
  return Object.fromEntries(combos.map((widget) => [widget.name, {value: widget.value, closed: widget._displayValue,
    list: widget.options.values.map((value) => [value, widget.options.getOptionLabel(value)])}]));
}"""
# a click on a combo box of the canvas, and the list that it opens
OPEN = """([type, name]) => {
  const node = app.graph._nodes.find((one) => one.type === type);
  const widget = node.widgets.find((one) => one.name === name);
  const e = new PointerEvent('pointerdown');
  Object.assign(e, {canvasX: node.pos[0] + node.size[0] / 2, canvasY: node.pos[1] + widget.y + 5});
  widget.onClick({e, node, canvas: app.canvas});
  return [...document.querySelectorAll('.litecontextmenu .litemenu-entry')].map((entry) => entry.textContent);
}"""


@pytest.fixture(scope="module", params=PAGES, ids=NAMES)
def korean(request, comfy):
    """A page in Korean."""
    _, vue = request.param
    with open_korean_page(comfy, request.param) as opened:
        yield SimpleNamespace(editor=opened, server=comfy, vue=vue, newest=request.param[0] == "newest", is_korean=True)


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
    assert seen["mistake"] == mistake_of(korean, seen["text"], "negative template")


def test_a_long_line_is_read_as_a_sentence_of_ours_only_where_it_begins_as_one(korean):
    """The regression: a line of 1,000 pairs, which no sentence of ours is, held the page for seconds."""
    call = """async ([texts, lines]) => {
      const {said} = await import('/extensions/hyponet/js/patterns.js');
      return lines.map((line) => said(texts, line, (input, choice) => choice));
    }"""
    texts = {"{words}: {words2}; end": "<{words}|{words2}>", "Kept {number}: {words}.": "{number} kept: {words}."}
    long = "x: y; " * 1000
    lines = ["a: b; end", f"{long}end", f"Kept 3: {long}end."]
    assert korean.editor.page.evaluate(call, [texts, lines]) == ["<a|b>", f"{long}end", f"3 kept: {long}end."]


def add(korean, kind):
    build(korean, f"() => {{ app.graph.add(Object.assign(LiteGraph.createNode('{kind}'), {{pos: [40, 60]}})); }}")


@pytest.mark.parametrize("kind", ["HypoNetTrainClassifier", "HypoNetMakeContactSheet", "HypoNetLoadLabelledImages"])
def test_choices_are_korean_and_their_values_english(korean, kind):
    """In Nodes 2.0 the pinned page has no labels of choices, and shows the values."""
    add(korean, kind)
    shown = korean.editor.page.evaluate(SHOWN, kind)
    asked = set(CHOICES) & set(KOREAN[kind]["inputs"]) - {"name"}
    assert asked <= set(shown)
    for name in asked:
        label = {value: CHOICES[name].get(value, value) for value, _ in shown[name]["list"]}
        assert set(CHOICES[name]) <= set(label) or name == "order"
        assert dict(shown[name]["list"]) == label
        assert shown[name]["closed"] == label[shown[name]["value"]]
    (prompt,) = korean.editor.page.evaluate("async () => Object.values((await app.graphToPrompt()).output)")
    assert {name: prompt["inputs"][name] for name in asked} == {name: shown[name]["value"] for name in asked}
    if korean.vue and korean.newest:
        text = korean.editor.page.evaluate("() => document.querySelector('[data-node-id]').textContent")
        assert [shown[name]["closed"] for name in asked if shown[name]["closed"] not in text] == []


def test_a_korean_choice_is_chosen_from_the_list(korean):
    if korean.vue and not korean.newest:
        pytest.skip("Nodes 2.0 of the pinned page knows no labels of choices")
    kind, page = "HypoNetMakeContactSheet", korean.editor.page
    add(korean, kind)
    if korean.vue:
        page.locator("[data-node-id] [role=combobox]", has_text=CHOICES["caption"]["number and label"]).click()
        entries = page.locator("[role=option]")
        entries.first.wait_for()
        listed = [text.strip() for text in entries.all_text_contents()]
    else:
        listed = page.evaluate(OPEN, [kind, "caption"])
        entries = page.locator(".litecontextmenu .litemenu-entry")
    assert listed == list(CHOICES["caption"].values())
    entries.nth(1).click()
    assert page.evaluate(SHOWN, kind)["caption"]["value"] == "label"


def test_an_error_is_told_in_korean_too(korean):
    """Beside the page's own dialog, which has the server's words: in a message of the page's own kind."""
    add(korean, "HypoNetHyponymsOfWord")
    korean.editor.page.evaluate(
        """() => {
          window.told = [];
          const {toast} = app.extensionManager, add = toast.add;
          toast.add = (message) => { told.push(message.detail); add(message); };
          app.graph._nodes[0].widgets.find(({name}) => name === 'word').value = '';
        }"""
    )
    run(korean)
    english = "word is empty; expected an English noun such as cat, or crane (bird); type one"
    assert MAIN["errors"][english] in korean.editor.page.evaluate("() => told")


def test_what_people_have_written_stays_as_it_is(korean):
    """The prompts of a preview, and the options and captions in tables, where they read like words of ours."""
    said = """async ([line, cells]) => {
      const words = (await import('/extensions/hyponet/js/language.js')).answerTexts(true);
      return [words.line(line), ...cells.map((cell) => words.cell(...cell))];
    }"""
    cells = [("most picked", "one model"), ("the first", "None."), ("95 % interval", "one model")]
    seen = korean.editor.page.evaluate(said, ["**cat** 0: Class: cat.", cells])
    assert seen == ["**cat** 0: Class: cat.", "one model", "None.", MAIN["answers"]["one model"]]

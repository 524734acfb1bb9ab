"""Templates typed in the page: names of lists are offered and taken by keyboard and mouse, and the parser's error is
under the box; on the pinned page and on the newest, in the canvas and in Nodes 2.0, in English and in Korean."""

from __future__ import annotations

import contextlib
import json
import re

import pytest

from hyponet.nodes.prompts.language.errors import TemplateError
from hyponet.nodes.prompts.language.parser import parse
from hyponet.nodes.prompts.language.rules import parse_rules
from hyponet.tests.browser.pages import ADD_AND_LINK, IN_KOREAN_TOO, KOREAN_TEXTS, PAGE_TESTS, build, ours
from tools.dev.places import ROOT

pytestmark = [*PAGE_TESTS, IN_KOREAN_TOO]
ADD = "(type) => {" + ADD_AND_LINK + " add(type, 60); }"
# the box of a widget that is on the page: the widget's own in the canvas, the node's in Nodes 2.0
BOX = """(name) => {
  const node = app.graph._nodes[0];
  const within = [...document.querySelectorAll(`[data-node-id="${node.id}"] textarea`)];
  const widget = node.widgets.find((one) => one.name === name);
  const named = (box) => [widget.label, name].includes(box.ariaLabel ?? box.labels?.[0]?.textContent.trim());
  const box = LiteGraph.vueNodesMode ? within.find(named) : widget.element;
  const {left, top, width, height} = box.getBoundingClientRect();
  return [left + width / 2, top + height / 2];
}"""
SEEN = """() => {
  const box = document.activeElement;
  const panel = document.querySelector('.hyponet-typing');
  const options = [...panel.querySelectorAll('[role=option]')];
  const active = document.getElementById(box.getAttribute('aria-activedescendant'));
  return {
    text: box.value, role: box.getAttribute('role'), invalid: box.getAttribute('aria-invalid'),
    names: options.map((option) => option.firstChild.textContent),
    beside: options.map((option) => option.lastChild.textContent),
    active: active?.firstChild.textContent ?? null,
    selected: options.filter((option) => option.ariaSelected === 'true').map((option) => option.firstChild.textContent),
    mistake: panel.querySelector('[aria-live=polite]').textContent, note: panel.querySelector('.note').textContent,
    below: panel.getBoundingClientRect().top - box.getBoundingClientRect().bottom,
  };
}"""

SHOWN = "() => document.querySelector('.hyponet-typing').innerText.trim()"
BESIDE = (1200, 700)  # of the node
UNDER_AND_FOCUSED = """([x, y]) => [document.elementFromPoint(x, y), document.activeElement]
  .map((element) => element.outerHTML.slice(0, 200)).concat(document.hasFocus(), document.visibilityState)"""
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture
def own_list(comfy):
    path = comfy.base / "user" / "default" / "hyponet" / "wildcards" / "mine" / "tree.txt"
    path.parent.mkdir(parents=True)
    path.write_text("oak\n# a note\nelm\n", "utf-8")
    yield
    path.unlink()
    path.parent.rmdir()


def open_box(page, node, widget="template"):
    """A graph of one node, the caret in one of its boxes."""
    build(page, f"() => ({ADD})('{node}')")
    page.editor.page.evaluate("() => { app.graph._nodes[0].showAdvanced = true; }")  # folded away from ComfyUI 0.8 on
    open_widget(page, widget)


def open_widget(page, widget):
    """The caret in another box of that node."""
    page.editor.until(f"() => ({BOX})({widget!r})")  # Nodes 2.0 draws it when it comes to it
    left, top = page.editor.page.evaluate(BOX, widget)
    page.editor.page.mouse.click(left, top)
    page.editor.page.keyboard.press("Control+a")
    page.editor.page.keyboard.press("Delete")


def typed(page, text="", *keys):
    """What is seen after some text and some keys."""
    page.editor.page.keyboard.type(text)
    for key in keys:
        page.editor.page.keyboard.press(key)
    page.editor.page.wait_for_timeout(200)
    page.editor.page.evaluate(TWO_FRAMES)  # the panel is placed once a frame, however late that comes
    return page.editor.page.evaluate(SEEN)


def value(page, widget="template"):
    """The widget's, as it is queued."""
    (node,) = page.editor.prompt().values()
    return node["inputs"][widget]


def mistake_of(page, template, source):
    """The error of the server, word for word; in Korean what is wrong, where, and what was expected, each by itself."""
    with pytest.raises(TemplateError) as caught:
        parse(template, source)
    english = str(caught.value).partition("\n")[0]
    what, line, column, how = re.fullmatch(rf"(.+) in {source}, line (\d+), column (\d+); (.+)", english).groups()
    kind, _, name = source.partition(" of class ")
    place = f"{kind} of class {{words}}" if name else kind
    errors = KOREAN_TEXTS["errors"]
    korean = errors[f"{{text}} in {place}, line {{number}}, column {{number2}}; {{text2}}"]
    parts = {"text": errors[what], "text2": errors[how], "number": line, "number2": column, "words": name}
    return korean.format(**parts) if page.is_korean else english


def test_names_are_offered_and_taken(page, own_list):
    open_box(page, "HypoNetDynamicPrompt")
    typed(page, "a __")
    page.editor.until(f"() => ({SEEN})().names.includes('mine/tree')")  # once the server has said which are own
    begun = page.editor.page.evaluate(SEEN)
    assert begun["names"].index("mine/tree") < begun["names"].index("sentence/"), "own lists before the pack's folders"
    lines = (ROOT / "wildcards" / "color.txt").read_text("utf-8").splitlines()
    options = {line for line in lines if line.strip() and not line.startswith("#")}
    beside = dict(zip(begun["names"], begun["beside"], strict=True))
    assert beside["color"] == ours(page, "{count} options", count=len(options))
    assert beside["sentence/"] == ours(
        page, "{count} lists", count=len(list((ROOT / "wildcards" / "sentence").iterdir()))
    )
    assert beside["mine/tree"].split(" \u00b7 ")[0] == ours(page, "yours")
    assert "class" not in begun["names"], "Dynamic Prompt has no class"
    first = begun["names"][0]
    assert (begun["role"], begun["active"], begun["selected"]) == ("combobox", first, [first])
    assert typed(page, "mine")["active"] == "mine/tree"
    note = f"{ours(page, '{count} options', count=2)}: oak, elm"
    page.editor.until(f"() => document.querySelector('.hyponet-typing .note').textContent === '{note}'")
    typed(page, "", *["Backspace"] * len("mine"))

    assert typed(page, "colo")["active"] == "color"
    taken = typed(page, "", "Enter")
    assert taken["text"] == "a __color__"
    assert (taken["role"], taken["names"], taken["mistake"]) == (None, [], "")
    assert value(page) == "a __color__"

    assert typed(page, " __sente", "Tab")["names"][:2] == ["sentence/color", "sentence/light"]
    assert typed(page, "", "ArrowDown")["active"] == "sentence/light"
    assert typed(page, "", "ArrowUp", "ArrowUp")["active"] != "sentence/color", "it goes round"
    assert typed(page, "li", "Enter")["text"] == "a __color__ __sentence/light__"

    dismissed = typed(page, " __loc", "Escape")
    assert dismissed["names"] == []
    assert dismissed["mistake"] == mistake_of(page, dismissed["text"], "template of class prompt")
    assert typed(page, "a")["names"] == [], "it stays closed for this name"
    assert typed(page, "", "Enter")["text"].endswith("__loca\n"), "and Enter is Enter"
    assert typed(page, "__loc")["active"] == "location"
    page.editor.page.get_by_role("option", name="location").first.click()
    assert typed(page)["text"] == "a __color__ __sentence/light__ __loca\n__location__"
    assert value(page) == "a __color__ __sentence/light__ __loca\n__location__"


def test_a_mistake_stands_under_the_box(page):
    open_box(page, "HypoNetDefineClass", "negative")
    assert typed(page, "a {red|blue} cat")["mistake"] == ""
    seen = typed(page, "\n{2::dark|3#b")
    assert seen["mistake"] == mistake_of(page, "a {red|blue} cat\n{2::dark|3#b", "negative template")
    assert seen["invalid"] == "true"
    assert -1 <= seen["below"] <= 20
    mended = typed(page, "}")
    assert (mended["mistake"], mended["invalid"]) == ("", None)
    offered = typed(page, " __cl")
    assert offered["active"] == "class", "the words of the class are offered where there is one"
    assert offered["beside"][0] == ours(page, "of the class")
    page.editor.page.mouse.click(*BESIDE)
    facts = page.editor.page.evaluate(UNDER_AND_FOCUSED, BESIDE)
    with contextlib.suppress(TimeoutError):
        page.editor.until(f"() => ({SHOWN})() === ''")
    assert page.editor.page.evaluate(SHOWN) == "", facts


def test_boxes_of_others_are_left_alone(page):
    open_box(page, "CLIPTextEncode", "text")
    seen = typed(page, "a __co {")
    assert (seen["names"], seen["mistake"], seen["role"]) == ([], "", None)


GIVEN = "() => document.querySelector('.hyponet-typing .gives [role=status]')?.textContent ?? ''"


def set_values(page, values):
    script = """(values) => {
      for (const widget of app.graph._nodes[0].widgets) if (widget.name in values) widget.value = values[widget.name];
    }"""
    page.editor.page.evaluate(script, values)


def test_what_a_right_template_gives_stands_under_the_box(page, own_list):
    open_box(page, "HypoNetDynamicPrompt")
    typed(page, "a {red|blue} __mine/tree__")
    count, drawn_one = ours(page, "Combinations: {count}", count=4), ours(page, "One of them: {text}", text="")
    page.editor.until(f"() => ({GIVEN})().startsWith('{count}. {drawn_one}a ')")
    described = "() => document.getElementById(document.activeElement.getAttribute('aria-describedby')).textContent"
    assert page.editor.page.evaluate(described) == page.editor.page.evaluate(GIVEN), "a screen reader finds it"
    drawn = set()
    for _ in range(30):
        page.editor.page.keyboard.press("Alt+Enter")
        drawn.add(page.editor.page.evaluate(GIVEN).partition(drawn_one)[2])
    assert drawn <= {f"a {color} {tree}" for color in ("red", "blue") for tree in ("oak", "elm")}
    assert len(drawn) > 1
    another = page.editor.page.get_by_role("button", name=ours(page, "Another"))
    assert another.get_attribute("title") == ours(page, "Draw another (Alt+Enter)")
    another.click()
    assert typed(page, " {")["text"] == "a {red|blue} __mine/tree__ {", "the box keeps the focus"
    mistake = mistake_of(page, "a {red|blue} __mine/tree__ {", "template of class prompt")
    page.editor.until(f"() => ({SHOWN})() === {json.dumps(mistake)}")
    assert ours(page, "Combinations: {count}", count="") not in page.editor.page.evaluate(SHOWN)

    open_box(page, "HypoNetDefineClass")
    set_values(page, {"class_name": "cat"})
    typed(page, "a __class__ __mine/tree__ __color__")
    page.editor.until(f"() => ({GIVEN})().includes('{drawn_one}a cat ')")
    lines = (ROOT / "wildcards" / "color.txt").read_text("utf-8").splitlines()
    colors = {line for line in lines if line.strip() and not line.startswith("#")}
    seen = page.editor.page.evaluate(GIVEN)
    assert seen.startswith(ours(page, "Combinations: {count}", count=2 * len(colors)) + ". ")
    assert seen.endswith(" __color__"), "the page cannot read the lists of the pack"
    set_values(page, {"rules": "not oak"})
    typed(page, " ")
    count = ours(page, "Combinations before the rules: {count}", count=2 * len(colors))
    page.editor.until(f"() => ({GIVEN})() === '{count}'")


def test_variables_and_slots_are_offered(page, own_list):
    open_box(page, "HypoNetDefineClass")
    assert typed(page, "${tone=!{warm|cold}}a ${")["active"] == "tone"
    assert typed(page, "", "Enter")["text"] == "${tone=!{warm|cold}}a ${tone}"
    typed(page, " __mine/tree__ in {fog|rain}")
    _, top = page.editor.page.evaluate(BOX, "rules")
    into_sight = "(pixels) => { app.canvas.ds.offset[1] -= pixels / app.canvas.ds.scale; app.canvas.draw(true, true); }"
    page.editor.page.evaluate(into_sight, top - 300)
    page.editor.page.wait_for_timeout(500)  # the canvas moves its boxes when it is drawn
    open_widget(page, "rules")
    page.editor.page.wait_for_timeout(1000)  # the slots are learnt when the box is entered
    slots = typed(page, "cho")
    assert slots["active"] == "choice 1"
    assert slots["beside"][0] == ours(page, "slot")
    assert typed(page, "", "Enter")["names"] == ["warm", "cold"]
    assert typed(page, "c", "Enter")["text"] == "choice 1=cold"
    assert typed(page, ": o")["active"] == "only"
    assert typed(page, "", "Tab")["text"] == "choice 1=cold: only "
    assert {"tree", "choice 2", "oak", "elm", "fog", "rain"} <= set(typed(page)["names"])
    assert typed(page, "tre", "Enter")["names"] == ["oak", "elm"]
    assert typed(page, "", "ArrowDown", "Enter")["text"] == "choice 1=cold: only tree=elm"
    whole = typed(page, "", "Enter")
    assert (whole["text"], whole["names"]) == ("choice 1=cold: only tree=elm\n", []), "and Enter is Enter"
    assert value(page, "rules") == whole["text"]
    parse_rules(whole["text"], "the rules of class cat")

"""Culling by clicking, as people do it: run, mark two pictures, run again, look at the disk; unmark; load it again.

On the pinned page and on the newest, in the canvas and in Nodes 2.0, and with --full in Korean."""

from __future__ import annotations

import json
import re
import time

import pytest

from hyponet.tests.browser.pages import ADD_AND_LINK, IN_KOREAN_TOO_WITH_FULL, PAGE_TESTS, build, look, ours, run
from hyponet.tests.tools.korean import HANGUL, LINES_OF, english_lines
from tools.dev.places import ROOT

pytestmark = [*PAGE_TESTS, IN_KOREAN_TOO_WITH_FULL]
BUILD = (
    "(name) => {"
    + ADD_AND_LINK
    + """
  const model = add('CheckpointLoaderSimple', 20, {ckpt_name: 'tiny_sd15.ckpt'});
  const classes = add('HypoNetClassesFromText', 20, {text: 'cat: cat\\ndog: dog'});
  const plan = add('HypoNetPlanDataset', 440, {images_per_class: 4, template: 'a __class__'});
  const made = add('HypoNetGenerateDataset', 780, {name, width: 64, height: 64, steps: 1, batch_size: 8});
  const rejects = add('HypoNetRejectItems', 1180, {});
  classes.pos[1] = 300;
  rejects.setSize([420, 700]);
  ['model', 'clip', 'vae'].forEach((name, slot) => link(model, slot, made, name));
  link(classes, 0, plan, 'classes'); link(plan, 0, made, 'plan'); link(made, 0, rejects, 'dataset');
}"""
)
VALUE = """(name) => app.graph._nodes.find((node) => node.type === 'HypoNetRejectItems')
  .widgets.find((widget) => widget.name === name).value"""
CELLS = """() => [...document.querySelectorAll('.hyponet-pictures .cell')].map((cell) => ({
  number: Number(cell.dataset.number), marked: cell.getAttribute('aria-selected') === 'true',
  picture: cell.querySelector('img')?.naturalWidth ?? null}))"""
ANSWER_OF_GENERATE = """() => app.graph._nodes.find((node) => node.type === 'HypoNetGenerateDataset')
  .widgets.find((widget) => widget.name === 'answer').element.innerText"""
ADD_SHEET = """() => {
  const sheet = LiteGraph.createNode('HypoNetMakeContactSheet');
  sheet.pos = [1650, 60];
  app.graph.add(sheet);
  app.graph._nodes.find((node) => node.type === 'HypoNetGenerateDataset').connect(0, sheet, 0);
}"""
DROP = """async ([bytes, name]) => {
  const file = new File([new Uint8Array(bytes)], name, {type: 'image/png'});
  const data = new DataTransfer();
  data.items.add(file);
  app.canvasEl.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}));
}"""
LINK = """([type, name]) => {
  const rejects = app.graph._nodes.find((node) => node.type === 'HypoNetRejectItems');
  const source = LiteGraph.createNode(type);
  source.pos = [1180, 900];
  app.graph.add(source);
  source.connect(0, rejects, rejects.inputs.findIndex((input) => input.name === name));
}"""
LISTING = re.compile(r"/view\?.*type=temp")  # the node's list of pictures
KOREAN_NAMES = json.loads((ROOT / "locales" / "ko" / "nodeDefs.json").read_text("utf-8"))["HypoNetRejectItems"]
LINE = "() => document.querySelector('.hyponet-pictures .line').textContent"
SHOWN_TEXT = "() => [...document.querySelectorAll('textarea')].map((box) => box.value)"


def cells(page):
    """The cells of the sheet, once their pictures are there."""
    page.editor.until(
        "() => { const cells = [...document.querySelectorAll('.hyponet-pictures .cell')];"
        " return cells.length && cells.every((cell) => cell.querySelector('img')?.naturalWidth !== 0) }"
    )
    return page.editor.page.evaluate(CELLS)


def marked(page):
    return [cell["number"] for cell in page.editor.page.evaluate(CELLS) if cell["marked"]]


def wait_for_pictures(page, widths):
    """Wait until the cells hold pictures of these widths; None where there is none."""
    text = json.dumps(widths, separators=(",", ":"))
    page.editor.until(f"() => JSON.stringify(({CELLS})().map((cell) => cell.picture)) === '{text}'")


def wait_for_selection(page, text):
    page.editor.until(f"() => ({VALUE})('selection') === '{text}'")


def type_selection(page, text):
    page.editor.page.locator("textarea").last.fill(text)
    wait_for_selection(page, text)


def leave_and_return(page):
    """To a new tab and back: the page makes the nodes anew."""
    page.editor.page.evaluate("() => app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
    page.editor.until("() => window.app.graph._nodes.length === 0")
    page.editor.page.evaluate("() => app.extensionManager.command.execute('Workspace.PreviousOpenedWorkflow')")
    page.editor.until("() => window.app.graph._nodes.length === 5")
    look(page)


def press(page, number, **more):
    page.editor.page.locator(f'.hyponet-pictures .cell[data-number="{number}"]').click(**more)


def selection(page):
    return page.editor.page.evaluate(VALUE, "selection")


def records(page, name):
    text = (page.server.base / "output" / "datasets" / name / "metadata.jsonl").read_text("utf-8")
    return {(line["label"], line["rank"]): line["attempt"] for line in map(json.loads, text.splitlines())}


@pytest.fixture
def name(page):
    """A new set of 8 pictures, made, its sheet in view."""
    name = f"cull-{'vue' if page.vue else 'canvas'}-{time.monotonic_ns()}"
    build(page, "() => {}")
    page.editor.page.evaluate(BUILD, name)
    run(page)
    return name


def test_two_clicks_and_a_run_reject_two_pictures(page, name):
    assert cells(page) == [{"number": number, "marked": False, "picture": 64} for number in range(8)]
    press(page, 5)
    press(page, 2)
    assert (selection(page), marked(page)) == ("2, 5", [2, 5])
    assert "2, 5" in page.editor.page.evaluate(SHOWN_TEXT), "the widget shows it too"
    run(page)
    # two classes in turn: 2 is cat 1, 5 is dog 2
    assert set(records(page, name)) == {(label, rank) for label in ("cat", "dog") for rank in range(4)} - {
        ("cat", 1),
        ("dog", 2),
    }
    wait_for_pictures(page, [64, 64, None, 64, 64, None, 64, 64])
    run(page)
    assert records(page, name)[("cat", 1)] == records(page, name)[("dog", 2)] == 1, "made anew, as the next attempt"
    assert records(page, name)[("cat", 0)] == 0
    wait_for_pictures(page, [64] * 8)

    press(page, 5)
    assert (selection(page), marked(page)) == ("2", [2])
    page.editor.page.get_by_role("button", name=ours(page, "New round")).first.click()
    assert (selection(page), page.editor.page.evaluate(VALUE, "round"), marked(page)) == ("", 2, [])
    page.editor.page.keyboard.press("Control+z")  # as typing can be undone
    wait_for_selection(page, "2")
    assert page.editor.page.evaluate(VALUE, "round") == 1


def test_marks_stay_when_the_page_is_loaded_again(page, name):
    press(page, 1)
    press(page, 6)
    time.sleep(1.5)  # the page keeps a workflow a moment after it has changed
    page.editor.open()
    page.editor.until("() => window.app.graph._nodes.length === 5")
    assert selection(page) == "1, 6"
    assert [cell["number"] for cell in cells(page) if cell["marked"]] == [1, 6]
    saved = page.editor.page.evaluate("() => window.app.graph.serialize().nodes")
    rejects = next(node for node in saved if node["type"] == "HypoNetRejectItems")
    assert rejects["widgets_values"] == ["1, 6", 1, 5], "the marks are the widget's text, and nothing else is saved"
    assert page.editor.prompt()[str(rejects["id"])]["inputs"]["selection"] == "1, 6"


def test_keys_mark_and_show_large(page, name):
    cells(page)
    press(page, 0)
    press(page, 0)
    keyboard = page.editor.page.keyboard
    keyboard.press("ArrowRight")
    keyboard.press("x")
    keyboard.press("ArrowRight")
    keyboard.press("Space")
    assert selection(page) == "1, 2"
    keyboard.press("Home")
    keyboard.press("Enter")
    dialog = page.editor.page.locator("dialog.hyponet-large")
    assert "a cat" in dialog.inner_text()
    keyboard.press("ArrowRight")
    assert "a dog" in dialog.inner_text()
    keyboard.press("x")
    assert selection(page) == "2"
    other = "(key) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))"
    page.editor.page.evaluate(other, "X")  # capitals are locked
    assert selection(page) == "1, 2"
    page.editor.page.evaluate(other, "\u314c")  # that key where Korean is typed
    assert selection(page) == "2"
    keyboard.press("Escape")
    page.editor.until("() => !document.querySelector('dialog')")
    assert page.editor.page.evaluate("() => document.activeElement.dataset.number") == "1", "the focus comes back"
    assert page.editor.page.evaluate("() => app.graph._nodes.length") == 5, "and no key went to the canvas"


def test_a_double_click_shows_a_picture_large_and_marks_nothing(page, name):
    cells(page)
    page.editor.page.locator('.hyponet-pictures .cell[data-number="3"]').dblclick()
    if page.is_korean:
        shown = page.editor.page.evaluate(LINES_OF, ".hyponet-pictures, dialog.hyponet-large")
        assert len(shown) >= 2
        assert all(any(HANGUL.search(text) for _, text in lines) for _, lines in shown)
        given = [str(value) for node in page.editor.prompt().values() for value in node["inputs"].values()]
        assert english_lines(shown, ["a cat", "a dog", *given]) == []
    text = page.editor.page.locator("dialog.hyponet-large").inner_text()
    assert "a dog" in text
    assert ours(page, "seed") in text
    assert page.editor.page.evaluate("() => document.querySelector('dialog img').naturalWidth") == 64
    page.editor.page.keyboard.press("Escape")
    assert selection(page) == ""


def test_a_double_click_leaves_a_class_that_is_marked_as_it_was_typed(page, name):
    """The regression: the class became its numbers."""
    cells(page)
    type_selection(page, "cat: *")
    page.editor.page.locator('.hyponet-pictures .cell[data-number="2"]').dblclick()
    assert "a cat" in page.editor.page.locator("dialog.hyponet-large").inner_text()
    page.editor.page.keyboard.press("Escape")
    assert selection(page) == "cat: *"


def test_a_range_is_not_taken_apart_where_the_list_ends_before_the_set(page, name):
    """The regression: what lies beyond the list was lost from the selection."""

    def list_of_a_large_set(route):
        response = route.fetch()
        route.fulfill(response=response, json=response.json() | {"total": 20_000})

    cells(page)
    page.editor.page.route(LISTING, list_of_a_large_set)
    leave_and_return(page)
    page.editor.until(f"() => ({LINE})().includes('20000')")
    page.editor.page.unroute(LISTING)
    type_selection(page, "0-15000, 3")
    press(page, 2)
    assert selection(page) == "0-15000, 3"
    said = (
        "Picture {number} is marked by a range or a class, which may reach beyond the {count} pictures here; "
        "change the text of the selection."
    )
    assert page.editor.page.evaluate(LINE) == ours(page, said, number=2, count=8)
    type_selection(page, "3")
    press(page, 3)
    press(page, 4)
    assert selection(page) == "4", "numbers go and come"


def test_a_rejected_picture_is_not_marked(page, name):
    """The regression: the next run ended with "has no picture"."""
    cells(page)
    press(page, 2)
    run(page)
    wait_for_pictures(page, [64, 64, None, 64, 64, 64, 64, 64])
    press(page, 2)
    assert selection(page) == "", "its mark goes"
    press(page, 2)
    assert selection(page) == "", "and does not come again"
    type_selection(page, "cat: *")
    press(page, 0)
    assert selection(page) == "4, 6", "cat has the even numbers, and no picture at 2"


def test_undo_in_the_large_view_closes_it(page, name):
    """The regression: it kept the node that undo had replaced, and marks made after that were lost.

    The newest page undoes nothing under an open dialog."""
    cells(page)
    page.editor.page.locator('.hyponet-pictures .cell[data-number="3"]').dblclick()
    page.editor.page.keyboard.press("x")
    assert selection(page) == "3"
    page.editor.page.keyboard.press("Control+z")
    time.sleep(1)  # nothing says when the page has undone nothing
    is_undone = selection(page) == ""
    assert page.editor.page.locator("dialog.hyponet-large").count() == (0 if is_undone else 1)
    page.editor.page.keyboard.press("Escape")
    cells(page)
    press(page, 5)
    assert selection(page) == ("5" if is_undone else "3, 5")


def test_the_class_and_the_picture_looked_at_stay_over_undo_and_another_tab(page, name):
    cells(page)
    page.editor.page.locator(".hyponet-pictures select").select_option("dog")
    press(page, 3)
    press(page, 5)
    seen = """() => [document.querySelector('.hyponet-pictures select').value,
      Number(document.querySelector('.hyponet-pictures .cell[tabindex="0"]').dataset.number)]"""
    page.editor.page.keyboard.press("Control+z")
    wait_for_selection(page, "3")
    assert [cell["number"] for cell in cells(page)] == [1, 3, 5, 7]
    assert page.editor.page.evaluate(seen) == ["dog", 5]
    leave_and_return(page)
    assert [cell["number"] for cell in cells(page)] == [1, 3, 5, 7]
    assert page.editor.page.evaluate(seen) == ["dog", 5]


def test_letters_in_the_list_of_classes_are_no_shortcuts(page, name):
    """A w opens the sidebar of workflows, and there it does not."""
    side = "() => app.extensionManager.sidebarTab.activeSidebarTabId ?? null"
    cells(page)
    page.editor.page.locator(".hyponet-pictures select").focus()
    assert page.editor.page.evaluate("() => document.activeElement.tagName") == "SELECT"
    page.editor.page.keyboard.press("w")
    time.sleep(0.5)
    assert page.editor.page.evaluate(side) is None
    page.editor.page.evaluate("() => document.activeElement.blur()")
    for shown in ("workflows", None):  # and again, so that it is closed for the next test
        page.editor.page.keyboard.press("w")
        page.editor.until(f"() => ({side})() === {json.dumps(shown)}")


def test_keys_on_the_buttons_of_the_large_view(page, name):
    """The regression: Space on Close marked, and an arrow took the focus out of the view."""
    cells(page)
    picture = page.editor.page.locator('.hyponet-pictures .cell[data-number="3"]')
    dialog = page.editor.page.locator("dialog.hyponet-large")
    close = dialog.get_by_role("button", name=ours(page, "Close (Esc)"))
    keyboard = page.editor.page.keyboard
    picture.dblclick()
    close.focus()
    keyboard.press("ArrowRight")
    assert page.editor.page.evaluate("() => document.activeElement.className") == "hyponet-large"
    keyboard.press("x")
    assert selection(page) == "4"
    close.focus()
    keyboard.press("Space")
    page.editor.until("() => !document.querySelector('dialog.hyponet-large')")
    assert selection(page) == "4"


def test_only_a_click_beside_the_large_view_closes_it(page, name):
    """The regression: a click in its margin and the end of a selection of text did."""
    cells(page)
    page.editor.page.locator('.hyponet-pictures .cell[data-number="3"]').dblclick()
    dialog = page.editor.page.locator("dialog.hyponet-large")
    box = dialog.bounding_box()
    mouse = page.editor.page.mouse
    mouse.click(box["x"] + 6, box["y"] + 6)
    time.sleep(0.2)
    assert dialog.count() == 1
    prompt = dialog.locator("dd").first.bounding_box()
    mouse.move(prompt["x"] + 2, prompt["y"] + 5)
    mouse.down()
    mouse.move(box["x"] + box["width"] + 40, prompt["y"] + 5, steps=5)
    mouse.up()
    time.sleep(0.2)
    assert dialog.count() == 1
    mouse.click(box["x"] + box["width"] + 40, prompt["y"] + 5)
    page.editor.until("() => !document.querySelector('dialog.hyponet-large')")


def test_a_list_that_does_not_come_is_said(page, name):
    cells(page)
    page.editor.page.route(LISTING, lambda route: route.abort())
    leave_and_return(page)
    said = ours(page, "The list of the pictures did not come: the server does not answer.")
    page.editor.until(f"() => ({LINE})() === '{said}'")
    page.editor.page.unroute(LISTING)
    assert page.editor.page.locator(".hyponet-pictures .cell").count() == 0


@pytest.mark.parametrize(("name_of_input", "source"), [("round", "PrimitiveInt"), ("selection", "PrimitiveString")])
def test_a_new_round_leaves_alone_what_another_node_gives(page, name, name_of_input, source):
    cells(page)
    press(page, 5)
    page.editor.page.evaluate(LINK, [source, name_of_input])
    page.editor.page.get_by_role("button", name=ours(page, "New round")).first.click()
    name_shown = KOREAN_NAMES["inputs"][name_of_input]["name"] if page.is_korean else name_of_input
    said = ours(page, "The {name} comes from another node; change it there.", name=name_shown)
    assert page.editor.page.evaluate(LINE) == said
    assert (selection(page), page.editor.page.evaluate(VALUE, "round")) == ("5", 1)


def test_what_is_typed_shows_as_marked(page, name):
    cells(page)
    type_selection(page, "dog: *")
    page.editor.until("() => document.querySelectorAll('.hyponet-pictures .cell[aria-selected=true]').length === 4")
    assert marked(page) == [1, 3, 5, 7]


def test_a_picture_deleted_by_hand_is_made_again_and_said(page, name):
    picture = page.server.base / "output" / "datasets" / name / "cat" / "000001.png"
    picture.unlink()
    run(page)
    assert picture.is_file()
    text = page.editor.page.evaluate(ANSWER_OF_GENERATE)
    made = "{words}: {number} of {number2} images are there; {number3} made in {number4} s"
    counts = {"number": 8, "number2": 8, "number3": 1, "number4": "#"}
    assert ours(page, made, "answers", words=name, **counts).partition("#")[0] in text
    again = "Pictures that had been deleted by hand and were made again: {number}."
    assert ours(page, again, "answers", number=1) in text


@pytest.mark.parametrize("what", ["a picture", "the sheet"])
def test_a_picture_and_a_sheet_that_are_dropped_open_their_graph(page, name, what):
    """The regression: a picture opened an imitation made of its `parameters`, a sheet nothing."""
    if what == "the sheet":
        page.editor.page.evaluate(ADD_SHEET)
        run(page)
    datasets = page.server.base / "output" / "datasets"
    file = datasets / name / "dog" / "000002.png"
    if what == "the sheet":
        (file,) = (datasets / f"{name}.sheets").glob("sheet-*.png")
    build(page, "() => {}")
    page.editor.page.evaluate(DROP, [list(file.read_bytes()), file.name])
    page.editor.until("() => app.graph._nodes.some((node) => node.type === 'HypoNetGenerateDataset')")
    made = page.editor.page.evaluate(
        "() => app.graph._nodes.find((node) => node.type === 'HypoNetGenerateDataset').widgets[0].value"
    )
    assert made == name

"""Culling by clicking, as people do it: run, mark two pictures, run again, look at the disk; unmark; load it again.

On the pinned page and on the newest, in the canvas and in Nodes 2.0."""

from __future__ import annotations

import json
import time

import pytest

from hyponet.tests.browser.pages import PAGE_TESTS, build, run

pytestmark = PAGE_TESTS
BUILD = """(name) => {
  const graph = window.app.graph;
  const add = (type, x, values) => {
    const node = LiteGraph.createNode(type);
    node.pos = [x, 60];
    graph.add(node);
    for (const widget of node.widgets ?? []) if (widget.name in values) widget.value = values[widget.name];
    return node;
  };
  const link = (from, slot, to, name) => from.connect(slot, to, to.inputs.findIndex((input) => input.name === name));
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
    assert [cell["picture"] for cell in cells(page)] == [64, 64, None, 64, 64, None, 64, 64]
    run(page)
    assert records(page, name)[("cat", 1)] == records(page, name)[("dog", 2)] == 1, "made anew, as the next attempt"
    assert records(page, name)[("cat", 0)] == 0
    assert [cell["picture"] for cell in cells(page)] == [64] * 8

    press(page, 5)
    assert (selection(page), marked(page)) == ("2", [2])
    page.editor.page.get_by_role("button", name="New round").first.click()
    assert (selection(page), page.editor.page.evaluate(VALUE, "round"), marked(page)) == ("", 2, [])
    page.editor.page.keyboard.press("Control+z")  # as typing can be undone
    page.editor.until("() => document.querySelectorAll('.hyponet-pictures').length > 0")


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
    keyboard.press("Escape")
    page.editor.until("() => !document.querySelector('dialog')")
    assert page.editor.page.evaluate("() => document.activeElement.dataset.number") == "1", "the focus comes back"
    assert len(page.editor.page.evaluate("() => app.graph._nodes")) == 5, "and no key went to the canvas"


def test_a_double_click_shows_a_picture_large_and_marks_nothing(page, name):
    cells(page)
    page.editor.page.locator('.hyponet-pictures .cell[data-number="3"]').dblclick()
    text = page.editor.page.locator("dialog.hyponet-large").inner_text()
    assert "a dog" in text
    assert "seed" in text
    assert page.editor.page.evaluate("() => document.querySelector('dialog img').naturalWidth") == 64
    page.editor.page.keyboard.press("Escape")
    assert selection(page) == ""


def test_what_is_typed_shows_as_marked(page, name):
    cells(page)
    box = page.editor.page.locator("textarea").last
    box.fill("dog: *")
    page.editor.until("() => document.querySelectorAll('.hyponet-pictures .cell[aria-selected=true]').length === 4")
    assert marked(page) == [1, 3, 5, 7]


def test_a_picture_deleted_by_hand_is_made_again_and_said(page, name):
    picture = page.server.base / "output" / "datasets" / name / "cat" / "000001.png"
    picture.unlink()
    run(page)
    assert picture.is_file()
    text = page.editor.page.evaluate(ANSWER_OF_GENERATE)
    assert f"{name}: 8 of 8 images are there; 1 made" in text
    assert "deleted by hand and were made again: 1" in text


@pytest.mark.parametrize("what", ["a picture", "the sheet"])
def test_a_picture_and_a_sheet_that_are_dropped_open_their_graph(page, name, what):
    """The regression: a picture opened an imitation made of its `parameters`, a sheet nothing."""
    if what == "the sheet":
        page.editor.page.evaluate(ADD_SHEET)
        run(page)
    datasets = page.server.base / "output" / "datasets"
    file = datasets / name / "dog" / "000002.png"
    if what == "the sheet":
        (file,) = (datasets / f"{name}.sheets").iterdir()
    build(page, "() => {}")
    page.editor.page.evaluate(DROP, [list(file.read_bytes()), file.name])
    page.editor.until("() => app.graph._nodes.some((node) => node.type === 'HypoNetGenerateDataset')")
    made = page.editor.page.evaluate(
        "() => app.graph._nodes.find((node) => node.type === 'HypoNetGenerateDataset').widgets[0].value"
    )
    assert made == name

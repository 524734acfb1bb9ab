"""The click list of docs/own_classes.md, line by line, with mouse and keys, from an empty canvas to a report."""

from __future__ import annotations

import contextlib
import os
import re
import time
from types import SimpleNamespace

import pytest

from hyponet.tests.browser.pages import frontend_version
from hyponet.tools.workflows.editor import editor
from tools.dev.places import ROOT
from tools.node_names import short_name

CHROMIUM = os.environ.get("HYPONET_CHROMIUM", "")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(2000),  # a busy machine takes minutes for the pictures
    pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM: the page is not tested; install it and run again"),
]
SIZE = (2400, 1500)
# no slot within 50 pixels of the edge: there newer pages move the view while a link is drawn
SCALE, OFFSET = 0.55, [110, 200]
COLUMNS, COLUMN, ROW = 5, 840, 1250  # where nodes are added, in units of the graph
# the values of the list, but for how many pictures are made: the same keys pressed in the same box
TYPED = {"text": "cat; images: 3\nship; images: 3"}
# the middle of a widget or a slot on the screen; of a widget that is an element of the page, the element's
WIDGET = """([title, name]) => {
  const node = app.graph._nodes.find((n) => n.title.split(" (")[0] === title);
  const widget = node.widgets.find((w) => w.name === name);
  if (widget.element?.isConnected && widget.element.offsetParent) {
    const box = widget.element.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  }
  return screen([node.pos[0] + node.size[0] / 2, node.pos[1] + widget.last_y + 10]);
}"""
SLOT = """([title, name, isInput]) => {
  const node = app.graph._nodes.find((n) => n.title.split(" (")[0] === title);
  const slots = isInput ? node.inputs : node.outputs;
  const index = slots.findIndex((slot) => slot.name === name);
  if (index < 0) throw new Error(`${title} has no ${name}: ${slots.map((slot) => slot.name)}`);
  return screen(node.getConnectionPos(isInput, index));
}"""
SCREEN = """const screen = ([x, y]) => {
  const box = app.canvas.canvas.getBoundingClientRect(), {scale, offset} = app.canvas.ds;
  return [box.left + (x + offset[0]) * scale, box.top + (y + offset[1]) * scale];
};"""


def actions():
    """(number, action, node, what, value) of each line of the list."""
    page = (ROOT / "docs" / "own_classes.md").read_text("utf-8")
    rows = [line.strip("|").split("|") for line in page.splitlines() if re.match(r"\| \d+ \|", line)]
    return [(int(number), *(part.strip() for part in parts)) for number, *parts in rows]


@pytest.fixture
def page(comfy):
    is_old = frontend_version("pinned") in ("1.32.9", "1.35.9")  # 1.42.8 and newer call the same box otherwise
    search = "default" if is_old else "v1 (legacy)"
    settings = {"Comfy.NodeSearchBoxImpl": search}
    with editor(comfy.url, CHROMIUM, size=SIZE, settings=settings) as opened:
        opened.page.evaluate("() => app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
        opened.until("() => window.app.graph._nodes.length === 0")
        view = (
            f"() => {{ app.canvas.ds.scale = {SCALE}; app.canvas.ds.offset = {OFFSET}; app.canvas.draw(true, true) }}"
        )
        opened.page.evaluate(view)
        yield SimpleNamespace(editor=opened, page=opened.page, server=comfy, added=0)


def where(page, script, *arguments):
    """What the script finds, in pixels of the screen."""
    body = script.replace("=> {", "=> { " + SCREEN, 1)
    page.page.evaluate("() => app.canvas.draw(true, true)")
    return page.page.evaluate(body, list(arguments))


def add(page, node, what, value):
    column, row = page.added % COLUMNS, page.added // COLUMNS
    page.added += 1
    at = page.page.evaluate(f"([point]) => {{ {SCREEN} return screen(point) }}", [[column * COLUMN, row * ROW]])
    box = page.page.locator(".comfy-vue-node-search-container input").first
    for _ in range(3):  # on a busy machine the page may take two clicks for single ones; people click again
        page.page.mouse.dblclick(*at)
        end = time.monotonic() + 20
        while not box.is_visible() and time.monotonic() < end:
            page.page.wait_for_timeout(200)
        if box.is_visible():
            break
    assert box.is_visible(), "a double click on the canvas opens the search of nodes"
    page.page.keyboard.type(node, delay=15)
    time.sleep(1)
    page.page.keyboard.press("Enter")
    page.editor.until(f"() => app.graph._nodes.length === {page.added}")
    titles = page.page.evaluate("() => app.graph._nodes.map((n) => n.title)")
    assert node in map(short_name, titles), f"the first hit of {node} is another node: {titles}"


def link(page, node, what, value):
    maker, _, output = value.partition(": ")
    start, end = where(page, SLOT, maker, output, False), where(page, SLOT, node, what, True)
    before = page.page.evaluate("() => app.graph.links.size")
    page.page.mouse.move(*start)
    page.page.mouse.down()
    page.page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=4)
    page.page.mouse.move(*end, steps=4)
    page.page.mouse.up()
    page.editor.until(f"() => app.graph.links.size === {before + 1}", 5)


def set_(page, node, what, value):
    text = TYPED.get(what, value.strip("`"))
    at = where(page, WIDGET, node, what)
    page.page.mouse.click(*at)
    time.sleep(0.3)
    if what == "text":
        page.page.keyboard.press("Control+a")
        page.page.keyboard.type(text)
    else:
        if not page.page.locator(".graphdialog input, .litecontextmenu").count():
            page.page.mouse.dblclick(*at)  # a number opens on the second click
        if page.page.locator(".litecontextmenu").count():
            page.page.locator(".litecontextmenu .litemenu-entry", has_text=text).first.click()
        else:
            page.page.locator(".graphdialog input").fill(text)
            page.page.keyboard.press("Enter")
    is_set = """([title, name, text]) => {
      const node = app.graph._nodes.find((n) => n.title.split(" (")[0] === title);
      return String(node.widgets.find((w) => w.name === name).value) === text;
    }"""
    assert page.page.evaluate(is_set, [node, what, text]), f"{node}.{what} is not {text}"
    page.page.mouse.click(SIZE[0] - 20, SIZE[1] - 20)  # away from the box, onto the canvas


def run(page, node, what, value):
    before = len(page.server.client.get("/history"))
    page.page.keyboard.press("Control+Enter")
    end = time.monotonic() + 900
    while len(page.server.client.get("/history")) == before:
        assert time.monotonic() < end, "the server did not finish"
        time.sleep(0.5)
    entry = list(page.server.client.get("/history").values())[-1]
    assert entry["status"]["status_str"] == "success", entry["status"]


DO = {"add": add, "link": link, "set": set_, "run": run}


def test_the_list_leads_to_a_set_a_classifier_and_a_report(page, tmp_path):
    for number, action, *rest in actions():
        with contextlib.ExitStack() as pictured:
            pictured.callback(page.editor.picture, tmp_path / f"{number}.png")  # the last one shows what failed
            DO[action](page, *rest)
    folder = page.server.datasets / "cats_and_ships"
    assert [len(list((folder / name).glob("*.png"))) for name in ("cat", "ship")] == [3, 3]
    report = (page.server.output / "hyponet" / "reports" / "report" / "report.html").read_text("utf-8")
    assert report.index("What was measured") < report.index("cats_and_ships, the rest")
    assert "Table 5-" not in report

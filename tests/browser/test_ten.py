"""The ten workflows that come first, as `dev.py serve` offers them: opened as the template browser opens them, readable
on two sizes of screen and clear of the page's bars, run by the page's own button, done, and nothing covers anything.

The newest page fits the whole graph, and draws no letters below 8/14 of their size."""

from __future__ import annotations

import time

import pytest

from hyponet.tests.browser.pages import ALL_PAGES, FULL, KOREAN, PAGE_TESTS, on, open_page
from hyponet.tests.tools.canvas import BOXES, covering
from hyponet.tests.tools.korean import HANGUL, LINES, english_lines
from hyponet.tools.workflows import inputs, served
from hyponet.tools.workflows.editor import AS_PEOPLE_HAVE_IT

pytestmark = PAGE_TESTS
SCREENS = _, SMALLER = [(1920, 1080), (1440, 900)]
TEN = [f"{number:02}" for number in range(1, 11)]
PATIENCE = 500.0  # seconds for one of them, on two cores that others use too
# whether letters are drawn, and what lies over the title bars of the nodes: bars of the page
SEEN = """() => {
  const {canvas} = app, {ds} = canvas, page = canvas.canvas.getBoundingClientRect();
  const under = app.graph._nodes.map((node) => {
    const x = page.x + (node.pos[0] + 12 + ds.offset[0]) * ds.scale;
    const y = page.y + (node.pos[1] - 15 + ds.offset[1]) * ds.scale;
    const seen = document.elementFromPoint(x, y);  // null beyond the screen: the pinned page does not fit its view
    const isClear = !seen || seen === canvas.canvas ||
      seen.closest('[data-node-id], .dom-widget, .graph-canvas-container');
    return isClear ? null : `${node.title} at ${x}, ${y}: ${seen.outerHTML.slice(0, 200)}`;
  });
  return {scale: ds.scale, letters: !canvas.low_quality, under: under.filter((line) => line)};
}"""


@pytest.fixture(scope="module")
def server(start_comfy, tmp_path_factory):
    """A server with what `dev.py serve` gives it. It keeps every result, so that what one page has run is there for
    the next: each workflow is run to its end once, and shown on four pages."""
    base = tmp_path_factory.mktemp("ten")
    inputs.complete(base)
    served.make_pack(base)
    started = start_comfy(base, options=("--cache-lru", "1000"), packs=[served.PACK])
    served.write_templates(started.client.object_info(), base)
    yield started
    started.server.stop()


@pytest.fixture(scope="module")
def page(request, server):
    """One page at a time, in English or in Korean: a process drives one browser."""
    which, opener = request.param
    with opener(server, which, AS_PEOPLE_HAVE_IT, size=SMALLER, is_bare=False) as opened:
        opened.sizes = SCREENS if FULL or which == ("newest", False) else [SMALLER]
        yield opened


def templates(server):
    """The names of the ten, in their order, from the list that the template browser shows."""
    return sorted(server.client.get("/workflow_templates")[served.PACK])


@pytest.mark.parametrize("number", TEN)
@on([(which, open_page) for which in ALL_PAGES])
def test_it_opens_readable_and_runs_to_its_end(server, page, number):
    (name,) = (name for name in templates(server) if name.startswith(f"small_{number}_"))
    for size in page.sizes:
        page.page.set_viewport_size({"width": size[0], "height": size[1]})
        page.open_template(name, served.PACK)
        assert page.dialogs() == []
        seen = page.page.evaluate(SEEN)
        assert seen["letters"], f"{seen} at {size}"
        assert seen["under"] == [], f"{seen} at {size}"
    run(server, page)


def run(server, page):
    """Press Run and wait for the end; nothing covers anything then. The run's entry in the history."""
    before = set(server.client.get("/history"))
    page.page.evaluate("async () => { await app.queuePrompt(0) }")
    end = time.monotonic() + PATIENCE
    while not (new := set(server.client.get("/history")) - before):
        assert page.dialogs() == []
        assert time.monotonic() < end, "it did not finish"
        time.sleep(0.5)
    (entry,) = (server.client.get("/history")[key] for key in new)
    assert entry["status"]["status_str"] == "success", entry["status"]["messages"][-1]
    time.sleep(1.5)
    assert page.dialogs() == []
    assert covering(page.page.evaluate(BOXES)) == []
    return entry


@pytest.mark.parametrize("number", TEN if FULL else TEN[:1])
@on(KOREAN)
def test_it_runs_in_korean_and_nothing_of_ours_is_english(server, page, number):
    """Titles, notes and names have their own tests, test_korean.py and test_korean_page.py; here all have room."""
    (name,) = (name for name in templates(server) if name.startswith(f"small_{number}_"))
    page.open_template(name, served.PACK)
    entry = run(server, page)
    assert [entry for entry in page.survey()["cut"] if entry[1] == "MarkdownNote"] == []
    answers = page.page.evaluate(LINES)
    assert any(HANGUL.search(text) for _, lines in answers for _, text in lines)
    theirs = [str(value) for node in entry["prompt"][2].values() for value in node["inputs"].values()]
    assert english_lines(answers, theirs) == []

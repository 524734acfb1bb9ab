"""The ten workflows that come first, as `dev.py serve` offers them: opened as the template browser opens them, readable
on two sizes of screen and clear of the page's bars, run by the page's own button, done, and nothing covers anything."""

from __future__ import annotations

import time

import pytest

from hyponet.tests.browser.pages import CHROMIUM, FRONTEND, NAMES, PAGE_TESTS, PAGES
from hyponet.tests.tools.canvas import BOXES, covering
from hyponet.tools.workflows import inputs, served
from hyponet.tools.workflows.editor import AS_PEOPLE_HAVE_IT, editor
from tools.dev.places import PACK_NAME

pytestmark = PAGE_TESTS
SCREENS = [(1920, 1080), (1440, 900)]
TEN = [f"{number:02}" for number in range(1, 11)]
PATIENCE = 500.0  # seconds for one of them, on two cores that others use too
# whether letters are drawn, and what lies over the title bars of the nodes: bars of the page
SEEN = """() => {
  const {canvas} = app, {ds} = canvas, page = canvas.canvas.getBoundingClientRect();
  const under = app.graph._nodes.filter((node) => {
    const x = page.x + (node.pos[0] + 12 + ds.offset[0]) * ds.scale;
    const y = page.y + (node.pos[1] - 15 + ds.offset[1]) * ds.scale;
    const seen = document.elementFromPoint(x, y);
    return seen !== canvas.canvas && !seen?.closest('[data-node-id], .dom-widget, .graph-canvas-container');
  });
  return {scale: ds.scale, letters: !canvas.low_quality, under: under.map((node) => node.title)};
}"""


@pytest.fixture(scope="module")
def servers(start_comfy, tmp_path_factory):
    """The servers of both pages, with what `dev.py serve` gives them, over one output folder."""
    output = tmp_path_factory.mktemp("output")
    started = {}

    def server(version):
        if version not in started:
            base = tmp_path_factory.mktemp(version)
            inputs.complete(base)
            served.make_pack(base)
            page = ("--front-end-root", FRONTEND) if version == "newest" else ()
            options = ("--whitelist-custom-nodes", PACK_NAME, served.PACK, *page)
            started[version] = start_comfy(base, output=output, options=options)
            served.write_templates(started[version].client.object_info(), base)
        return started[version]

    return server


@pytest.fixture(scope="module", params=PAGES, ids=NAMES)
def pages(request, servers):
    """The server, and the page on it at both sizes of screen."""
    version, vue = request.param
    server = servers(version)
    settings = AS_PEOPLE_HAVE_IT | {"Comfy.VueNodes.Enabled": vue}
    with editor(server.url, CHROMIUM, SCREENS[1], settings=settings, is_bare=False) as small:
        yield server, small


def templates(server):
    """The names of the ten, in their order, from the list that the template browser shows."""
    return sorted(server.client.get("/workflow_templates")[served.PACK])


@pytest.mark.parametrize("number", TEN)
def test_it_opens_readable_and_runs_to_its_end(pages, number):
    server, page = pages
    (name,) = (name for name in templates(server) if name.startswith(f"small_{number}_"))
    for size in SCREENS:
        page.page.set_viewport_size({"width": size[0], "height": size[1]})
        page.open_template(name, served.PACK)
        assert page.dialogs() == []
        seen = page.page.evaluate(SEEN)
        assert seen["letters"], f"{seen} at {size}"
        assert seen["under"] == [], f"{seen} at {size}"
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

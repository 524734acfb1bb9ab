"""The picture of a help page is seen where people open it, by the button over a chosen node: the page puts the folder
of our help pages before its address."""

from __future__ import annotations

import pytest

from hyponet.tests.browser.pages import NAMES, PAGE_TESTS, PAGES, open_page

pytestmark = PAGE_TESTS
NODE = "HypoNetPlanBatch"
CHOOSE = """(type) => {
  const node = LiteGraph.createNode(type);
  node.pos = [500, 200];
  app.graph.clear();
  app.graph.add(node);
  app.canvas.selectNode(node);
  app.canvas.setDirty(true, true);
}"""
PICTURES = """() => [...document.querySelectorAll('.node-help-content img')].map((picture) => ({
  address: new URL(picture.src).pathname, natural: picture.naturalWidth, width: picture.getBoundingClientRect().width,
  room: picture.closest('.node-help-content').getBoundingClientRect().width, alternative: picture.alt,
}))"""


@pytest.fixture(scope="module", params=PAGES, ids=NAMES)
def page(request, comfy):
    with open_page(comfy, request.param, {"Comfy.UseNewMenu": "Top"}, is_bare=False) as opened:
        yield opened


def test_the_help_of_a_node_shows_its_picture(page):
    page.page.evaluate(CHOOSE, NODE)
    page.page.click("[data-testid=info-button]")
    page.until(f"() => ({PICTURES})().some((picture) => picture.natural > 0)")
    (picture,) = page.page.evaluate(PICTURES)
    assert picture["address"] == f"/extensions/hyponet/docs/{NODE}/in_use.webp"
    assert 100 < picture["width"] <= picture["room"], "as wide as the panel at most"
    assert picture["alternative"]

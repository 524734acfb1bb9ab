"""In the canvas our boxes lie in one layer of ours: each where its node has it, under the node that is selected, gone
with its node and where letters are too small to be read. In Nodes 2.0 the page has them in its nodes."""

from __future__ import annotations

import time

import pytest

from hyponet.tests.browser.pages import ADD_AND_LINK, PAGE_TESTS, build, frontend_version

pytestmark = PAGE_TESTS
BUILD = "() => {" + ADD_AND_LINK + " add('HypoNetClassesFromText', 50); add('HypoNetHyponymsOfWord', 700); }"
# of the first node: its box, and the place for it by the node's size and the margin that the page gives DOM widgets
PLACES = """() => {
  const {ds, canvas} = app.canvas, [node] = app.graph._nodes, page = canvas.getBoundingClientRect();
  const widget = node.widgets.find((widget) => widget.name === 'answer');
  const {left, top, width, height} = widget.element.getBoundingClientRect();
  const corner = [node.pos[0] + 10, node.pos[1] + widget.y + 10];
  return {
    isShown: widget.element.checkVisibility(), inLayer: Boolean(widget.element.closest('.hyponet-layer')),
    box: [left - page.left, top - page.top, width, height],
    due: [(corner[0] + ds.offset[0]) * ds.scale, (corner[1] + ds.offset[1]) * ds.scale,
          (node.size[0] - 20) * ds.scale, (widget.computedHeight - 20) * ds.scale],
  };
}"""
LOOK = """([scale, x, y]) => {
  Object.assign(app.canvas.ds, {scale, offset: [x, y]}); app.canvas.setDirty(true, true);
}"""


def places(page, view=None):
    if view:
        page.editor.page.evaluate(LOOK, view)
    time.sleep(0.4)
    return page.editor.page.evaluate(PLACES)


def test_a_box_lies_where_its_node_has_it(page):
    build(page, BUILD)
    if page.vue:
        assert not places(page)["inLayer"]
        return
    for view in ((1, 0, 0), (1, 120, 30), (1.4, 10, -20), (0.7, 300, 100)):
        seen = places(page, view)
        assert seen["isShown"]
        assert seen["inLayer"]
        assert seen["box"] == pytest.approx(seen["due"], abs=1), view
    page.editor.page.evaluate("() => { app.graph._nodes[0].pos = [90, 200]; app.canvas.setDirty(true, true); }")
    seen = places(page)
    assert seen["box"] == pytest.approx(seen["due"], abs=1)
    assert not places(page, (1, -3000, 0))["isShown"], "out of sight"
    assert places(page, (1, 0, 0))["isShown"]

    left, top, width, height = places(page)["due"]
    middle = (left + width / 2, top + height / 2)
    at = "([x, y]) => Boolean(document.elementFromPoint(x, y).closest('.hyponet-answer'))"
    assert page.editor.page.evaluate(at, middle)
    page.editor.page.evaluate(
        """([x, y]) => { const node = app.graph._nodes[1]; node.pos = [x - 20, y - 20]; app.canvas.selectNode(node);
        app.canvas.bringToFront(node); app.canvas.setDirty(true, true); }""",
        middle,
    )
    time.sleep(0.4)
    assert not page.editor.page.evaluate(at, middle), "the selected node lies over it"


def test_a_box_goes_with_its_node_and_with_its_letters(page):
    build(page, BUILD)
    if not page.vue:
        page.editor.page.evaluate("() => { app.canvas.min_font_size_for_lod = 8; }")
        assert not places(page, (0.4, 0, 0))["isShown"]
        page.editor.page.evaluate("() => { app.canvas.min_font_size_for_lod = 0; }")
        assert places(page, (1, 0, 0))["isShown"]
    page.editor.page.evaluate("() => { app.graph._nodes.slice().forEach((node) => app.graph.remove(node)); }")
    time.sleep(0.4)
    assert page.editor.page.evaluate("() => document.querySelectorAll('.hyponet-answer').length") == 0


def test_boxes_change_sides_with_the_renderer(page):
    """Someone who switches Nodes 2.0 on or off has the answers in both."""
    build(page, BUILD)
    switch = "(on) => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)"
    for vue in (not page.vue, page.vue):
        page.editor.page.evaluate(switch, vue)
        time.sleep(1)
        seen = places(page, (1, 0, 0))
        assert seen["isShown"]
        assert seen["inLayer"] != vue


WITHIN_SUBGRAPH = """() => {
  const texts = app.graph._nodes.find((node) => node.type === 'HypoNetClassesFromText');
  const {node} = app.graph.convertToSubgraph(new Set([texts]));
  node.properties.proxyWidgets = [[String(node.subgraph.nodes[0].id), 'answer']];
  Object.assign(node, {pos: [700, 300], size: [400, 260]});
  app.canvas.setDirty(true, true);
}"""
OUTSIDE = """() => {
  const node = app.graph._nodes.find((node) => node.subgraph), page = app.canvas.canvas.getBoundingClientRect();
  const box = node.subgraph.nodes[0].widgets.find((widget) => widget.name === 'answer').element;
  const {left, top, right, bottom} = box.getBoundingClientRect();
  const [x, y] = node.pos, {ds} = app.canvas;
  return {
    isTaken: node.widgets.some((widget) => widget.name.endsWith('answer')), // 1.32.9 has the node's number first
    isShown: box.checkVisibility(), box: [left - page.left, top - page.top, right - page.left, bottom - page.top],
    node: [[x, y], [x + node.size[0], y + node.size[1]]].flatMap(
      ([x, y]) => [(x + ds.offset[0]) * ds.scale, (y + ds.offset[1]) * ds.scale]),
  };
}"""


def test_a_box_that_a_subgraph_shows_outside_lies_in_the_subgraph_s_node(page):
    if page.vue:
        return
    build(page, BUILD)
    page.editor.page.evaluate(WITHIN_SUBGRAPH)
    time.sleep(0.6)
    seen = page.editor.page.evaluate(OUTSIDE)
    if not seen["isTaken"]:  # newer pages show outside a subgraph only what has an input
        assert page.newest or frontend_version("pinned") != "1.32.9"
        return
    assert seen["isShown"]
    (left, top, right, bottom), (x, y, x2, y2) = seen["box"], seen["node"]
    assert x <= left < right <= x2, seen
    assert y <= top < bottom <= y2, seen

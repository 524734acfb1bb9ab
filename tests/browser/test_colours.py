"""Each of our types of socket has its colour, of dots and of links, in both renderers and whatever theme is chosen."""

from __future__ import annotations

import re

from hyponet.tests.browser.pages import PAGE_TESTS
from tools.dev.places import ROOT

pytestmark = PAGE_TESTS
SCRIPT = (ROOT / "web" / "js" / "colours.js").read_text("utf-8")
COLOURS = dict(re.findall(r'^  (\w+): "(#\w+)",$', SCRIPT, re.M))
# of dots and of links in the canvas, and of both in Nodes 2.0
SEEN = """(types) => {
  const {canvas} = app, style = getComputedStyle(document.body);
  return types.map((type) => [
    canvas.default_connection_color_byType[type], canvas.constructor.link_type_colors[type],
    style.getPropertyValue(`--color-datatype-${type}`).trim()]);
}"""
CHOOSE = """async (theme) => {
  await app.extensionManager.setting.set('Comfy.ColorPalette', theme);
  await new Promise((done) => setTimeout(done, 500));
}"""


def seen(page):
    return dict(zip(COLOURS, page.editor.page.evaluate(SEEN, list(COLOURS)), strict=True))


def test_a_type_keeps_its_colour_in_every_theme(page):
    """The page empties the colours of types that a theme does not know."""
    assert len(COLOURS) > 10
    own = {type_: [colour] * 3 for type_, colour in COLOURS.items()}
    assert seen(page) == own
    try:
        page.editor.page.evaluate(CHOOSE, "light")
        assert seen(page) == own
    finally:
        page.editor.page.evaluate(CHOOSE, "dark")
    assert seen(page) == own


def test_a_theme_that_names_a_type_goes_before(page):
    """As the page writes a theme's colours: over what is there, "" for a type that it does not name."""
    write = "(colour) => { Object.assign(app.canvas.default_connection_color_byType, {HYPONET_PLAN: colour}) }"
    page.editor.page.evaluate(write, "#123456")
    assert seen(page)["HYPONET_PLAN"][0] == "#123456"
    page.editor.page.evaluate(write, "")
    assert seen(page)["HYPONET_PLAN"][0] == COLOURS["HYPONET_PLAN"]

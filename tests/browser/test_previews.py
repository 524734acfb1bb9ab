"""Generate Dataset on a server with live previews: when it is done, the node shows the pictures of the set, one by one
or on a sheet, and no longer the noise of a step."""

from __future__ import annotations

import pytest
from PIL import Image

from hyponet.evaluation.training.charts import CURVE_SIZE
from hyponet.tests.browser.pages import ADD_AND_LINK, NAMES, PAGE_TESTS, PAGES, build, open_page, run

pytestmark = PAGE_TESTS
BUILD = (
    "(name) => {"
    + ADD_AND_LINK
    + """
  const model = add('CheckpointLoaderSimple', 20, {ckpt_name: 'tiny_sd15.ckpt'});
  const classes = add('HypoNetClassesFromText', 20, {text: 'cat: cat\\ndog: dog'});
  const plan = add('HypoNetPlanDataset', 450, {images_per_class: 3, template: '__class__'});
  const made = add('HypoNetGenerateDataset', 880, {name, width: 64, height: 64, steps: 2, batch_size: 2});
  classes.pos[1] = 300;
  ['model', 'clip', 'vae'].forEach((name, slot) => link(model, slot, made, name));
  link(classes, 0, plan, 'classes'); link(plan, 0, made, 'plan');
}"""
)
# where the canvas draws them, or the elements of Nodes 2.0
SHOWN = """() => {
  const node = app.graph._nodes.find((node) => node.type === 'HypoNetGenerateDataset');
  const element = LiteGraph.vueNodesMode && document.querySelector(`[data-node-id="${node.id}"]`);
  const pictures = element ? [...element.querySelectorAll('img')] : node.imgs ?? [];
  return pictures.map((picture) => [picture.src.slice(0, 5), picture.naturalWidth]);
}"""


# a classifier of two colours, and the pictures that come while it is trained
TRAIN = (
    "() => {"
    + ADD_AND_LINK
    + """
  const images = add('HypoNetLoadLabelledImages', 20, {source: 'image folder', path: 'colours', split: 'all'});
  const trained = add('HypoNetTrainClassifier', 450, {name: `live-${Math.random()}`, size: 32, epochs: 12});
  link(images, 0, trained, 'images');
}"""
)
VERSION = "() => window.__COMFYUI_FRONTEND_VERSION__"
MISREADING = "1.42.8"  # of ComfyUI 0.18.1, which sends progress texts without the number that this page expects first
HEAR = """() => {
  window.heard = {pictures: [], lines: []};
  const {api} = window.comfyAPI.api;
  api.addEventListener('b_preview', async ({detail}) => {
    const picture = await createImageBitmap(detail);
    window.heard.pictures.push([picture.width, picture.height]);
  });
  api.addEventListener('progress_text', ({detail}) => window.heard.lines.push(detail.text));
}"""


@pytest.fixture
def previews(comfy):
    """The server with live previews."""
    comfy.client.post("/test_previews/latent2rgb", {})
    yield comfy
    comfy.client.post("/test_previews/none", {})


class Page:
    """An editor and its server, as the functions of test_answers take them."""

    def __init__(self, opened, server):
        self.editor, self.server = opened, server


@pytest.mark.parametrize("shown_on", PAGES, ids=NAMES)
def test_a_preview_does_not_stay_over_the_pictures(previews, shown_on):
    with open_page(previews, shown_on) as opened:
        page = Page(opened, previews)
        build(page, "() => {}")
        opened.page.evaluate(BUILD, f"previewed-{'-'.join(map(str, shown_on))}")
        run(page)
        opened.page.wait_for_timeout(1000)
        shown = opened.page.evaluate(SHOWN)
        if shown_on == ("pinned", False):
            assert shown == [["http:", 64]] * 6
        else:  # these keep the last preview, the sheet of all six, beside or instead of them; never the noise of a step
            assert shown
            assert {tuple(picture) for picture in shown} <= {("blob:", 3 * 130 + 2), ("http:", 64)}


def test_without_previews_the_finished_pictures_come_as_a_growing_sheet(comfy):
    """The regression: with previews off, no picture was seen until the whole set was done."""
    with open_page(comfy, ("pinned", False)) as opened:
        page = Page(opened, comfy)
        build(page, "() => {}")
        opened.page.evaluate(HEAR)
        opened.page.evaluate(BUILD, "growing")
        run(page)
        opened.page.wait_for_timeout(500)
        sizes = opened.page.evaluate("() => window.heard.pictures")
        assert sizes[0] == [2 * 130 + 2, 130 + 2], "the first batch; of the others as often as drawing is due"
        assert sizes[-1] == [3 * 130 + 2, 2 * 130 + 2], "all six, of 128 pixels and a gap of 2"
        assert opened.page.evaluate(SHOWN) == [["http:", 64]] * 6


@pytest.mark.parametrize("shown_on", PAGES, ids=NAMES)
def test_a_training_shows_its_curves_while_it_runs(comfy, shown_on):
    for label, colour in (("red", "red"), ("blue", "blue")):
        (comfy.input / "colours" / label).mkdir(parents=True, exist_ok=True)
        for number in range(32):
            Image.new("RGB", (32, 32), colour).save(comfy.input / "colours" / label / f"{number}.png")
    with open_page(comfy, shown_on) as opened:
        page = Page(opened, comfy)
        build(page, "() => {}")
        opened.page.evaluate(HEAR)
        opened.page.evaluate(TRAIN)
        run(page)
        heard = opened.page.evaluate("() => window.heard")
        assert set(map(tuple, heard["pictures"])) == {(CURVE_SIZE[0], 2 * CURVE_SIZE[1])}, "loss over accuracy"
        assert len(heard["pictures"]) >= 2, "one while it ran, one at the end"
        if page.editor.page.evaluate(VERSION) != MISREADING:
            assert any("epoch 12/12" in line and "left" in line for line in heard["lines"])
        shown = opened.page.evaluate(SHOWN.replace("HypoNetGenerateDataset", "HypoNetTrainClassifier"))
        assert shown == [["http:", CURVE_SIZE[0]]], "the result alone: the last picture of the running node is gone"

"""Generate Dataset on a server with live previews: when it is done, the node shows the pictures of the set, one by one
or on a sheet, and no longer the noise of a step."""

from __future__ import annotations

import os

import pytest

from hyponet.tests.browser.test_answers import FRONTEND, NAMES, PAGES, build, run
from hyponet.tools.workflows.editor import editor

CHROMIUM = os.environ.get("HYPONET_CHROMIUM", "")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM: the page is not tested; install it and run again"),
]
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
  const plan = add('HypoNetPlanDataset', 450, {images_per_class: 3, template: '__class__'});
  const made = add('HypoNetGenerateDataset', 880, {name, width: 64, height: 64, steps: 2, batch_size: 2});
  classes.pos[1] = 300;
  ['model', 'clip', 'vae'].forEach((name, slot) => link(model, slot, made, name));
  link(classes, 0, plan, 'classes'); link(plan, 0, made, 'plan');
}"""
# where the canvas draws them, or the elements of Nodes 2.0
SHOWN = """() => {
  const node = app.graph._nodes.find((node) => node.type === 'HypoNetGenerateDataset');
  const element = LiteGraph.vueNodesMode && document.querySelector(`[data-node-id="${node.id}"]`);
  const pictures = element ? [...element.querySelectorAll('img')] : node.imgs ?? [];
  return pictures.map((picture) => [picture.src.slice(0, 5), picture.naturalWidth]);
}"""


@pytest.fixture(scope="module")
def servers(start_comfy, tmp_path_factory):
    """Servers with previews, by the name of the page, started when they are asked for."""
    started = {}

    def server(version):
        if version not in started:
            page = ("--front-end-root", FRONTEND) if version == "newest" else ()
            options = ("--preview-method", "latent2rgb", *page)
            started[version] = start_comfy(tmp_path_factory.mktemp(version), options=options)
        return started[version]

    return server


class Page:
    """An editor and its server, as the functions of test_answers take them."""

    def __init__(self, opened, server):
        self.editor, self.server = opened, server


@pytest.mark.parametrize(("version", "vue"), PAGES, ids=NAMES)
def test_a_preview_does_not_stay_over_the_pictures(servers, version, vue):
    server = servers(version)
    with editor(server.url, CHROMIUM, settings={"Comfy.VueNodes.Enabled": vue}) as opened:
        page = Page(opened, server)
        build(page, "() => {}")
        opened.page.evaluate(BUILD, f"made-{vue}")
        run(page)
        opened.page.wait_for_timeout(1000)
        shown = opened.page.evaluate(SHOWN)
        if (version, vue) == PAGES[0]:
            assert shown == [["http:", 64]] * 6
        else:  # these keep the last preview, the sheet of all six, beside or instead of them; never the noise of a step
            assert shown
            assert {tuple(picture) for picture in shown} <= {("blob:", 3 * 130 + 2), ("http:", 64)}

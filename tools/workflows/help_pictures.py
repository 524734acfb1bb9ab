"""Draws web/docs/<node id>/in_use.webp, which the node's help page shows: the node in the workflow of its example, run.

`python3 dev.py screenshots --help-pages [NAME ...]` runs it; a name is that of a node or of a workflow. Each workflow
is opened and run once, by the small models of served.py. Networks that measure pictures have random weights: the pages
say so.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from tools.dev.places import ROOT
from tools.dev.server import Server, scratch_server
from tools.help_pages import PAGES, PICTURE, example
from tools.stand_ins.vision import write_clip, write_dino

from .builder.catalogue import build
from .builder.forms import api_form, graph_form
from .builder.graph import HEAD_WIDTHS, Flow, Node, Schemas
from .builder.layout import ANSWER_WITH_PICTURES
from .builder.recipes import SERVED
from .editor import Editor, editor
from .help_graphs import GRAPHS, PHOTOS, SET
from .inputs import complete
from .served import set_for_this_machine
from .write import pack_version

SCREEN = (1000, 1700)  # the largest node in it, at its own size
SCALE = 1.25  # pixels of the picture to one of the canvas: sharp also where the help panel was drawn wider
ANSWER_HEIGHT = 160  # at least, of an answer in words, in pixels of the canvas
BESIDE, BELOW, TITLE = 40, 6, 30  # what is seen around the node, and its title bar, in pixels of the canvas
LEAST_HEIGHT = 220  # a small node is seen among its neighbours
SIZES = ((1, 60), (0.8, 60), (0.8, 45), (0.8, 30))  # share of a side, quality of WebP: the first that is small enough
LARGEST = 22_000  # bytes
PATIENCE = 900  # seconds for one workflow, on a machine that does other work too
PICTURES_PATIENCE = 60  # seconds until those that a node shows are there; the canvas asks anew every 17
OWN_CLASSES = "hyponet_04_own_classes_to_classifier"  # makes the set that later ones open
MAKE_SET = ("HypoNetClassesFromText", "HypoNetPlanDataset", "CheckpointLoaderSimple", "HypoNetGenerateDataset")
COPIED = "photos_with_copies"  # of pictures of the set, for Find Copies
REAL = {"source": "image folder", "path": PHOTOS}
# workflow -> title or type of a node -> its values, where served.py has none for it
VALUES: dict[str, dict[str, dict[str, Any]]] = {
    "hyponet_01_quick_start": {"HypoNetMakeContactSheet": {"columns": 4, "rows": 3}},
    OWN_CLASSES: {  # prompts come again, for Sameness
        "HypoNetClassesFromText": {"text": "ship\ntruck\nhorse"},
        "HypoNetPlanDataset": {"template": "a photo of a {small|large} __class__"},
    },
    "hyponet_12_only_hyponyms": {"LoadImage": {"image": "cat.png"}},
    "hyponet_22_metrics_of_today": {"Real photos": REAL},
    "hyponet_23_close_the_loop": {
        "Real photos": {"path": COPIED},
        "HypoNetTrainClassifier": {**SERVED, "runs": 2},
        "HypoNetLearningCurve": {"sizes": "2, 4"},
        "HypoNetTopUpPlan": {"budget": 9},
    },
    "hyponet_24_captions_as_prompts": {
        "HypoNetSampleImages": {"per_class": 4},
        "HypoNetCaptionImages": {"captioner": "template"},
    },
    "hyponet_thesis_figure_4_3_to_4_7_sd14": {"HypoNetLoadDataset": {"name": SET}},
    "hyponet_thesis_figure_5_3_distortion": {
        "HypoNetLoadLabelledImages": {**REAL, "split": "all", "per_class": 4},
        "HypoNetPlotDistortion": {"kinds": "noise, blur", "strengths": "0.25, 0.5, 1"},
    },
    "hyponet_thesis_table_5_10_small": {"CIFAR-10 train": {"source": "image folder"}},
    "hyponet_thesis_table_5_12_inception_score": {
        "HypoNetLoadLabelledImages": {**REAL, "split": "all"},
        "HypoNetMeasureInceptionScore": {"splits": 3},
    },
}
WIDTHS = dict.fromkeys(("HypoNetCheckLabels", "HypoNetClassifyImage", "HypoNetCompareClassifiers"), 420)  # for tables
# what a node shows has come: its pictures, where it has some
IS_READY = """(id) => {
  const node = app.graph.getNodeById(id);
  const boxes = (node.widgets ?? []).map((widget) => widget.element).filter((element) => element?.isConnected);
  const pictures = [...(node.imgs ?? []), ...boxes.flatMap((box) => [...box.querySelectorAll('img')])];
  return pictures.some((picture) => picture.complete && picture.naturalWidth); // those out of sight come never
}"""
FRAME = """([left, top]) => {
  const { ds } = app.canvas;
  ds.scale = 1;
  ds.offset[0] = -left;
  ds.offset[1] = -top;
  app.canvas.setDirty(true, true);
  app.canvas.draw(true, true);
}"""
BOX = "(id) => { const node = app.graph.getNodeById(id); return [...node.pos, ...node.size]; }"


def main(names: Sequence[str] = ()) -> int:
    """Draw the pictures of those nodes and of the nodes of those workflows; of all, without a name."""
    with started() as server:
        schemas = server.client.object_info()
        flows = flows_to_draw(schemas, names)
        drawable = {flow.name for flow, _ in flows} | {node.type for _, nodes in flows for node in nodes}
        if unknown := sorted(set(names) - drawable):
            print(f"no node, and no workflow of an example: {', '.join(unknown)}")
            return 1
        if any(SET in str(node.values) for flow, _ in flows for node in flow.nodes):
            make_set(server, schemas)
        with editor(server.client.url, os.environ["HYPONET_CHROMIUM"], SCREEN, SCALE) as page:
            for flow, nodes in flows:
                draw(server, page, flow, nodes)
    return 0


@contextlib.contextmanager
def started() -> Iterator[Server]:
    """A server with what the workflows read.

    Raises:
        FileExistsError: its folder is there, of another run.
    """
    base = Path(tempfile.gettempdir()) / "ComfyUI"  # the same each time: paths are seen in the pictures
    base.mkdir()
    try:
        (base / "input").mkdir()
        complete(base)
        write_dino(base / "models" / "classifiers" / "dinov2-large", trained_at=224)
        write_clip(base / "models" / "classifiers" / "clip-vit-large-patch14-336")
        with scratch_server(base) as server:
            yield server
    finally:
        shutil.rmtree(base)


def flows_to_draw(schemas: Schemas, names: Sequence[str]) -> list[tuple[Flow, list[Node]]]:
    """The workflows in their order, at the settings of this machine, each with the nodes to be drawn in it.

    Args:
        names: of nodes or workflows; of all, if there is none.
    """
    flows = {flow.name: flow for flow in [*build(schemas), *(make(schemas) for make in GRAPHS)]}
    chosen: dict[str, list[Node]] = {name: [] for name in flows}
    for node_id in sorted(path.name for path in PAGES.iterdir()):
        workflows = re.findall(r"`(hyponet_\w+)`", example((PAGES / node_id / "en.md").read_text("utf-8")))
        places = workflows or [make(schemas).name for make in GRAPHS]
        flow, node = next((flows[name], node) for name in places for node in flows[name].nodes if node.type == node_id)
        if not names or {flow.name, node_id} & set(names):
            chosen[flow.name].append(node)
    for flow in flows.values():
        set_values(flow)
        for node in flow.nodes:
            node.is_collapsed = False
    for node in itertools.chain.from_iterable(chosen.values()):
        node.title = ""  # its own name is shown, whole
        widths = (node.box[0], HEAD_WIDTHS.get(node.type, 0), WIDTHS.get(node.type, 0))
        node.box = (max(widths), node.box[1])
        if node.type not in ANSWER_WITH_PICTURES:
            node.answer_height = max(node.answer_height, ANSWER_HEIGHT)
    return [(flows[name], nodes) for name, nodes in chosen.items() if nodes]


def set_values(flow: Flow) -> None:
    """Give its nodes the values of this machine, and those of the pictures."""
    set_for_this_machine(flow)
    for node in flow.nodes:
        for key in (node.type, node.title):
            node.values |= VALUES.get(flow.name, {}).get(key, {})


def make_set(server: Server, schemas: Schemas) -> None:
    """The set of workflow 4, without what comes after it; and photos among which are copies of its pictures."""
    (flow,) = (flow for flow in build(schemas) if flow.name == OWN_CLASSES)
    set_values(flow)
    graph = api_form(flow)
    server.client.run({key: node for key, node in graph.items() if node["class_type"] in MAKE_SET})
    photos = server.base / "input" / COPIED
    shutil.copytree(server.base / "input" / PHOTOS, photos)
    for folder in photos.iterdir():
        picture_file = min((server.output / "datasets" / SET / folder.name).glob("*.png"))
        Image.open(picture_file).convert("RGB").save(folder / "copy.jpg")
    print(f"made the set {SET}", flush=True)


def draw(server: Server, page: Editor, flow: Flow, nodes: Sequence[Node]) -> None:
    """Open a workflow, run what those nodes need, and picture them."""
    start = time.monotonic()
    page.load(graph_form(flow, pack_version()))
    if answering := [str(node.id) for node in nodes if node.answers]:
        run(server, page, answering)
    for node in nodes:
        path = PAGES / node.type / PICTURE
        save(picture(page, node), path)
        print(f"{path.relative_to(ROOT).as_posix()}: {path.stat().st_size / 1024:.0f} kB", flush=True)
    print(f"{flow.name}: {time.monotonic() - start:.0f} s", flush=True)


def run(server: Server, page: Editor, node_ids: Sequence[str]) -> None:
    """Run those nodes and what they need, to the end.

    Raises:
        RuntimeError: the page or the server refused, or a node failed.
    """
    before = set(server.client.get("/history"))
    page.page.evaluate("async (ids) => { await app.queuePrompt(0, 1, ids) }", list(node_ids))
    end = time.monotonic() + PATIENCE
    while not (new := set(server.client.get("/history")) - before):
        if page.dialogs() or time.monotonic() > end:
            raise RuntimeError(f"it did not run: {page.dialogs()}")
        time.sleep(0.5)
    server.client.wait(new.pop(), PATIENCE)
    page.until("() => !app.runningNodeId")
    time.sleep(1)


def picture(page: Editor, node: Node) -> Image.Image:
    """The node with what lies close around it."""
    left, top, width, height = page.page.evaluate(BOX, node.id)
    height += TITLE + BELOW
    area = {"width": width + 2 * BESIDE, "height": max(height, LEAST_HEIGHT)}
    corner = [left - BESIDE, top - TITLE - (area["height"] - height) / 2]
    page.page.evaluate(FRAME, corner)
    if node.type in (*ANSWER_WITH_PICTURES, "HypoNetRejectItems"):
        with contextlib.suppress(TimeoutError):  # looked at by whoever draws them
            page.until(f"() => ({IS_READY})({node.id})", PICTURES_PATIENCE)
        page.page.evaluate(FRAME, corner)
    time.sleep(1)
    x, y = page.page.evaluate("() => { const { x, y } = app.canvas.canvas.getBoundingClientRect(); return [x, y]; }")
    shot = page.page.screenshot(clip={"x": x, "y": y, **area})
    return Image.open(io.BytesIO(shot)).convert("RGB")


def save(image: Image.Image, path: Path) -> None:
    """Write it, small."""
    for share, quality in SIZES:
        size = (round(image.width * share), round(image.height * share))
        image.resize(size, Image.Resampling.LANCZOS).save(path, quality=quality, method=6)
        if path.stat().st_size <= LARGEST:
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

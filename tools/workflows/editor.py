"""ComfyUI's editor in a real Chromium: load a workflow, look at what the page made of it, picture it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.Workflow.ShowMissingModelsWarning": False,  # its dialog covers the page wherever a model is not installed
    "Comfy.Workflow.ShowMissingNodesWarning": True,
    "Comfy.UseNewMenu": "Disabled",  # a bare canvas
    "LiteGraph.Canvas.MinFontSizeForLOD": 0,  # letters also where they are small
    "Comfy.Graph.CanvasInfo": False,
    "Comfy.Graph.CanvasMenu": False,
    "Comfy.Minimap.Visible": False,
    "Comfy.VueNodes.Enabled": False,  # Nodes 2.0
}
AS_PEOPLE_HAVE_IT = {  # the page's own bars, and letters left out where they would be small
    "Comfy.TutorialCompleted": True,
    "Comfy.UseNewMenu": "Top",
    "LiteGraph.Canvas.MinFontSizeForLOD": 8,
    "Comfy.Graph.CanvasInfo": True,
    "Comfy.Graph.CanvasMenu": True,
    "Comfy.Workflow.ShowMissingModelsWarning": True,
}
HIDDEN = ".comfyui-body-top, .side-tool-bar-container, .comfy-menu, .p-toast, .graph-canvas-menu"
BARE = HIDDEN + " { display: none !important }"
QUIET = (  # what the frontend itself says on every start without a network, or of a file that is not there
    "Failed to load resource",
    "net::ERR_",
    "Vue Router",
    "WebGL",
    "Content Security Policy",  # it asks the registry about packs
    "[Jobs API]",  # the newest page asks an older server for a list that this does not have,
    "JobsApiError",  # and says so twice
)
SURVEY = """() => {
  const graph = window.app.graph;
  const nodes = graph._nodes.map(n => ({
    id: n.id, type: n.type, title: n.title, box: [n.pos[0], n.pos[1], n.size[0], n.size[1]],
    least: Array.from(n.computeSize()), missing: !(n.type in LiteGraph.registered_node_types),
    colour: n.color || '',
    red: (n.inputs || []).filter(i => i.link != null && !graph.links.get(i.link)).map(i => i.name),
    linked: (n.inputs || []).filter(i => i.link != null).length,
    widgets: (n.widgets || []).map(w => [w.name, w.value]),
  }));
  const cut = [];
  let texts = 0;
  for (const n of graph._nodes) for (const w of n.widgets || []) {
    const e = w.element; if (!e || !e.isConnected) continue;
    const t = e.matches('textarea') ? e : (e.querySelector('.tiptap') || e.querySelector('textarea') || e);
    const room = e.clientHeight;
    texts += 1;
    if (t.scrollHeight > room + 4) cut.push([n.id, n.type, w.name, t.scrollHeight, room]);
  }
  return {nodes, cut, texts, links: graph.links.size};
}"""


class Editor:
    """One page, reused for every workflow.

    Attributes:
        errors: what the page wrote to its console as errors since the last `load`.
    """

    def __init__(self, page: Any, url: str, settings: Mapping[str, Any] | None = None, *, is_bare: bool = True) -> None:
        self.page, self.url, self.is_bare = page, url, is_bare
        self.settings = SETTINGS | dict(settings or {})
        self.errors: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.errors.append(f"page error: {error}"))

    def _hear(self, message: Any) -> None:
        if message.type == "error" and not any(sign in message.text for sign in QUIET):
            self.errors.append(message.text)

    def open(self, patience: float = 90, query: str = "") -> None:
        """Load the editor, or load it again, and wait until it is ready.

        Args:
            query: of the address.
        """
        for key, value in self.settings.items():
            self.page.request.post(f"{self.url}/settings/{key}", data=json.dumps(value))
        self.page.goto(self.url + query, wait_until="domcontentloaded")
        self.until(
            "() => !!(window.app && window.app.graph && window.app.extensionManager && window.LiteGraph "
            "&& Object.keys(window.LiteGraph.registered_node_types).length > 300)",
            patience,
        )
        if self.is_bare:
            # not by add_style_tag, which takes any complaint of the page in that moment for its own
            self.page.evaluate(
                "(css) => { document.head.append(Object.assign(document.createElement('style'), {textContent: css})) }",
                BARE,
            )
        time.sleep(1)

    def open_template(self, name: str, pack: str) -> None:
        """Open a template of a pack in a page that was loaded anew, as the template browser does, by its address."""
        self.page.goto(f"{self.url}/system_stats")  # of its site and not the page, which would keep its tabs and view
        self.page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        self.errors.clear()
        self.open(query=f"/?template={name}&source={pack}")
        self.until(f"() => window.app.extensionManager.workflow.activeWorkflow?.path.includes('{name}')", 60)
        self.until("() => window.app.graph._nodes.length > 0")
        time.sleep(1.5)  # it fits its view after that

    def until(self, predicate: str, patience: float = 30) -> None:
        """Ask again and again from here: the page's own waiting returns too early on promises."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            with contextlib.suppress(Exception):
                if self.page.evaluate(predicate):
                    return
            time.sleep(0.2)
        raise TimeoutError(f"the editor did not come to: {predicate}")

    def load(self, workflow: dict[str, Any]) -> None:
        """Open a workflow in graph form."""
        self.errors.clear()
        self.page.evaluate("workflow => window.app.loadGraphData(workflow, true, true, null)", workflow)
        ids = len(workflow["nodes"])
        self.until(f"() => window.app.graph._nodes.length === {ids}")

    def survey(self) -> dict[str, Any]:
        """What stands on the canvas: nodes with boxes, links, text boxes that cut their text."""
        return self.page.evaluate(SURVEY)

    def prompt(self) -> dict[str, Any]:
        """The API form as the editor itself would queue it."""
        return self.page.evaluate("async () => (await window.app.graphToPrompt()).output")

    def dialogs(self) -> list[str]:
        """The texts of the dialogs over the page."""
        return self.page.evaluate("() => [...document.querySelectorAll('.p-dialog')].map(d => d.innerText)")

    def frame(self, box: tuple[float, float, float, float], margin: float = 30) -> None:
        """Show the part `box` (left, top, width, height in graph units) of the canvas."""
        self.page.evaluate(
            """([x, y, w, h]) => { const c = window.app.canvas, r = c.canvas.getBoundingClientRect();
            const s = Math.min(r.width / w, r.height / h, 1.5);
            c.ds.scale = s; c.ds.offset[0] = -x + (r.width / s - w) / 2; c.ds.offset[1] = -y + (r.height / s - h) / 2;
            c.setDirty(true, true); c.draw(true, true); }""",
            [box[0] - margin, box[1] - margin, box[2] + 2 * margin, box[3] + 2 * margin],
        )
        time.sleep(0.4)

    def settle(self, patience: float = 5) -> None:
        """Wait until the sample pictures of loader nodes are there, or are known to be missing."""
        with contextlib.suppress(TimeoutError):
            self.until(
                "() => window.app.graph._nodes.every(n => n.type !== 'LoadImage' || (n.imgs && n.imgs.length))",
                patience,
            )
        self.page.evaluate("() => window.app.canvas.draw(true, true)")
        time.sleep(0.3)

    def picture(self, path: Path, box: tuple[float, float, float, float] | None = None) -> Path:
        """A screenshot of the whole page; of `box` when one is given."""
        if box:
            self.frame(box)
        self.page.screenshot(path=str(path))
        return path


def bounds(workflow: dict[str, Any]) -> tuple[float, float, float, float]:
    """The box around everything in a workflow, with the title bars."""
    boxes = [(*node["pos"], *node["size"]) for node in workflow["nodes"]]
    boxes += [tuple(group["bounding"]) for group in workflow["groups"]]
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes) - 30
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return left, top, right - left, bottom - top


@contextlib.contextmanager
def editor(
    url: str,
    chromium: str,
    size: tuple[int, int] = (1600, 900),
    scale: float = 1,
    settings: Mapping[str, Any] | None = None,
    *,
    is_bare: bool = True,
    options: Sequence[str] = (),
    refused: str = "",
    cookies: Mapping[str, str] | None = None,
) -> Iterator[Editor]:
    """A started browser with the editor of the server at `url` open.

    Args:
        settings: of the page, over SETTINGS.
        is_bare: without the page's bars.
        options: of the browser.
        refused: a pattern of addresses that the page does not get.
        cookies: of the page.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *options],
        )
        try:
            page = browser.new_page(viewport={"width": size[0], "height": size[1]}, device_scale_factor=scale)
            given = dict(cookies or {})
            page.context.add_cookies([{"name": name, "value": value, "url": url} for name, value in given.items()])
            if refused:
                page.route(refused, lambda route: route.abort())
            editor = Editor(page, url, settings, is_bare=is_bare)
            editor.open()
            yield editor
        finally:
            browser.close()

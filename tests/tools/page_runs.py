"""Runs workflows as people do: opened in the page, made small there, Run pressed, and pressed again."""

from __future__ import annotations

import json
import time
from typing import Any

from hyponet.headless.run import Outcome, outcome
from hyponet.tools.workflows.editor import Editor

from .canvas import BOXES, UNANSWERED, covering
from .native import comparable
from .shrunken import API, shrunken

PATIENCE = 600  # seconds for one run
SET_WIDGETS = """(graph) => {
  for (const [id, {inputs}] of Object.entries(graph)) {
    const node = app.graph.getNodeById(Number(id));
    for (const widget of node.widgets ?? []) if (widget.name in inputs) {
      widget.value = inputs[widget.name];
      widget.callback?.(widget.value);
    }
  }
}"""
COMPLAINTS = """() =>
  [app.lastNodeErrors, app.lastExecutionError].filter((error) => error && Object.keys(error).length)"""


def titles_alone(prompt: dict[str, Any]) -> dict[str, Any]:
    """A prompt without what newer pages add to its nodes' titles: pack and version."""
    return {key: {**node, "_meta": {"title": node["_meta"]["title"]}} for key, node in prompt.items()}


class PageRuns:
    """Each workflow once a set of overrides; the answer is what its first run showed.

    Args:
        comfy: a server.
        page: an editor of it.
    """

    def __init__(self, comfy: Any, page: Editor) -> None:
        self.comfy, self.page = comfy, page
        comfy.client.post("/history", {"clear": True})  # the page reads it, and hostile tests left NaN in it
        self.seen: dict[str, Outcome] = {}

    def __call__(self, name: str, **titled: dict[str, Any]) -> Outcome:
        """Open, run, look, run again, look; `titled` as in `shrunken`."""
        key = json.dumps([name, titled], sort_keys=True)
        if key not in self.seen:
            graph = shrunken(name, **titled)
            form = API.parent / f"{name}.json"
            if form.exists():
                self.page.load(json.loads(form.read_text("utf-8")))
                self.page.page.evaluate(SET_WIDGETS, graph)
                queued = comparable(titles_alone(self.page.prompt()))
                assert queued == comparable(graph), "the page queues what was asked for"
                self.seen[key] = outcome(graph, self.press(name))
                self.press(f"{name}, again")
            else:  # for sweeps; in the page it is a choice in the graph of all of them
                self.seen[key] = outcome(graph, self.comfy.client.wait(self.comfy.client.queue(graph), PATIENCE))
        return self.seen[key]

    def press(self, what: str) -> dict[str, Any]:
        """Run, wait for the end, and see that the page is in order; the entry of the server's history."""
        before = set(self.comfy.client.get("/history"))
        self.page.page.evaluate("async () => { await app.queuePrompt(0) }")
        end = time.monotonic() + PATIENCE
        while not (new := set(self.comfy.client.get("/history")) - before):
            assert self.page.page.evaluate(COMPLAINTS) == [], what
            assert time.monotonic() < end, f"{what}: not finished after {PATIENCE} s"
            time.sleep(0.2)
        (prompt_id,) = new
        entry: dict[str, Any] = self.comfy.client.wait(prompt_id, PATIENCE)
        self.page.until("() => !app.runningNodeId")
        self.page.page.wait_for_timeout(300)  # for the last message, and a frame to draw it
        seen = {
            "complaints": self.page.page.evaluate(COMPLAINTS),
            "errors on the console": self.page.errors,
            "dialogs": self.page.dialogs(),
            "answers that did not come": self.page.page.evaluate(UNANSWERED),
            "answers of nodes that are no output": self.unexpected(entry),
            "nodes that cover each other": covering(self.page.page.evaluate(BOXES)),
        }
        assert not any(seen.values()), f"{what}: {seen}"
        return entry

    def unexpected(self, entry: dict[str, Any]) -> list[str]:
        """The kinds of our nodes that answered though they are no output nodes: they have no box before a run."""
        kinds = {entry["prompt"][2][node]["class_type"] for node in entry["outputs"]}
        ours = sorted(kind for kind in kinds if kind.startswith("HypoNet"))
        return [kind for kind in ours if not self.comfy.client.node_info(kind)["output_node"]]

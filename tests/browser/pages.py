"""What the tests of the page share: the four pages, a new graph, a press on Run.

The pages are the pinned frontend and the newest, each in the canvas and in Nodes 2.0. `dev.py test` takes one of each
kind, so that both frontends and both renderers are seen; `dev.py test --full` takes all four.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from hyponet.tools.workflows.editor import Editor, editor
from tools.dev.places import ROOT

CHROMIUM = os.environ.get("HYPONET_CHROMIUM", "")
FRONTEND = os.environ.get("HYPONET_FRONTEND", "")
FULL = bool(os.environ.get("HYPONET_FULL"))  # set by `dev.py test --full`
PAGE_TESTS = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM: the page is not tested; install it and run again"),
]
ALL_PAGES = [("pinned", False), ("pinned", True), ("newest", False), ("newest", True)]
PAGES = ALL_PAGES if FULL else [ALL_PAGES[0], ALL_PAGES[3]]
KOREAN_PAGES = [("newest", True), ("newest", False)] if FULL else [("newest", True)]
KOREAN_TEXTS = json.loads((ROOT / "locales" / "ko" / "main.json").read_text("utf-8"))["hyponet"]

# for a script that builds a graph: a node at x with some values, a link from an output to an input
ADD_AND_LINK = """
  const add = (type, x, values = {}) => {
    const node = LiteGraph.createNode(type);
    node.pos = [x, 60];
    window.app.graph.add(node);
    for (const widget of node.widgets ?? []) if (widget.name in values) widget.value = values[widget.name];
    return node;
  };
  const link = (from, slot, to, name) => from.connect(slot, to, to.inputs.findIndex((input) => input.name === name));
"""


def names(pages: list[tuple[str, bool]]) -> list[str]:
    """As they stand in the names of tests; tools/dev/compatibility.py reads them."""
    return [f"{frontend}-{'nodes 2.0' if vue else 'canvas'}" for frontend, vue in pages]


NAMES = names(PAGES)


@contextmanager
def open_page(
    comfy: Any, page: tuple[str, bool], settings: Mapping[str, Any] | None = None, **more
) -> Iterator[Editor]:
    """One of the pages, of a server that start_comfy started.

    Args:
        more: further arguments of `editor`.
    """
    frontend, vue = page
    settings = {"Comfy.VueNodes.Enabled": vue, **(settings or {})}
    with editor(comfy.url, CHROMIUM, settings=settings, cookies={"page": frontend}, **more) as opened:
        assert opened.page.evaluate("() => window.__COMFYUI_FRONTEND_VERSION__") == frontend_version(frontend)
        yield opened


@contextmanager
def open_korean_page(
    comfy: Any, page: tuple[str, bool], settings: Mapping[str, Any] | None = None, **more
) -> Iterator[Editor]:
    """The same in Korean; the server keeps the setting, so it is English again when the tests are done."""
    with open_page(comfy, page, {"Comfy.Locale": "ko", **(settings or {})}, **more) as opened:
        yield opened
        opened.page.request.post(f"{comfy.url}/settings/Comfy.Locale", data=json.dumps("en"))


ENGLISH = [(page, open_page) for page in PAGES]
KOREAN = [(page, open_korean_page) for page in KOREAN_PAGES]


def on(pages: list[tuple[tuple[str, bool], Any]]) -> pytest.MarkDecorator:
    """Run a test, or all of a file, on these of the pages that a fixture `page` opens."""
    languages = ["-korean" if opener is open_korean_page else "" for _, opener in pages]
    ids = [name + language for name, language in zip(names([page for page, _ in pages]), languages, strict=True)]
    return pytest.mark.parametrize("page", pages, ids=ids, indirect=True)


IN_KOREAN_TOO = on([*ENGLISH, *KOREAN])
IN_KOREAN_TOO_WITH_FULL = on([*ENGLISH, *KOREAN] if FULL else ENGLISH)


def ours(page: Any, english: str, kind: str = "page", **values: Any) -> str:
    """A text of ours as it stands in a page of the fixture, in its language.

    Args:
        kind: what it is a text of, as in locales/ko/main.json.
        values: for the names in braces.
    """
    text = KOREAN_TEXTS[kind][english] if page.is_korean else english
    return text.format(**values)


def frontend_version(frontend: str) -> str:
    """The version of the pinned frontend, or of the newest that was set up."""
    if frontend == "pinned":
        return version("comfyui-frontend-package")
    wheel: str = json.loads((Path(FRONTEND) / "complete.json").read_text("utf-8"))["wheel"]
    return wheel.partition("==")[2]


def build(page, script):
    """A new tab with a graph."""
    page.editor.page.evaluate("() => app.extensionManager.command.execute('Comfy.NewBlankWorkflow')")
    page.editor.until("() => window.app.graph._nodes.length === 0")
    page.editor.page.evaluate(script)
    look(page)


def look(page):
    """Bring the whole graph before the eye, at full size: boxes that are not seen are not drawn."""
    page.editor.page.evaluate(
        "() => { const {canvas} = app; canvas.ds.scale = 0.8; canvas.ds.offset = [0, 0]; canvas.setDirty(true, true); }"
    )
    time.sleep(0.5)


def run(page, patience=120):
    """Press Run, and wait until the server has run it and the page has heard."""
    before = len(page.server.client.get("/history"))
    page.editor.page.evaluate("async () => { await app.queuePrompt(0) }")
    end = time.monotonic() + patience
    while len(page.server.client.get("/history")) == before:
        assert time.monotonic() < end, "the server did not finish"
        time.sleep(0.2)
    time.sleep(1)

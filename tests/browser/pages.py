"""What the tests of the page share: the four pages, a new graph, a press on Run."""

from __future__ import annotations

import os
import time

import pytest

CHROMIUM = os.environ.get("HYPONET_CHROMIUM", "")
FRONTEND = os.environ.get("HYPONET_FRONTEND", "")
PAGE_TESTS = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM: the page is not tested; install it and run again"),
]
PAGES = [("pinned", False), ("pinned", True), ("newest", False), ("newest", True)]
NAMES = [f"{page}-{'nodes 2.0' if vue else 'canvas'}" for page, vue in PAGES]


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

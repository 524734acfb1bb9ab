"""The four pages: the pinned frontend and the newest, each in the canvas and in Nodes 2.0."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hyponet.tools.workflows.editor import editor

from .pages import CHROMIUM, FRONTEND, NAMES, PAGES


@pytest.fixture(scope="module")
def newest(start_comfy, tmp_path_factory):
    """The server with the newest tested page."""
    if not FRONTEND:
        pytest.fail("HYPONET_FRONTEND is not set; run the tests by `python3 dev.py test`")
    return start_comfy(tmp_path_factory.mktemp("newest"), options=("--front-end-root", FRONTEND))


@pytest.fixture(scope="module", params=PAGES, ids=NAMES)
def page(request):
    """An editor with its server; `vue` says whether it is Nodes 2.0."""
    version, vue = request.param
    server = request.getfixturevalue("comfy" if version == "pinned" else "newest")
    with editor(server.url, CHROMIUM, settings={"Comfy.VueNodes.Enabled": vue}) as opened:
        yield SimpleNamespace(editor=opened, server=server, vue=vue)

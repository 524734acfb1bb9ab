"""The page of the tests, once for each of the pages on which they run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from .pages import NAMES, PAGES, open_page


@pytest.fixture(scope="module", params=PAGES, ids=NAMES)
def page(request, comfy):
    """An editor with its server; `vue` says whether it is Nodes 2.0, `newest` whether it is the newest frontend."""
    frontend, vue = request.param
    with open_page(comfy, request.param) as opened:
        yield SimpleNamespace(editor=opened, server=comfy, vue=vue, newest=frontend == "newest")

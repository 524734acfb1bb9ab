"""The page of the tests, once for each of the pages on which they run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hyponet.tests.browser.pages import ENGLISH, NAMES, open_korean_page


@pytest.fixture(scope="module", params=ENGLISH, ids=NAMES)
def page(request, comfy):
    """An editor with its server; `vue` says whether it is Nodes 2.0, `newest` whether it is the newest frontend.

    A test that is marked by `on` of pages.py runs on others too."""
    (frontend, vue), opener = request.param
    with opener(comfy, (frontend, vue)) as opened:
        is_korean = opener is open_korean_page
        yield SimpleNamespace(editor=opened, server=comfy, vue=vue, newest=frontend == "newest", is_korean=is_korean)

"""A scripted server for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .scripted import ScriptedComfy


@pytest.fixture
def server() -> Iterator[ScriptedComfy]:
    """A server that ends each prompt at once, until the test says otherwise."""
    scripted = ScriptedComfy()
    yield scripted
    scripted.stop()

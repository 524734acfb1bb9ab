"""A scripted server for each test that asks for one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .scripted import GRAPH, ScriptedComfy, generated


@pytest.fixture
def server() -> Iterator[ScriptedComfy]:
    """A server that ends each prompt at once, until the test says otherwise."""
    scripted = ScriptedComfy()
    yield scripted
    scripted.stop()


@pytest.fixture
def flow(tmp_path: Path, server: ScriptedComfy) -> Path:
    """A workflow file, of which the server shows a whole set."""
    server.outputs = generated()
    (tmp_path / "flow.json").write_text(json.dumps(GRAPH), "utf-8")
    return tmp_path / "flow.json"

"""The pack loads in a real ComfyUI."""

from __future__ import annotations

import re

from hyponet.tests import ROOT


def test_the_server_knows_every_node_that_the_source_defines(comfy):
    sources = [path.read_text("utf-8") for path in (ROOT / "nodes").rglob("nodes.py")]
    defined = {name for text in sources for name in re.findall(r'node_id="(HypoNet\w+)"', text)}
    known = {name for name in comfy.client.object_info() if name.startswith("HypoNet")}
    assert known == defined
    assert "custom_nodes/hyponet: " not in comfy.log(), "ComfyUI names the pack only when it fails to load"

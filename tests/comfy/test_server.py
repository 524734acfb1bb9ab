"""The pack loads in a real ComfyUI."""

from __future__ import annotations

import importlib

from comfy_api.latest import io

from hyponet.nodes import extension
from tools.dev.places import ROOT


def defined_nodes():
    """Every node class that a face of the pack defines, listed or not."""
    for path in sorted((ROOT / "nodes").rglob("nodes.py")):
        module = importlib.import_module(".".join(("hyponet", *path.relative_to(ROOT).with_suffix("").parts)))
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, io.ComfyNode) and value.__module__ == module.__name__:
                yield value


def test_the_server_knows_every_node_that_the_source_defines(comfy):
    ids = {name for name in comfy.client.object_info() if name.startswith("HypoNet")}
    assert ids == {node.define_schema().node_id for node in defined_nodes()}
    assert "custom_nodes/hyponet: " not in comfy.log(), "ComfyUI names the pack only when it fails to load"


def test_the_extension_lists_every_node_once():
    assert len(extension.NODES) == len(set(extension.NODES))
    assert set(extension.NODES) == set(defined_nodes())

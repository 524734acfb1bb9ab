"""The pack loads in a real ComfyUI."""

from __future__ import annotations


def test_server_loads_every_node_of_the_pack(comfy):
    info = comfy.client.object_info()
    ours = [name for name in info if name.startswith("HypoNet")]
    assert "IMPORT FAILED" not in comfy.log()
    assert ours, comfy.log()[-2000:]

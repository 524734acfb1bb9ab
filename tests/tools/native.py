"""What differs between versions of ComfyUI in graphs that are otherwise the same."""

from __future__ import annotations

from typing import Any


def comparable(graph: dict[str, Any]) -> dict[str, Any]:
    """An API graph without the titles of native nodes, and without the widgets that a page gives PreviewAny."""
    return {node_id: _comparable(node) for node_id, node in graph.items()}


def _comparable(node: dict[str, Any]) -> dict[str, Any]:
    if node["class_type"].startswith("HypoNet"):
        return node
    inputs = node["inputs"]
    if node["class_type"] == "PreviewAny":
        inputs = {"source": inputs["source"]}
    return {"class_type": node["class_type"], "inputs": inputs}

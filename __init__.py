"""HypoNet: a ComfyUI node pack that makes, trains on and measures labelled synthetic image sets.

Importing the pack imports neither ComfyUI nor torch; the server calls `comfy_entrypoint` when it is ready.
"""

from __future__ import annotations

from typing import Any

__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]

WEB_DIRECTORY = "web"  # what the page loads: web/js draws what a node answers


async def comfy_entrypoint() -> Any:
    """The extension object through which ComfyUI (0.3.75 or newer) learns the nodes."""
    from .nodes.extension import HypoNetExtension

    return HypoNetExtension()

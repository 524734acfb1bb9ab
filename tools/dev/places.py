"""The folders of the development set-up: the clone, its output, the user's cache."""

from __future__ import annotations

import os
import platform
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "output"
LOGS = OUTPUT / "logs"
PACK_NAME = "hyponet"  # in ComfyUI's custom_nodes and in imports, whatever the clone's folder is called


def cache_dir() -> Path:
    """Where the environment, ComfyUI and the stand-in models lie: the user's cache folder, shared by all clones."""
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / PACK_NAME
    if platform.system() == "Windows":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / PACK_NAME / "Cache"
    if platform.system() == "Darwin":
        return Path.home() / "Library" / "Caches" / PACK_NAME
    return Path.home() / ".cache" / PACK_NAME

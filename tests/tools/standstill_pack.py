"""A pack of servers that are to hang: a node that stands still while the base directory has a file `standstill`.

It shows no progress meanwhile and heeds no interrupt.
"""

from __future__ import annotations

import time
from pathlib import Path

import folder_paths


class StandStill:
    """Shows its number once it may."""

    RETURN_TYPES = ()
    OUTPUT_NODE = True
    FUNCTION = "show"
    CATEGORY = "tests"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"number": ("INT", {"default": 0})}}

    def show(self, number):
        while (Path(folder_paths.base_path) / "standstill").exists():
            time.sleep(0.05)
        return {"ui": {"text": [str(number)]}}


NODE_CLASS_MAPPINGS = {"TestStandStill": StandStill}

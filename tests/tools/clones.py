"""Copies of what git tracks, as a fresh clone would have it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tools.dev.places import ROOT


def copy_clone(folder: Path) -> Path:
    """Copy every tracked file of this clone to `folder`, with the changes that are not committed; the folder."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    for name in listing.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder

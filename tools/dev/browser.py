"""Finds or installs the Chromium of the browser tests and the screenshots."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from .console import Failure, say
from .processes import answer, run_logged

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLAYWRIGHTS_OWN = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""


def find_browser(python: Path) -> str:
    """A Chromium on this machine: the system's, else that of `python`'s playwright; empty when there is none."""
    for name in COMMANDS:
        if shutil.which(name):
            return str(shutil.which(name))
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        path = answer(python, PLAYWRIGHTS_OWN)
        if path and Path(path).is_file():
            return path
    return ""


def ensure_browser(python: Path) -> str:
    """A Chromium, installed by apt when root; empty, said loudly, when there is none to be had."""
    path = find_browser(python)
    if not path:
        try:
            if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
                env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
                packages = ["chromium", "fonts-noto-cjk", "fonts-noto-color-emoji"]
                run_logged("Refreshing the package lists", ["apt-get", "update"], env=env)
                install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
                run_logged("Installing Chromium", install, env=env)
            else:
                run_logged("Fetching playwright's Chromium", [python, "-m", "playwright", "install", "chromium"])
        except Failure as failure:
            say(str(failure))
        path = find_browser(python)
    if not path:
        say("!! NO CHROMIUM: the browser tests will be SKIPPED. Install chromium and run the command again.")
    return path

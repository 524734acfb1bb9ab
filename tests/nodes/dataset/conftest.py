"""The set that most tests of the dataset room begin with."""

from __future__ import annotations

import subprocess
import sys

import pytest

from .sample_sets import generate, open_set


@pytest.fixture
def pets(tmp_path):
    """A closed set of two classes, four pictures each."""
    with open_set(tmp_path) as store:
        generate(store)
    return store.root


@pytest.fixture
def mount(tmp_path):
    """Mounts a small disk; where that is not allowed the test is skipped, visibly."""
    if sys.platform != "linux":
        pytest.skip("not on Windows and macOS: tmpfs is Linux's")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)

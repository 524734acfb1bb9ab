"""What the node of the report finds on the disk by a pattern."""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.comfyui


@pytest.mark.parametrize(
    ("pattern", "is_named"),
    [("pets/*", True), ("pets/cats", True), ("*cats", True), ("p*", True), ("pets", True), ("ships*", False)],
)
def test_a_folder_that_cannot_be_listed_is_named_where_it_may_hold_what_is_asked_for(
    tmp_path, monkeypatch, pattern, is_named
):
    """Its results are called pets, or pets/...; the regression: the pattern was held against the name of its parent."""
    from hyponet.nodes.report import nodes

    (tmp_path / "pets").mkdir()
    scandir = os.scandir

    def forbidden(path="."):
        if str(path).endswith("pets"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    monkeypatch.setattr(nodes.paths, "results_dir", lambda: tmp_path)
    assert set(nodes.results_matching(pattern)[1]) == ({"pets"} if is_named else set())

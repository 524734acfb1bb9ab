"""Wildcard files are written once: over other lines only when asked, and run again without a word."""

from __future__ import annotations

import pytest

from hyponet.nodes.prompts.wildcards.save import write_options


def test_a_list_that_is_saved_again_is_left_as_it_is(tmp_path):
    """The regression: a second run of a graph whose results were no longer kept ended with "exists"."""
    path = write_options(tmp_path / "color.txt", ["red", "ros\u00e9"], overwrite=False)
    stamp = path.stat().st_mtime_ns
    assert write_options(tmp_path / "Color.txt", ["red", "ros\u00e9"], overwrite=False) == path
    assert path.stat().st_mtime_ns == stamp


def test_other_lines_are_never_lost(tmp_path):
    path = write_options(tmp_path / "color.txt", ["red"], overwrite=False)
    with pytest.raises(ValueError, match=r"color\.txt exists; expected a new name"):
        write_options(path, ["blue"], overwrite=False)
    assert path.read_text("utf-8") == "red\n"
    write_options(path, ["blue"], overwrite=True)
    assert path.read_text("utf-8") == "blue\n"

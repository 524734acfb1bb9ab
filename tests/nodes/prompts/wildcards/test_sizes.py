from __future__ import annotations

import os

import pytest

from hyponet.nodes.prompts.wildcards import library
from hyponet.nodes.prompts.wildcards.library import Library
from hyponet.nodes.prompts.wildcards.sizes import Size, size_of


@pytest.mark.parametrize(
    ("lines", "size"),  # counted by hand
    [
        (["red", "blue"], (2, 0)),
        (["red", "2::red", "0::green", "0.0::{a|b}", "blue"], (2, 0)),
        (["red", "{a|b}", "2::__color__ hat", "\\{a"], (1, 3)),
        (["", "2::"], (0, 1)),
        ([], (0, 0)),
    ],
)
def test_different_plain_options_and_templates_are_counted(lines, size):
    assert size_of(lines) == Size(*size)


def test_every_list_of_a_library_has_its_size(tmp_path):
    (tmp_path / "color.txt").write_text("# a note\nred\n\nblue\nred\n", "utf-8")
    (tmp_path / "more.yaml").write_text("sky: [clear, '{dark|starry}']\nland: [wood]\n", "utf-8")
    (tmp_path / "wide.txt").write_bytes("red\n".encode("utf-16"))  # cannot be read
    assert Library([tmp_path]).sizes() == {"color": (2, 0), "sky": (1, 1), "land": (1, 0)}


def test_a_file_is_counted_again_when_it_has_changed(tmp_path):
    path = tmp_path / "color.txt"
    for day, (text, plain) in enumerate([("red\n", 1), ("red\nblue\n", 2), ("red\ngold\n", 2)], start=1):
        path.write_text(text, "utf-8")
        os.utime(path, (86_400 * day, 86_400 * day))  # long ago, so that the count is kept
        assert Library([tmp_path]).sizes() == {"color": (plain, 0)}


def test_a_large_file_is_not_counted(tmp_path, monkeypatch):
    (tmp_path / "color.txt").write_text("red\nblue\n", "utf-8")
    monkeypatch.setattr(library, "MAX_COUNTED", 4)
    assert Library([tmp_path]).sizes() == {}

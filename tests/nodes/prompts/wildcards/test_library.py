from __future__ import annotations

import os
import re
import unicodedata

import pytest

from hyponet.nodes.prompts.language.errors import SourceLocation, TemplateError
from hyponet.nodes.prompts.wildcards import lines as lines_module
from hyponet.nodes.prompts.wildcards.library import Library
from hyponet.nodes.prompts.wildcards.lines import PackedLines, read_lines, readable
from tools.dev.places import ROOT


def files(root, **contents):
    for name, content in contents.items():
        path = root / name.replace("__", "/").replace("_txt", ".txt").replace("_yaml", ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Library([root])


TEXTS = [
    b"red\nblue\n",
    b"\xef\xbb\xbfred\r\n\r\n  blue \r\n",
    "# heading\nred\n\n   \n  # more\n\tgrün  \n색깔\r\nx # y\n".encode(),
    b"red\rblue",
    b"",
    b"   \n#\n",
    b"a\n" * 5 + b" b",
]


@pytest.mark.parametrize("data", TEXTS)
def test_packed_and_plain_reading_agree(data, monkeypatch):
    plain = read_lines(readable(data, "w.txt")[0])
    monkeypatch.setattr(lines_module, "MIN_PACKED", -1)
    packed = read_lines(readable(data, "w.txt")[0])
    assert isinstance(packed, PackedLines)
    assert tuple(packed) == plain
    assert [packed[index] for index in range(len(packed))] == list(plain)


def test_order_line_ends_and_comments():
    assert read_lines(readable(TEXTS[2], "w.txt")[0]) == ("red", "grün", "색깔", "x # y")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"red\nbl\x81e\n", "byte 0x81, which is not UTF-8, in w.txt, line 2, column 3; save the file as UTF-8"),
        ("빨강".encode("euc_jp", "replace") + b"\xff", "byte 0xff, which is not UTF-8, in w.txt, line 1, column 3"),
        (b"a\0b", "a zero byte in w.txt, line 1, column 2"),
        (b"x" * 300_000 + b"\n\xff", "byte 0xff, which is not UTF-8, in w.txt, line 2"),
    ],
)
def test_a_line_in_another_encoding_is_left_out_and_named(data, message):
    text, left_out = readable(b"red\n" + data + b"\nblue", "w.txt")
    assert read_lines(text)[0] == "red"
    assert read_lines(text)[-1] == "blue"
    assert len(text.split(b"\n")) == data.count(b"\n") + 3
    line = 2 + ("line 2" in message)
    assert re.sub(r"line \d", f"line {line}", message) in str(left_out[0])


def test_a_file_in_utf_16_is_an_error():
    with pytest.raises(TemplateError, match=r"UTF-16 text in w\.txt"):
        readable("red".encode("utf-16"), "w.txt")


def test_names_are_nfc_without_case_and_have_folders(tmp_path):
    library = files(tmp_path, **{unicodedata.normalize("NFD", "änder_txt"): "x", "Plants__Tree_txt": "oak"})
    assert library.get("ÄNDER").lines == ("x",)
    assert library.get("plants/tree").source == "Plants/Tree.txt"
    assert library.names() == ["Plants/Tree", "änder"]


def test_globs_take_every_file_they_match_in_the_order_of_names(tmp_path):
    library = files(tmp_path, f__b_txt="2", f__g__y_txt="3", f__a_txt="1", other_txt="9", top_txt="4")
    assert [found.lines[0] for found in library.find("f/*")] == ["1", "2", "3"]
    assert [found.lines[0] for found in library.find("*/top")] == ["4"]
    assert library.find("none*") == []


def test_the_first_folder_that_has_a_name_wins(tmp_path):
    files(tmp_path / "user", color_txt="mine")
    files(tmp_path / "pack", color_txt="theirs", view_txt="side")
    library = Library([tmp_path / "user", tmp_path / "missing", tmp_path / "pack"])
    assert library.get("color").lines == ("mine",)
    assert library.get("view").lines == ("side",)


YAML = """
colors:
  warm: [red, 2::orange, yes]
  cold:
    - blue
    - {text: ice, weight: 3}
single: oak
"""


def test_yaml_keys_are_folders_and_scalars_are_text(tmp_path):
    library = files(tmp_path, sub__many_yaml=YAML, list_yaml="- a\n- b\n", empty_yaml="")
    assert library.get("colors/warm").lines == ("red", "2::orange", "yes")
    assert library.get("colors/cold").lines == ("blue", "3::ice")
    assert library.get("single").lines == ("oak",)
    assert library.get("list").lines == ("a", "b")
    assert (
        library.get("sub/many/colors/warm").lines == library.get("sub/colors/warm").lines == ("red", "2::orange", "yes")
    )
    assert library.get("colors/cold").line_of(1) == 6
    assert library.names() == ["colors/cold", "colors/warm", "list", "single"]


@pytest.mark.parametrize("text", ["a: [x", "a: *b", "? [q]\n: z", "a: &a {b: *a}", "[" * 2000, "%\n" * 30])
def test_a_broken_part_of_a_collection_is_told_to_who_misses_a_name(tmp_path, text):
    library = files(tmp_path, broken_yaml=text, good_txt="x")
    assert library.get("good").lines == ("x",)
    with pytest.raises(TemplateError, match=r"no wildcard named a.*; not read: .* in broken\.yaml, line [12]"):
        library.require("a", SourceLocation("template", "__a__"))


def test_an_alias_bomb_is_refused(tmp_path):
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} {{ {', '.join(f'k{i}: *a{n - 1}' for i in range(10))} }}" for n in range(1, 9)]
    library = files(tmp_path, bomb_yaml="\n".join(levels), good_txt="x")
    assert library.get("good").lines == ("x",)
    assert library.broken


@pytest.mark.posix("making links needs a right")
def test_folders_that_link_to_themselves_are_walked_once(tmp_path):
    files(tmp_path, a__b_txt="x")
    os.symlink(tmp_path, tmp_path / "a" / "loop")
    assert Library([tmp_path]).names() == ["a/b"]


@pytest.mark.posix("making links needs a right")
def test_links_do_not_lead_out_of_a_folder(tmp_path):
    files(tmp_path / "outside", secret_txt="x")
    files(tmp_path / "inside", good_txt="y")
    os.symlink(tmp_path / "outside", tmp_path / "inside" / "door")
    os.symlink(tmp_path / "outside" / "secret.txt", tmp_path / "inside" / "key.txt")
    os.symlink(tmp_path / "inside" / "good.txt", tmp_path / "inside" / "same.txt")
    os.symlink(tmp_path / "inside", tmp_path / "link")
    assert Library([tmp_path / "link"]).names() == ["good", "same"]


def test_only_a_changed_file_changes_the_key(tmp_path):
    def key(names=("a",)):
        return Library([tmp_path]).content_key(names)

    files(tmp_path, a_txt="red", b_txt="blue")
    before, whole = key(), key(None)
    os.utime(tmp_path / "a.txt", (1, 1))
    (tmp_path / "notes.md").write_text("x")
    assert (key(), key(None)) == (before, whole)
    (tmp_path / "b.txt").write_text("navy")
    assert key() == before
    assert key(None) != whole
    (tmp_path / "a.txt").write_text("tan")
    assert key() != before
    assert key(["*"]) != key(["a"])


def test_a_million_lines_are_usable(tmp_path):
    from ..prompt_fixtures import Made

    path = tmp_path / "big.txt"
    path.write_text("\n".join(f"option {number}" for number in range(1_000_000)) + "\noption 7\n", "utf-8")
    made = Made("a __big__ b", Library([tmp_path]), "balanced")
    assert len({made.prompt(number) for number in range(2000)}) == 2000
    assert made.count == 1_000_000
    assert Made("a __big__ b", Library([tmp_path])).prompt(999_999) == "a option 999999 b"


def test_the_shipped_lists_are_the_thesis_s():
    """Lengths and first and last words of Tables 3-1 and 5-3; ship repeats three of its 25."""

    library = Library([ROOT / "wildcards"])
    table = {
        "view": (5, "Side View", "Close-Up View"),
        "color": (45, "Red", "Charcoal"),
        "location": (45, "City", "Everglades"),
        "automobile": (37, "Sedan", "Taxi"),
        "cat": (40, "Domestic Shorthair", "Khao Manee"),
        "horse": (38, "Arabian Horse", "Racking Horse"),
        "ship": (25, "Fishing Boat", "Container Ship"),
        "truck": (23, "Semi-Trailer Truck", "Service Truck"),
    }
    for name, (size, first, last) in table.items():
        printed = library.get(f"thesis/{name}").lines
        assert (len(printed), printed[0], printed[-1]) == (size, first, last)
        cleaned = library.get(name).lines
        assert len(set(cleaned)) == len(cleaned)
        assert set(cleaned) <= set(printed)
    assert len(library.get("ship").lines) == 22
    assert "Pickup Truck" not in library.get("automobile").lines


@pytest.mark.parametrize(
    "text", ["[\n" * 100_000, "{a: " * 100_000, "- " * 100_000, "\n".join(" " * depth + "a:" for depth in range(3000))]
)
def test_a_collection_however_deep_does_not_fill_the_stack(tmp_path, text):
    library = files(tmp_path, deep_yaml=text, good_txt="x")
    assert library.get("good").lines == ("x",)
    assert "cannot be read" in str(library.broken["deep.yaml"][0])

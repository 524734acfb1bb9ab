"""README.ko.md says what README.md says: the same commands, links, figures and names, section by section."""

from __future__ import annotations

import json
import re

import pytest

from hyponet.nodes import extension
from tools.dev.places import ROOT
from tools.node_names import short_name

ENGLISH, KOREAN = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.ko.md"))
LOCALE = json.loads((ROOT / "locales" / "ko" / "nodeDefs.json").read_text("utf-8"))
KOREAN_NAMES = {node_id: short_name(entry["display_name"]) for node_id, entry in LOCALE.items()}
FENCED = re.compile(r"^```\n(.*?)^```$", re.M | re.S)


def sections(text):
    """The text of each section, by the number of its heading; 0 is what comes before the first."""
    return re.split(r"^## .+$", text, flags=re.M)


PAIRS = list(zip(sections(ENGLISH), sections(KOREAN), strict=True))
each_section = pytest.mark.parametrize(("english", "korean"), PAIRS, ids=range(len(PAIRS)))


def links(text):
    return re.findall(r"\]\(([^)]+)\)", text)


def code(text):
    """What stands in backticks within lines, each text once."""
    return set(re.findall(r"`([^`\n]+)`", FENCED.sub("", text)))


def numbers(text):
    """Figures in what is read, each once: no links, no code, no pages of papers."""
    prose = re.sub(r"`[^`\n]+`|\]\([^)]+\)", "", FENCED.sub("", text))
    return set(re.findall(r"\d+(?:[.-]\d+)*", prose))


def test_each_names_the_other_in_its_first_lines():
    assert "[한국어](README.ko.md)" in "\n".join(ENGLISH.splitlines()[:4])
    assert "[English](README.md)" in "\n".join(KOREAN.splitlines()[:4])


def test_the_code_blocks_are_the_same():
    assert FENCED.findall(ENGLISH)
    assert FENCED.findall(KOREAN) == FENCED.findall(ENGLISH)


@each_section
def test_the_links_are_the_same(english, korean):
    other = {"README.md", "README.ko.md"}
    assert [link for link in links(korean) if link not in other] == [
        link for link in links(english) if link not in other
    ]


@each_section
def test_code_within_lines_is_the_same(english, korean):
    assert code(korean) == code(english)


@each_section
def test_the_figures_are_the_same(english, korean):
    assert numbers(korean) == numbers(english)


@each_section
def test_nothing_is_left_out(english, korean):
    """As many paragraphs, rows, items and pictures."""
    for start in (r"\|", r"- ", r"\d\. ", r"!\["):
        counts = [len(re.findall(rf"^{start}", text, re.M)) for text in (korean, english)]
        assert counts[0] == counts[1], start
    assert len(korean) > len(english) / 3  # a Korean text has about half as many characters


def test_every_node_stands_there_under_both_of_its_names():
    """A row has the Korean names, and in brackets the English ones in the same order."""
    schemas = [node.define_schema() for node in extension.NODES]
    expected = {short_name(schema.display_name): KOREAN_NAMES[schema.node_id] for schema in schemas}
    stated = {}
    for korean, english in re.findall(r"^\| \w* ?\| (.+?) \(([A-Z][^)|]+)\) \| .+ \|$", KOREAN, re.M):
        stated |= dict(zip(english.split(", "), korean.split(", "), strict=True))
    assert stated == expected


def test_the_nodes_and_buttons_of_the_first_workflow_are_those_of_the_page():
    """Bold names are nodes: ours by their Korean name, and the loader as ComfyUI's own Korean calls it."""
    names = set(KOREAN_NAMES.values()) | {"체크포인트 로드"}
    (part,) = re.findall(r"^## 첫 워크플로$(.*?)^## ", KOREAN, re.M | re.S)
    bold = {" ".join(name.split()) for name in re.findall(r"\*\*([^*]+)\*\*", part)}
    assert bold
    assert bold <= names

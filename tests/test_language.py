"""Korean of what the page writes by our files (web/js) and of the ten first workflows: whole, and nothing else.

The English text is the key in locales/ko/main.json; web/js/language.js says how it comes into the page.
"""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from hyponet import WEB_DIRECTORY
from hyponet.tests.tools.javascript import calls, scan
from tools.dev.places import ROOT
from tools.node_names import short_name

FOLDER = ROOT / WEB_DIRECTORY
# template_check.js and the files beside it have the server's errors, word for word, and no words of their own
SCRIPTS = [path for path in sorted((FOLDER / "js").glob("*.js")) if not path.name.startswith("template_check")]
KOREAN = json.loads((ROOT / "locales" / "ko" / "main.json").read_text("utf-8"))["hyponet"]
NODES = json.loads((ROOT / "locales" / "ko" / "nodeDefs.json").read_text("utf-8"))
TEN = [
    json.loads(path.read_text("utf-8"))
    for path in sorted((ROOT / "workflows").glob("hyponet_[01]?_*.json"))
    if path.name < "hyponet_11"
]
OF_COMFYUI = {"Load Checkpoint": "체크포인트 로드", "Load LoRA": "LoRA 로드"}  # as its page calls them in Korean
CLASSES = "".join(path.read_text("utf-8") for path in (*FOLDER.glob("*.css"), *SCRIPTS))  # and their uses
HANGUL = re.compile("[\uac00-\ud7a3]")
# where a file writes what is read or heard, up to the end of the line
WRITES = re.compile(
    r"textContent\s*=|\btitle\s*[=:]|\balt\s*=|\"aria-label\"\s*[:,]|new Option\(|(?<!\.)\badd\("
    r"|(?<!function )\bbutton\("
)
OF_SERVER = {"negative template", " of class "}  # how its errors call a text, in typing.js
WORD = re.compile(r"[A-Za-z]{2}")
WORDS = re.compile(r"[A-Za-z]{2,}[,.]? [A-Za-z]{2,}")


def translated(path):
    """What a file has translated: each text whole, whether it stands in the call or in a constant."""
    source = path.read_text("utf-8")
    code, texts = scan(source)
    for start, end in calls(code, "translated"):
        parts = [text.value for text in texts if start <= text.start < end]
        name = source[start:end].strip()
        if not parts:
            (value,) = re.findall(rf'^const {name} =\s*"(.+)";$', source, re.M)
            parts = [value]
        yield "".join(parts)


def test_every_text_that_the_page_gets_from_us_is_there_in_korean_and_no_other():
    wanted = {text for path in SCRIPTS if path.name != "language.js" for text in translated(path)}
    assert len(wanted) > 30
    assert set(KOREAN["page"]) == wanted


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_nothing_is_written_in_english_alone(path):
    """No two words of English outside of a call of `translated` or a constant of one; no one word where it is shown."""
    source = path.read_text("utf-8")
    code, texts = scan(source)
    spans = calls(code, "translated")
    names = {source[start:end].strip() for start, end in spans}
    constants = [match.span() for match in re.finditer(r"^const (\w+) =[^;]*;", code, re.M) if match[1] in names]
    spans += constants + calls(code, "textOf")
    left = [text for text in texts if not any(start <= text.start < end for start, end in spans)]
    for text in left:
        is_classes = all(f".{word}" in CLASSES for word in text.value.split())
        assert is_classes or text.value in OF_SERVER or not WORDS.search(text.value), text
    written = code
    for text in texts:  # so that "aria-label" is found
        written = written[: text.start] + source[text.start : text.end] + written[text.end :]
    for match in WRITES.finditer(written):
        end = source.index("\n", match.end())
        assert [text for text in left if match.end() <= text.start < end and WORD.search(text.value)] == []


def places(text):
    return sorted(re.findall(r"\{\w+\}", text))


@pytest.mark.parametrize("english", KOREAN["page"])
def test_a_text_has_its_values_in_korean_too(english):
    korean = KOREAN["page"][english]
    assert HANGUL.search(korean)
    assert places(korean) == places(english)


# ---- the ten first workflows ----------------------------------------------------------------------------------------


def titles(graph):
    """Titles that a graph gives groups and nodes itself; other nodes have the name of their kind."""
    return {part["title"] for part in (*graph["groups"], *graph["nodes"]) if part.get("title")}


def note(graph):
    (text,) = (node["widgets_values"][0] for node in graph["nodes"] if node["type"] == "MarkdownNote")
    return text


def test_every_title_and_note_of_the_ten_is_there_in_korean_and_no_other():
    wanted = set().union(*(titles(graph) | {note(graph)} for graph in TEN))
    assert len(TEN) == 10
    assert [node for graph in TEN for node in graph["nodes"] if node["type"] == "Note"] == []
    assert set(KOREAN["workflows"]) == wanted
    left = {text for text in KOREAN["workflows"].values() if not HANGUL.search(text)}
    assert left == {"3  LoRA"}


def parts(text):
    """What a note has in either language: the beginnings of its lines, its code."""
    beginnings = [re.match(r"#* ?(?:- )?", line)[0] for line in text.splitlines()]
    return beginnings, sorted(re.findall(r"`[^`\n]+`", text))


def figures(text):
    return Counter(re.findall(r"-?\d+(?:\.\d+)?", re.sub(r"`[^`\n]+`", "", text)))


@pytest.mark.parametrize("graph", TEN, ids=[graph["extra"]["info"]["title"] for graph in TEN])
def test_a_note_says_in_korean_what_it_says_in_english(graph):
    korean = KOREAN["workflows"][note(graph)]
    assert parts(korean) == parts(note(graph))
    assert figures(note(graph)) <= figures(korean)  # more where English has a number in words


@pytest.mark.parametrize("graph", TEN, ids=[graph["extra"]["info"]["title"] for graph in TEN])
def test_what_a_korean_note_prints_bold_is_a_node_as_it_is_called_there(graph):
    """By its title in this graph or what that begins or ends with, by the Korean name of its kind, or by ComfyUI's."""
    here = {KOREAN["workflows"][title] for title in titles(graph)}
    names = here | {short_name(node["display_name"]) for node in NODES.values()} | set(OF_COMFYUI.values())
    bold = set(re.findall(r"\*\*([^*\n]+)\*\*", KOREAN["workflows"][note(graph)]))
    assert bold
    for name in bold:
        assert name in names or any(title.startswith(name) or title.endswith(name) for title in here), name


def test_a_korean_title_is_hardly_wider_than_the_english_one():
    """A Korean letter is as wide as two Latin ones; the groups of the ten have room for so much."""
    for english, korean in KOREAN["workflows"].items():
        if "\n" not in english:
            assert len(korean) + len(HANGUL.findall(korean)) <= len(english) + 10, korean

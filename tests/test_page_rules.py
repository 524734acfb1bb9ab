"""The rules for what the page loads (web/), and that every node which is an output node answers in words."""

from __future__ import annotations

import ast
import math
import re
import subprocess

import pytest

from hyponet import WEB_DIRECTORY
from tools.dev import rooms
from tools.dev.places import ROOT
from tools.workflows.builder.layout import ANSWER_WITH_PICTURES

SCRIPTS = sorted((ROOT / WEB_DIRECTORY).rglob("*.js"))
# nothing runs text, writes markup, or speaks to another host; what goes to the server goes by the page's own client
REFUSED = (
    r"\beval\b|\bnew Function\b",
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|setHTML|createContextualFragment",
    r"\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|https?:|\bimport\(",
    r"\.prototype\b|beforeRegisterNodeDef",  # other packs patch the same ones
    r"localStorage|document\.cookie|indexedDB",
)
ANSWERS = r"\banswer(_of)?\(|told_of\(|\.as_ui\(|\boutputs\.ui\b"


def test_there_are_scripts_and_git_has_them():
    tracked = subprocess.run(["git", "ls-files", WEB_DIRECTORY], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {str(path.relative_to(ROOT).as_posix()) for path in SCRIPTS} <= set(tracked.stdout.split())
    assert SCRIPTS


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_readable_and_holds_nothing_that_is_refused(path):
    text = path.read_text("utf-8")
    assert text.isascii()
    assert text.startswith("/**"), "it says what it is for"
    assert max(map(len, text.splitlines())) <= 120
    assert len(text.splitlines()) <= 300
    for words in REFUSED:
        assert re.findall(words, text) == []
    for name in re.findall(r'^import .* from "([^"]+)"', text, re.MULTILINE):
        assert name in ("../../../scripts/api.js", "../../../scripts/app.js") or (path.parent / name).is_file(), name


def faces():
    """(file, class, its source, the module's functions by name) of every node that is an output node."""
    for file in rooms.shipped_files(ROOT):
        if not file.endswith("nodes.py"):
            continue
        source = (ROOT / file).read_text("utf-8")
        tree = ast.parse(source)
        functions = {part.name: ast.get_source_segment(source, part) for part in tree.body if hasattr(part, "args")}
        for part in tree.body:
            text = ast.get_source_segment(source, part) or ""
            if isinstance(part, ast.ClassDef) and "is_output_node=True" in text:
                yield pytest.param(text, functions, id=part.name)


@pytest.mark.parametrize(("text", "functions"), list(faces()))
def test_an_output_node_answers(text, functions):
    """With `answer`, by itself or by a function beside it: the page draws nothing else."""
    called = [source for name, source in functions.items() if f"{name}(" in text]
    assert re.search(ANSWERS, "\n".join([text, *called]))
    assert "ui={" not in text
    assert "PreviewText" not in text


def test_page_and_workflows_make_room_for_the_pictures_of_the_same_nodes():
    text = (ROOT / WEB_DIRECTORY / "js" / "answers.js").read_text("utf-8")
    (names,) = re.findall(r"WITH_PICTURES = new Set\(\[(.*?)\]\)", text, re.DOTALL)
    assert tuple(re.findall(r'"(\w+)"', names)) == ANSWER_WITH_PICTURES


# of the dark theme of ComfyUI's page (1.32.9), node_slot
OF_COMFYUI = re.findall(
    r"#\w+",
    "#FFD500 #A8DADC #AD7452 #FFA931 #6EE7B7 #64B5F6 #FF9CF9 #81C784 #B39DDB #C2FFAE #FF6E6E #B0B0B0 #66FFFF #ECB4B4 "
    "#CDFFCD #DCC274",
)
CAN_BE_TOLD_APART = 25.0  # in CIELAB, where 2.3 is just seen (Mahy et al., 1994); a judgement for dots of ten pixels


def test_each_type_of_socket_has_a_colour_of_its_own():
    """All of ours had the one of unknown types, while ComfyUI's teach to connect equal colours."""
    colours = dict(re.findall(r'^  (\w+): "(#\w+)",$', (SCRIPTS[0].parent / "colours.js").read_text("utf-8"), re.M))
    assert set(colours) == set(re.findall(r'io\.Custom\("(\w+)"\)', (ROOT / "nodes" / "sockets.py").read_text("utf-8")))
    points = [lab(colour) for colour in (*colours.values(), *OF_COMFYUI)]
    for place in range(len(colours)):
        near = min(math.dist(points[place], point) for number, point in enumerate(points) if number != place)
        assert near >= CAN_BE_TOLD_APART, (list(colours)[place], near)


def lab(colour):
    """CIELAB (D65) of an sRGB colour such as #2270e6, by IEC 61966-2-1 and CIE 15."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (((part + 0.055) / 1.055) ** 2.4 if part > 0.04045 else part / 12.92 for part in parts)
    xyz = (
        (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047,
        0.2126 * red + 0.7152 * green + 0.0722 * blue,
        (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883,
    )
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)

"""The help pages in web/docs are true: to the schemas, the shipped workflows, the errors that the code raises.

ComfyUI's page shows /extensions/<pack>/docs/<node id>/<language>.md and, where the language has none, what the schema
says.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re

import pytest
import tomllib
from PIL import Image

from hyponet.nodes import extension
from tools.dev.places import ROOT
from tools.dev.rooms import shipped_files
from tools.help_pages import HEADINGS, PAGES, PICTURE, example, input_rows, names, skeleton, table_of
from tools.node_names import short_name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SCHEMAS = {schema.node_id: schema for schema in (node.define_schema() for node in extension.NODES)}
KOREAN = json.loads((ROOT / "locales" / "ko" / "nodeDefs.json").read_text("utf-8"))
NAMES = {
    "en": {node_id: short_name(schema.display_name) for node_id, schema in SCHEMAS.items()},
    "ko": {node_id: short_name(KOREAN[node_id]["display_name"]) for node_id in SCHEMAS},
}
FILES = sorted(PAGES.glob("*/*.md"))
GRAPHS = {path.stem: json.loads(path.read_text("utf-8")) for path in (ROOT / "workflows").glob("*.json")}
TITLES = {graph["extra"]["info"]["title"] for graph in GRAPHS.values()}
SHORTEST = 12  # characters of a quoted error that no other text has by chance
PICTURES = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
WIDEST = 640  # pixels: more than the help panel of either frontend has on a usual screen
LARGEST, ALL_LARGEST = 22_000, 1_500_000  # bytes of a picture, and of all: each user of the pack downloads them
every_page = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")


def pages(path):
    """Node id, language and text of a page."""
    return path.parent.name, path.stem, path.read_text("utf-8")


def part_of(text, heading):
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def constants():
    """Every text in the code that ships; of one with values in it the parts between them."""
    trees = (ast.parse((ROOT / file).read_text("utf-8")) for file in shipped_files(ROOT))
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return "\0".join({node.value for node in nodes if isinstance(node.value, str)})


CONSTANTS = constants()


@pytest.mark.parametrize("language", sorted(HEADINGS))
def test_every_node_has_its_page(language):
    assert {path.parent.name for path in FILES if path.stem == language} == set(SCHEMAS)


@every_page
def test_a_page_is_of_a_node_and_has_its_name_and_headings(path):
    node_id, language, text = pages(path)
    assert text.startswith(f"# {NAMES[language][node_id]}\n")
    assert tuple(re.findall(r"^## (.+)$", text, re.M)) == HEADINGS[language]


@every_page
def test_the_table_has_every_input_of_the_node_and_its_default(path):
    node_id, language, text = pages(path)
    rows = [(name, default.replace("|", r"\|")) for name, default in input_rows(SCHEMAS[node_id], language)]
    assert table_of(text, language) == rows


@every_page
def test_every_output_of_the_node_is_listed(path):
    node_id, language, text = pages(path)
    listed = re.findall(r"^- ([^`\n]*`[^`]+`): \S", part_of(text, HEADINGS[language][2]), re.M)
    assert listed == names(SCHEMAS[node_id], "outputs", language)


def node_ids_of(graph):
    subgraphs = graph.get("definitions", {}).get("subgraphs", [])
    return {node["type"] for part in (graph, *subgraphs) for node in part["nodes"]}


@every_page
def test_the_workflow_of_the_example_has_the_node(path):
    """Where a page names none, no shipped workflow has the node."""
    node_id, language, text = pages(path)
    told = example(text, language)
    named = re.findall(r"`(hyponet_\w+)`", told)
    for name in named:
        assert node_id in node_ids_of(GRAPHS[name]), name
        assert f"**{GRAPHS[name]['extra']['info']['title']}**" in told
    if not named:
        assert [name for name, graph in GRAPHS.items() if node_id in node_ids_of(graph)] == []


@every_page
def test_the_errors_are_those_that_the_code_raises(path):
    """What stands between the dots of a quoted error is a part of a text in the code, word for word."""
    _, language, text = pages(path)
    errors = re.findall(r"^- (.+)$", part_of(text, HEADINGS[language][4]), re.M)
    assert errors
    for error in errors:
        quoted = re.match(r"`([^`]+)`: \S", error)
        assert quoted, error
        parts = [part.strip() for part in quoted[1].split("...")]
        assert max(map(len, parts)) >= SHORTEST, error
        assert [part for part in parts if part not in CONSTANTS] == []


@every_page
def test_markdown_eats_nothing_of_a_page(path):
    """No name in underscores, no <word> and no single star outside of code: the page would show them otherwise."""
    _, _, text = pages(path)
    prose = re.sub(r"`[^`\n]+`|\]\([^)]+\)", "", text)
    assert re.findall(r"\S*__\S*|<\w+>|`", prose) == []
    assert "*" not in re.sub(r"\*\*[^*\n]+\*\*", "", prose)
    assert "~~" not in prose


@every_page
def test_what_a_page_prints_bold_is_the_name_of_a_node_or_the_title_of_a_workflow(path):
    _, language, text = pages(path)
    bold = set(re.findall(r"\*\*([^*\n]+)\*\*", text))
    assert bold - set(NAMES[language].values()) - TITLES == set()


@every_page
def test_the_links_of_a_page_lead_to_the_repository(path):
    """The address stands once, in pyproject.toml; a page that has another was forgotten when it was changed."""
    node_id, _, text = pages(path)
    base = f"{PROJECT['project']['urls']['Repository']}/blob/main/"
    links = re.findall(r"\]\(([^)]+)\)", PICTURES.sub("", text))
    assert [link for link in links if not link.startswith(base)] == []
    assert [link for link in links if not (ROOT / link.removeprefix(base)).is_file()] == []
    takes_templates = any("docs/templates.md" in (entry.tooltip or "") for entry in SCHEMAS[node_id].inputs)
    assert links or not takes_templates


@every_page
def test_an_example_shows_the_node_in_use(path):
    """The address is relative to web/docs: the page (NodeHelpService of 1.32.9 and 1.58.1) puts
    /extensions/<pack>/docs/ before it."""
    node_id, language, text = pages(path)
    ((alternative, address),) = PICTURES.findall(text)
    assert f"![{alternative}](" in example(text, language)
    assert address == f"{node_id}/{PICTURE}"
    assert len(alternative) >= SHORTEST, "it says what is seen"
    assert bool(re.search("[\uac00-\ud7a3]", alternative)) == (language == "ko"), "Hangul, in Korean pages alone"


@pytest.mark.parametrize("node_id", SCHEMAS)
def test_the_picture_of_a_node_is_one_and_small(node_id):
    path = PAGES / node_id / PICTURE
    with Image.open(path) as picture:
        picture.load()
        assert picture.format == "WEBP"
        assert 200 <= picture.width <= WIDEST
        assert picture.height >= 100
        colours = picture.convert("RGB").getcolors(picture.width * picture.height)
        assert max(count for count, _ in colours) < 0.9 * picture.width * picture.height, "there is something in it"
    assert path.stat().st_size <= LARGEST


def test_each_node_has_a_picture_of_its_own():
    pictures = [(PAGES / node_id / PICTURE).read_bytes() for node_id in SCHEMAS]
    assert len({hashlib.sha256(picture).digest() for picture in pictures}) == len(pictures)
    assert sum(map(len, pictures)) <= ALL_LARGEST
    assert sorted(path.parent.name for path in PAGES.glob("*/*") if path.suffix != ".md") == sorted(SCHEMAS)


def test_a_skeleton_is_as_a_page_has_to_be():
    schema = SCHEMAS["HypoNetDynamicPrompt"]
    text = skeleton(schema)
    assert tuple(re.findall(r"^## (.+)$", text, re.M)) == HEADINGS["en"]
    assert table_of(text) == input_rows(schema)
    assert PICTURES.search(example(text))[2] == f"HypoNetDynamicPrompt/{PICTURE}"

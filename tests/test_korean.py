"""The Korean of the nodes in locales/ko is whole, true to the schemas, and in the words of its glossary.

ComfyUI's page looks a name up under nodeDefs.<node id>.inputs.<input id> or .outputs.<index>, a part of a category
under nodeCategories; it has no place for the choices of a combo box, which stand in tooltips as the page shows them.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict

import pytest

from hyponet.nodes import extension
from tools.dev.places import ROOT
from tools.help_pages import PAGES, label

FOLDER = ROOT / "locales" / "ko"
SCHEMAS = {schema.node_id: schema for schema in (node.define_schema() for node in extension.NODES)}
NODES = json.loads((FOLDER / "nodeDefs.json").read_text("utf-8"))
CATEGORIES = json.loads((FOLDER / "main.json").read_text("utf-8"))["nodeCategories"]
GLOSSARY = (FOLDER / "glossary.md").read_text("utf-8")
# what people call these in Korean too
LEFT_IN_LATIN = {"FID", "KID", "CMMD"}
LEFT_CATEGORIES = {"HypoNet", "LoRA"}
# combo boxes of names that are the same in every language: of samplers, networks, tools, methods and kinds of numbers
OF_PROPER_NAMES = {
    *("sampler_name", "scheduler", "architecture", "optimizer", "precision", "network", "clip_network", "convention"),
    *("filter", "copy_filter"),
}
HANGUL = re.compile("[\uac00-\ud7a3]")
# vue-i18n reads these as its own: a link, a place for a value, a plural. It compiles names and descriptions.
SIGNS = re.compile(r"[@{}|]")
NUMBER = re.compile(r"(?<![\w.^-])\d+(?:[.,]\d+)*(?!\w)", re.ASCII)
# paths, names of files, names with underscores, and what stands in backticks without a sign of vue-i18n
CODE = re.compile(r"[\w.<>-]+/[\w./<>-]*\w|\b\w+\.(?:jsonl?|yaml|md|npz|jpg)\b|__\w+__|\b\w+_\w+\b|`[^`@{}|]+`")
every_node = pytest.mark.parametrize("node_id", SCHEMAS)


def slots(node_id):
    """(place, English name, English tooltip, entry in Korean, schema's entry) of each input and output of a node."""
    schema, korean = SCHEMAS[node_id], NODES[node_id]
    for entry in schema.inputs or ():
        yield f"inputs.{entry.id}", label(entry), entry.tooltip, korean["inputs"][entry.id], entry
    for index, entry in enumerate(schema.outputs):
        yield f"outputs.{index}", label(entry), entry.tooltip, korean["outputs"][str(index)], entry


def texts():
    """(place, English, Korean) of every text of every node."""
    for node_id, schema in SCHEMAS.items():
        yield f"{node_id}.display_name", schema.display_name, NODES[node_id]["display_name"]
        yield f"{node_id}.description", schema.description, NODES[node_id]["description"]
        for place, name, tooltip, korean, _ in slots(node_id):
            yield f"{node_id}.{place}.name", name, korean["name"]
            yield f"{node_id}.{place}.tooltip", tooltip, korean["tooltip"]


def test_each_node_is_there_and_no_other():
    assert set(NODES) == set(SCHEMAS)


@every_node
def test_each_input_and_output_is_there_with_name_and_tooltip_and_no_other(node_id):
    schema, korean = SCHEMAS[node_id], NODES[node_id]
    inputs = {entry.id for entry in schema.inputs or ()}
    outputs = {str(index) for index in range(len(schema.outputs))}
    assert set(korean) == {"display_name", "description", "inputs", "outputs"}
    assert (set(korean["inputs"]), set(korean["outputs"])) == (inputs, outputs)
    parts = [*korean["inputs"].values(), *korean["outputs"].values()]
    assert [part for part in parts if set(part) != {"name", "tooltip"}] == []


def test_each_text_is_korean():
    latin = [(place, korean) for place, _, korean in texts() if not HANGUL.search(korean)]
    assert [entry for entry in latin if entry[1] not in LEFT_IN_LATIN] == []


def test_nothing_holds_a_sign_that_the_page_reads_as_its_own():
    assert [(place, korean) for place, _, korean in texts() if SIGNS.search(korean)] == []


@pytest.mark.parametrize("kind", ["name", "tooltip"])
@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_what_is_one_text_in_english_is_one_in_korean(side, kind):
    korean_of = defaultdict(set)
    for place, english, korean in texts():
        if f".{side}." in place and place.endswith(kind):
            korean_of[english].add(korean)
    assert {english: korean for english, korean in korean_of.items() if len(korean) > 1} == {}


@every_node
def test_no_two_inputs_and_no_two_outputs_of_a_node_have_one_name(node_id):
    """The page's typing help finds a widget by the name that its text box shows."""
    for side in ("inputs", "outputs"):
        names = [entry["name"] for entry in NODES[node_id][side].values()]
        assert len(set(names)) == len(names)


def test_texts_hold_the_numbers_of_the_english():
    asked = [(place, number, korean) for place, english, korean in texts() for number in NUMBER.findall(english)]
    assert [(place, number) for place, number, korean in asked if number not in NUMBER.findall(korean)] == []


def test_texts_hold_the_paths_and_code_of_the_english():
    """But for an input's name, which the page shows in Korean."""
    shown = {name: korean["name"] for node_id in SCHEMAS for _, name, _, korean, _ in slots(node_id)}
    asked = [(place, code, korean) for place, english, korean in texts() for code in CODE.findall(english)]
    missing = [
        (place, shown.get(code, code))
        for place, code, korean in asked
        if not place.endswith("name") and shown.get(code, code) not in korean
    ]
    assert missing == []


@every_node
def test_a_tooltip_names_each_choice_that_is_words(node_id):
    """The page shows them in English; so the tooltip says in Korean what each is."""
    for place, _, _, korean, entry in slots(node_id):
        if getattr(entry, "lists_files", False) or entry.id in OF_PROPER_NAMES:
            continue
        missing = [choice for choice in getattr(entry, "options", None) or () if choice not in korean["tooltip"]]
        assert missing == [], place


def test_each_part_of_a_category_is_korean_and_no_other():
    parts = {part for schema in SCHEMAS.values() for part in schema.category.split("/")}
    assert set(CATEGORIES) == parts - LEFT_CATEGORIES
    assert all(HANGUL.search(korean) for korean in CATEGORIES.values())


def rejected_words():
    """The glossary's words that are not used, each with the one that is."""
    for line in GLOSSARY.splitlines()[6:]:
        _, _, korean, rejected, *_ = (cell.strip() for cell in line.split("|"))
        yield from ((word, korean) for word in rejected.split(", ") if word)


@pytest.mark.parametrize(("word", "instead"), sorted(rejected_words()))
def test_no_text_uses_a_word_that_the_glossary_rejects(word, instead):
    assert [place for place, _, korean in texts() if word in korean] == [], instead
    pages = [ROOT / "README.ko.md", FOLDER / "main.json", *PAGES.glob("*/ko.md")]
    assert [path.parent.name for path in pages if word in path.read_text("utf-8")] == [], instead


def test_each_input_and_output_stands_on_a_line_of_its_own():
    """So that a change of one is a line in a diff."""
    lines = (FOLDER / "nodeDefs.json").read_text("utf-8").splitlines()
    assert sum('"tooltip": ' in line for line in lines) == sum(len(list(slots(node_id))) for node_id in SCHEMAS)

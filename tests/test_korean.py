"""The Korean of the nodes in locales/ko is whole, true to the schemas, and in the words of its glossary.

ComfyUI's page looks a name up under nodeDefs.<node id>.inputs.<input id> or .outputs.<index>, a part of a category
under nodeCategories. It has no place for the choices of a combo box: web/js/choices.js looks them up under
hyponet.choices.<input id>, and tooltips have them in both languages, for pages that show the English.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict

import pytest

from hyponet.nodes import extension
from hyponet.nodes.dataset.engine import NO_SETS
from hyponet.nodes.hyponyms.checkpoints import DOWNLOADS
from hyponet.nodes.training.paths import NOTHING_TRAINED
from hyponet.nodes.training.widgets import DOWNLOAD, SCRATCH
from tools.dev.places import ROOT
from tools.help_pages import PAGES, label

FOLDER = ROOT / "locales" / "ko"
SCHEMAS = {schema.node_id: schema for schema in (node.define_schema() for node in extension.NODES)}
NODES = json.loads((FOLDER / "nodeDefs.json").read_text("utf-8"))
MAIN = json.loads((FOLDER / "main.json").read_text("utf-8"))
CATEGORIES = MAIN["nodeCategories"]
CHOICES = MAIN["hyponet"]["choices"]
GLOSSARY = (FOLDER / "glossary.md").read_text("utf-8")
# what people call these in Korean too
LEFT_IN_LATIN = {"FID", "KID", "CMMD"}
LEFT_CATEGORIES = {"HypoNet", "LoRA"}
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


def choices():
    """(node, input, its choices) of every combo box; of one that lists files, those that are no file."""
    nothing = {"clip_name": ["none"], "file": [NOTHING_TRAINED, "none found"], "name": [NO_SETS, "(no wildcards yet)"]}
    files = nothing | {"model_name": list(DOWNLOADS), "start": [SCRATCH, DOWNLOAD]}
    for node_id, schema in SCHEMAS.items():
        for entry in schema.inputs or ():
            if getattr(entry, "options", None) is not None:
                yield node_id, entry.id, files[entry.id] if hasattr(entry, "lists_files") else entry.options


def left_choices():
    """The glossary's choices that stay as they are, by the input."""
    lines = GLOSSARY.split("| 입력 | 그대로 두는 선택지 |")[1].splitlines()[2:]
    rows = [[cell.strip() for cell in line.split("|")[1:3]] for line in lines if line.startswith("|")]
    return {name.strip("`"): set(re.findall(r"`([^`]+)`", left)) or EVERY for name, left in rows}


EVERY = "all"  # choices of an input: names that ComfyUI or somebody else gave
LEFT = left_choices()
# lists of files, and names of methods
TOLD_ELSEWHERE = {"clip_name", "file", "model_name", "name", "start", "convention", "filter", "copy_filter"}


def test_each_choice_is_korean_or_in_the_glossarys_list_of_those_that_stay():
    asked = defaultdict(set)
    for _, name, options in choices():
        asked[name].update(options)
    wanted = {name: options - LEFT.get(name, set()) for name, options in asked.items() if LEFT.get(name) != EVERY}
    assert {name: set(korean) for name, korean in CHOICES.items()} == wanted
    assert [name for name, left in LEFT.items() if left != EVERY and not left < asked[name]] == []
    assert all(HANGUL.search(korean) for texts in CHOICES.values() for korean in texts.values())


@pytest.mark.parametrize("name", CHOICES)
def test_no_two_choices_of_an_input_look_the_same(name):
    assert len({*CHOICES[name].values(), *LEFT.get(name, ())}) == len(CHOICES[name]) + len(LEFT.get(name, ()))


@every_node
def test_a_tooltip_names_each_choice_in_both_languages(node_id):
    """As the page shows it, and in English, as pages do that know no labels of choices, and as the value is."""
    told = {name: options for node, name, options in choices() if node == node_id and name not in TOLD_ELSEWHERE}
    for name, options in told.items():
        tooltip = NODES[node_id]["inputs"][name]["tooltip"]
        english = [] if LEFT.get(name) == EVERY else options
        korean = [CHOICES[name][choice] for choice in english if choice in CHOICES[name]]
        assert [word for word in (*english, *korean) if word not in tooltip] == [], name


def test_each_part_of_a_category_is_korean_and_no_other():
    parts = {part for schema in SCHEMAS.values() for part in schema.category.split("/")}
    assert set(CATEGORIES) == parts - LEFT_CATEGORIES
    assert all(HANGUL.search(korean) for korean in CATEGORIES.values())


def rejected_words():
    """The glossary's words that are not used, each with the one that is."""
    for line in GLOSSARY.split("\n## ")[0].splitlines()[6:]:
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

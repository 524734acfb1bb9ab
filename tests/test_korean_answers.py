"""Korean of what nodes answer: the sentences of locales/ko/main.json are those of the sources, and keep their values.

web/js/patterns.js says how they are read; tests/browser looks at answers on a Korean page.
"""

from __future__ import annotations

import ast
import itertools
import json
import re

import pytest

from tools.dev.places import ROOT

KOREAN = json.loads((ROOT / "locales" / "ko" / "main.json").read_text("utf-8"))["hyponet"]
HANGUL = re.compile("[\uac00-\ud7a3]")
PLACE = re.compile(r"\{(\w+)\}")
KINDS = re.compile(r"(?:number|text|parts|list)\d*|choice_(\w+)|[a-z]+\d*")
ENTRIES = {
    **{f"answers: {english}": (english, korean) for english, korean in KOREAN["answers"].items()},
    **{f"errors: {english}": (english, korean) for english, korean in KOREAN["errors"].items()},
    **{f"figures: {english}": (english, korean) for english, korean in KOREAN["figures"].items()},
    **{f"tables: {english}": (english, korean) for english, korean in KOREAN["tables"].items()},
    **{f"{column}: {pair[0]}": pair for column, of in KOREAN["cells"].items() for pair in of.items()},
}
# names that are the same in every language, and places with nothing but signs between them
LEFT = re.compile(r"[\s\W\d]|FID|KID|CMMD|IS|LoRA|p\b|\bt\b")


def texts(path):
    """The texts of a Python file, a null where one has a value in it; and the names of fields, as people read them."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "\0" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id.replace("_", " ")


def everything():
    """All texts of the sources and of the data that a report quotes."""
    paths = [path for room in ("nodes", "evaluation") for path in sorted((ROOT / room).rglob("*.py"))]
    data = (ROOT / "nodes" / "hyponyms" / "data" / "unpictured.txt").read_text("utf-8")
    return "\n".join([*(text for path in paths for text in texts(path)), data])


WORD = re.compile(r"[\w'-]+")
SAID = f" {' '.join(WORD.findall(everything()))} "
PARTS = 4  # of the sources of which a sentence is put together, at most


def is_said(words, parts=PARTS):
    """Whether the sources say these words, in a row or in a few parts."""
    if not words or (len(words) == 1 and f" {words[0].removesuffix('s')} " in SAID):
        return True
    ends = range(len(words), 0, -1) if parts else ()
    return any(f" {' '.join(words[:end])} " in SAID and is_said(words[end:], parts - 1) for end in ends)


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if not entry.startswith(("figures", "tables"))])
def test_what_is_translated_is_what_the_sources_say(entry):
    english, _ = ENTRIES[entry]
    for part in PLACE.split(english)[::2]:
        assert is_said(WORD.findall(part)), part


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_translation_has_each_value_of_the_english_and_is_korean(entry):
    english, korean = ENTRIES[entry]
    places = PLACE.findall(english)
    assert sorted(places) == sorted(set(places)), "each has a name of its own"
    assert all(KINDS.fullmatch(name) for name in places)
    assert sorted(PLACE.findall(korean)) == sorted(places)
    assert HANGUL.search(korean) or not LEFT.sub("", PLACE.sub("", korean)), korean
    numbers = re.findall(r"\d[\d,.]*\d|\d", PLACE.sub("", english))
    assert [number for number in numbers if number not in korean] == []


@pytest.mark.parametrize("entry", ENTRIES)
def test_no_particle_follows_a_value(entry):
    """Which of two it would be depends on the sound before it, and that is not known."""
    _, korean = ENTRIES[entry]
    assert not re.search(r"\}(?:은|는|이|가|을|를|과|와|로|으로|이나|나|이며|며|라|이라)(?![가-힣])", korean)


def test_choices_in_a_sentence_are_those_of_an_input():
    named = {match[1] for english, _ in ENTRIES.values() for match in re.finditer(r"\{choice_(\w+)\}", english)}
    assert named
    assert named <= set(KOREAN["choices"])


def test_no_answer_is_a_single_word():
    """It might be a class, or a word that somebody typed; such words stand under the head of their column."""
    assert [english for english in KOREAN["answers"] if re.fullmatch(r"\w+", english)] == []


@pytest.mark.parametrize("english", KOREAN["tables"])
def test_a_head_has_as_many_columns(english):
    assert KOREAN["tables"][english].count(" | ") == english.count(" | ")


def test_columns_with_words_of_their_own_are_those_of_a_table():
    heads = {column for english in KOREAN["tables"] for column in english.split(" | ")}
    assert set(KOREAN["cells"]) <= heads


def heads():
    """The heads of tables that stand in a list of lines without a value in them; those of files are not translated."""
    for path in sorted((ROOT / "nodes").rglob("*.py")) + sorted((ROOT / "evaluation").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))) if path.name != "card.py" else ():
            lines = [part.value for part in getattr(node, "elts", ()) if isinstance(part, ast.Constant)]
            for line, rule in itertools.pairwise(lines):
                if re.match(r"\|(?: ?:?-+:? ?\|)+$", str(rule)):
                    yield " | ".join(cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|"))


def test_every_table_has_its_head_in_korean():
    found = set(heads())
    assert len(found) > 8
    assert found <= set(KOREAN["tables"])

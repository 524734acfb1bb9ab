"""JSON that is damaged, or nested deeper than the parser goes, is one kind of error wherever it is read."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from hyponet.evaluation.json_text import parse_json

ROOT = Path(__file__).resolve().parents[2]
# lines of a manifest tell three kinds of damage apart; the others read what they wrote in the line before
OWN_PARSERS = {
    "evaluation/json_text.py",
    "evaluation/pictures/manifest.py",
    "nodes/dataset/store/identity.py",
    "nodes/lora/lora_file.py",
}


@pytest.mark.parametrize(
    "text", ["[" * 100_000 + "]" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000, "[", "", b"\xff"]
)
def test_whatever_is_wrong_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"nested too deeply|Expecting|decode"):
        parse_json(text)


def test_files_are_parsed_in_one_place():
    """RecursionError is no ValueError: seven places that caught the latter alone ended in a traceback."""
    shipped = [path for room in ("evaluation", "nodes", "headless") for path in (ROOT / room).rglob("*.py")]
    calls = {
        path.relative_to(ROOT).as_posix()
        for path in shipped
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if (node.value.id, node.attr) in {("json", "load"), ("json", "loads")}
    }
    assert calls <= OWN_PARSERS

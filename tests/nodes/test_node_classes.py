"""Every node class is called as its node id, in every room."""

from __future__ import annotations

import ast
import re

import pytest

from hyponet.nodes import extension
from tools.dev.places import ROOT
from tools.node_names import short_name

FACES = sorted((ROOT / "nodes").rglob("nodes.py"))


def node_ids(path):
    """Class name -> the node_id in its schema, of each node class of a face."""
    classes = [node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.ClassDef)]
    return {
        node.name: keyword.value.value
        for node in classes
        for keyword in ast.walk(node)
        if isinstance(keyword, ast.keyword) and keyword.arg == "node_id"
    }


@pytest.mark.parametrize("path", FACES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_node_is_also_found_by_other_words(path):
    calls = [call for call in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(call, ast.Call)]
    given = [{keyword.arg for keyword in call.keywords} for call in calls]
    schemas = [names for names in given if "node_id" in names]
    assert schemas
    assert all("search_aliases" in names for names in schemas)


@pytest.mark.parametrize("path", FACES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_node_class_is_called_as_its_node_id(path):
    names = node_ids(path)
    assert names
    assert list(names) == list(names.values())


SCHEMAS = [node.define_schema() for node in extension.NODES]
NAMES = [short_name(schema.display_name) for schema in SCHEMAS]
OF_COMFYUI = {"SamplerCustomAdvanced"}


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.node_id)
def test_a_tooltip_calls_nodes_by_their_names(schema):
    """Where one says from which node a link comes, or for which it is. They said Plan for Dataset Plan, which the page
    does not know."""
    names = set(NAMES) | OF_COMFYUI
    for slot in (*schema.inputs, *schema.outputs):
        for said in re.findall(r"(?<!\w )(?:From|For) ((?:[A-Z][\w-]+[ ,]*|or |and |from )+)\.", slot.tooltip or ""):
            assert set(re.split(r", | or | and ", said.strip())) <= names, (slot.id, said)


def test_no_two_nodes_are_called_alike():
    """Also without the words in parentheses, as texts call them."""
    assert len(set(NAMES)) == len(NAMES)

from __future__ import annotations

import ast
import math
import re

import pytest
import torch

from hyponet.nodes.checks import _OBJECTS, MAX_LINE, checked
from tools.dev.places import ROOT

FACES = sorted((ROOT / "nodes").rglob("nodes.py"))


@pytest.fixture(scope="module")
def node():
    """A node with a widget of each kind; it returns what reaches `execute`."""
    import comfy.cli_args

    comfy.cli_args.args.cpu = True
    from comfy_api.latest import io

    from hyponet.nodes.widgets import FileCombo

    class Node(io.ComfyNode):
        @classmethod
        def define_schema(cls):
            return io.Schema(
                node_id="HypoNetTestedNode",
                inputs=[
                    io.Image.Input("image"),
                    io.Int.Input("steps", min=1, max=50),
                    io.Float.Input("cfg", min=0.0, max=10.0),
                    io.Combo.Input("format", options=["png", "webp"], optional=True, default="png"),
                    FileCombo("file", options=["there.txt"]),
                    io.Boolean.Input("save"),
                    io.String.Input("name"),
                    io.String.Input("lines", multiline=True, optional=True, default="a"),
                ],
            )

        @classmethod
        @checked
        def execute(cls, **values):
            return values

    return Node


GOOD = {
    "image": torch.zeros(1, 1, 1, 3),
    "steps": 50,
    "cfg": 0,
    "file": "made since.txt",
    "save": False,
    "name": "x" * MAX_LINE,
}


def test_what_the_schema_allows_reaches_the_node_with_defaults_for_what_is_left_out(node):
    assert node.execute(**GOOD) == {**GOOD, "format": "png", "lines": "a"}
    assert node.execute(**GOOD, format="webp", lines="x\n" * MAX_LINE)["format"] == "webp"


def test_a_whole_number_for_a_float_reaches_the_node_as_a_float(node):
    """A link from an INT gives one, and a setting of 1 is to be the same setting as 1.0 wherever it is hashed."""
    assert repr(node.execute(**GOOD)["cfg"]) == "0.0"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"steps": 51}, "steps is 51; expected 1 to 50"),
        ({"cfg": 10**400}, "cfg is 1000.*; expected 0 to 10"),
        ({"steps": 1.5}, "steps is 1.5; expected a whole number from 1 to 50"),
        ({"steps": True}, "steps is True"),
        ({"cfg": math.nan}, "cfg is nan; expected a number from 0 to 10"),
        ({"cfg": math.inf}, "cfg is inf"),
        ({"cfg": "2"}, "cfg is '2'"),
        ({"format": "bmp"}, "format is 'bmp'; expected one of: png, webp; choose one from the list"),
        ({"format": ["png"]}, "format is"),
        ({"format": None}, "format is None"),
        ({"file": "\ud800"}, "file has half of a surrogate pair at character 0"),
        ({"file": 7}, "file is int; expected text"),
        ({"save": "false"}, "save is 'false'; expected true or false"),
        ({"name": None}, "name is NoneType; expected text"),
        ({"name": "x" * (MAX_LINE + 1)}, "name has 10001 characters; expected at most 10000"),
        ({"lines": "x" * 1_000_001}, "put long lists in a file"),
    ],
)
def test_what_the_schema_does_not_allow_is_refused(node, changes, says):
    with pytest.raises(ValueError, match=says):
        node.execute(**{**GOOD, **changes})


@pytest.mark.parametrize("path", FACES, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_every_execute_gets_only_what_its_schema_allows(path):
    for method in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(method, ast.FunctionDef) and method.name in ("execute", "check_lazy_status"):
            assert [ast.unparse(each) for each in method.decorator_list] == ["classmethod", "checked"], method.lineno


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ((1, 2), "image is of type tuple; expected pictures; connect Load Image"),
        (None, "image is empty; expected pictures; connect Load Image"),
    ],
)
def test_a_link_that_carries_something_else_is_named_with_the_node_to_connect(node, image, says):
    """Adapters of other packs pass anything on to anything; it broke where it was first used."""
    with pytest.raises(ValueError, match=f"^{says}$"):
        node.execute(**{**GOOD, "image": image})


def test_every_socket_of_the_pack_is_known_with_the_class_that_travels_on_it():
    """The class stands in the comment of nodes/sockets.py."""
    text = (ROOT / "nodes" / "sockets.py").read_text("utf-8")
    sockets = dict(re.findall(r'io\.Custom\("(\w+)"\)  # (?:[\w.]*\.)?(\w+)', text))
    assert len(sockets) > 10
    assert {kind: name for kind, (name, _, _) in _OBJECTS.items() if kind.startswith("HYPONET")} == sockets

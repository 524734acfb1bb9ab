"""The README names every node, and every file and command that it names exists."""

from __future__ import annotations

import re
from importlib.metadata import metadata

from hyponet import dev
from hyponet.nodes import extension
from tools.dev.places import ROOT
from tools.dev.server import USUAL_PORT
from tools.dev.setup import PYTHON

README, CONTRIBUTING, ARCHITECTURE = (
    (ROOT / name).read_text("utf-8") for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md")
)


def test_every_node_has_its_place_in_the_readme():
    names = {node.define_schema().display_name for node in extension.NODES}
    assert len(names) > 40
    assert {name for name in names if name not in README} == set()


def test_every_file_that_the_readme_names_is_there():
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert link.startswith("http") or (ROOT / link).exists(), link
    for path in re.findall(r"\b((?:workflows|headless|nodes|wildcards)/[\w/.-]+\.\w+)", README):
        assert (ROOT / path).exists(), path


def test_the_commands_are_those_of_dev_py():
    named = {command for page in (README, CONTRIBUTING, ARCHITECTURE) for command in re.findall(r"dev\.py (\w+)", page)}
    assert named
    assert named <= set(dev.COMMANDS)
    assert set(re.findall(r"^    python3 dev\.py (\w+)", dev.__doc__, re.M)) == set(dev.COMMANDS)


def test_the_python_of_the_readme_is_the_one_that_the_pins_need():
    """What pip says of the pinned numpy: Requires-Python >=3.11."""
    assert PYTHON == (3, 11)
    assert metadata("numpy")["Requires-Python"] == ">=3.11"
    assert "Python 3.11 or newer" in README


def test_the_ports_of_the_readme_are_one():
    assert set(re.findall(r"127\.0\.0\.1:(\d+)|port (\d+)", README)) == {(str(USUAL_PORT), ""), ("", str(USUAL_PORT))}

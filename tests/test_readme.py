"""The README names every node, and every file and command that it names exists."""

from __future__ import annotations

import re

from hyponet import dev
from hyponet.nodes import extension
from tools.dev.places import ROOT

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

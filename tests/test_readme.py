"""The README names every node, and every file and command that it names exists."""

from __future__ import annotations

import re
from importlib.metadata import metadata

import tomllib

from hyponet import dev
from hyponet.evaluation.pictures.sources import SOURCES
from hyponet.nodes import extension
from hyponet.nodes.dataset.export.formats import EXPORTS
from tools.dev.places import ROOT
from tools.dev.server import USUAL_PORT
from tools.dev.setup import NEEDED_GIB, PYTHON
from tools.node_names import short_name

README, CONTRIBUTING, ARCHITECTURE = (
    (ROOT / name).read_text("utf-8") for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md")
)
SCHEMAS = [node.define_schema() for node in extension.NODES]


def test_every_node_has_its_place_in_the_readme():
    names = {short_name(schema.display_name) for schema in SCHEMAS}
    assert len(names) > 40
    assert {name for name in names if name not in README} == set()


def test_the_stages_of_the_readme_are_the_categories_of_the_nodes():
    """The regression: the first ones stood in "HypoNet / HypoNet" in the page's search."""
    category = {short_name(schema.display_name): schema.category for schema in SCHEMAS}
    rows = re.findall(r"^\| (?:([A-Z]\w*) )?\| (.+?) \| .+ \|$", README.split("## The nodes")[1], re.M)
    assert rows
    stage = ""
    for heading, names in rows:
        stage = heading or stage
        for name in names.split(", "):
            assert category.pop(name) == f"HypoNet/{stage}", name
    assert category == {}


def test_the_input_that_comfy_lint_does_not_know_is_the_one_that_contributing_names():
    """ComfyUI writes an input that takes either of two types with a comma between them."""
    either = [
        f"`{entry.id}` of **{short_name(schema.display_name)}**"
        for schema in SCHEMAS
        for entry in schema.inputs
        if "," in entry.get_io_type()
    ]
    assert either == ["`reference` of **FID**"]
    assert either[0] in CONTRIBUTING


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


def test_the_options_of_the_readme_are_those_of_dev_py():
    subparsers = dev.parser()._subparsers._group_actions[0].choices
    options = {name for command in subparsers.values() for action in command._actions for name in action.option_strings}
    others = {"--url", "--set", "--shard", "--help", "--workflow"}  # of headless (tests/test_docs.py) and `comfy run`
    assert set(re.findall(r"(?<![\w-])--[a-z]+", README)) - others <= options


def test_the_figures_of_the_readme_stand_where_they_were_measured():
    measured = (ROOT / "data" / "small_model" / "README.md").read_text("utf-8")
    (figures,) = re.findall(r"([\d.]+ %) of them \(95 % interval ([\d.]+ to [\d.]+)", README)
    for figure in figures:
        assert figure in measured, figure
    assert f"{NEEDED_GIB:.0f} GB must be free" in README


def test_the_versions_of_the_readme_are_those_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = project["tool"]["comfy"]["requires-comfyui"].removeprefix(">=")
    assert f"Into a ComfyUI of version {needed} or newer" in README
    assert f"with Python {project['project']['requires-python'].removeprefix('>=')} or newer" in README
    packages = [re.split(r"[<>=]", name)[0] for name in project["project"]["dependencies"]]
    assert "It needs " + " and ".join(f"`{name}`" for name in packages) in README
    assert [re.split(r"[<>=]", line)[0] for line in (ROOT / "requirements.txt").read_text("utf-8").split()] == packages


def test_the_classifier_that_the_readme_offers_is_in_the_list():
    (option,) = re.findall(r"`(\S+ \(download [^)]*\))` in \*\*Load Classifier\*\*", README)
    node = next(node for node in extension.NODES if node.__name__ == "HypoNetLoadClassifier")
    assert option in node.define_schema().inputs[0].options


def test_the_formats_of_the_readme_are_those_that_nodes_list():
    exports, sources = " ".join(EXPORTS), " ".join(SOURCES)
    for name in ("ImageFolder zip", "WebDataset", "Parquet", "CSV", "captions"):
        assert name in README
        assert name.casefold() in exports.casefold(), name
    for name in ("CIFAR-10", "STL-10", "ImageNet", "Parquet", "WebDataset"):
        assert name in README
        assert name in sources, name

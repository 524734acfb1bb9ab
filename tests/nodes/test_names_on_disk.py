"""Inputs that list what lies on disk: the server leaves them to the node, whose error says what there is."""

from __future__ import annotations

import inspect
import json

import pytest

from hyponet.nodes import missing_names
from tools.dev.places import ROOT


def test_the_server_compares_no_name_on_disk_with_a_list():
    """What the server reads: the arguments of a node's own `validate_inputs` are left out of its checks."""
    from comfy_api.internal import first_real_override

    from hyponet.nodes.extension import NODES
    from hyponet.nodes.widgets import FileCombo

    listing = {}
    for node in NODES:
        names = [entry.id for entry in node.define_schema().inputs if isinstance(entry, FileCombo)]
        own = first_real_override(node, "validate_inputs")
        assert (inspect.getfullargspec(own).args if own else ["cls"]) == ["cls", *names], node.__name__
        assert not own or own(**dict.fromkeys(names, "made later")) is True
        listing |= {node.__name__: names} if names else {}
    assert len(listing) == 7, listing  # Load Dataset, Wildcard, Statistics and Classifier, and three more


def test_the_error_says_what_there_is_and_which_shipped_workflow_makes_it():
    """By hand: table 5-9's workflow of this set, and the only one that trains `demo`."""
    (maker,) = (path for path in (ROOT / "workflows" / "api").glob("*.json") if makes(path, "sd14-hyponet"))
    opening = missing_names.naming_what_exists("sd14-hyponet", lambda: ["pets", "zoo"], "HypoNetGenerateDataset")
    with pytest.raises(FileNotFoundError) as missing, opening:
        raise FileNotFoundError("it is nowhere")
    assert str(missing.value) == f"it is nowhere; there are: pets, zoo; made by the workflow {maker.stem}"
    trained = missing_names.made_by("demo/run-1/last.safetensors", "HypoNetTrainClassifier")
    assert trained == "made by the workflow hyponet_11_demo"
    assert missing_names.made_by("demo2", "HypoNetTrainClassifier") == ""


def makes(path, name):
    nodes = json.loads(path.read_text("utf-8")).values()
    return any(node["class_type"] == "HypoNetGenerateDataset" and node["inputs"]["name"] == name for node in nodes)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "there are none yet"),
        (2, "there are: n0, n1"),
        (14, "there are: n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11 and 2 more"),
    ],
)
def test_long_lists_are_cut(count, text):
    assert missing_names.listed([f"n{i}" for i in range(count)]) == text

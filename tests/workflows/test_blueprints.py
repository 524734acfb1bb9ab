"""The subgraph blueprints as they lie there, against the pack's own schemas and the form of ComfyUI's blueprints.

The form is that of `blueprints/*.json` of ComfyUI 0.33.0 and of its `app/subgraph_manager.py`, which reads
`subgraphs/*.json` of every pack (0.3.75 too).
"""

from __future__ import annotations

import json

import pytest

from hyponet.nodes import extension
from tools.dev.places import ROOT

FILES = sorted((ROOT / "subgraphs").glob("*.json"))
SCHEMAS = {node.define_schema().node_id: node.define_schema() for node in extension.NODES}
INPUTS, OUTPUTS = -10, -20


def read(path):
    form = json.loads(path.read_text("utf-8"))
    (outer,), (inner,) = form["nodes"], form["definitions"]["subgraphs"]
    return outer, inner


def test_the_three_commonest_chains_are_offered():
    chains = {path.stem: [node["type"] for node in read(path)[1]["nodes"]] for path in FILES}
    assert chains == {
        "HypoNet Plan to Checked Set": ["HypoNetGenerateDataset", "HypoNetCheckLabels"],
        "HypoNet Set to Tested Classifier": [
            "HypoNetLoadLabelledImages",
            "HypoNetSplitImages",
            "HypoNetTrainClassifier",
            "HypoNetTestClassifier",
        ],
        "HypoNet Word to Plan": ["HypoNetHyponymsOfWord", "HypoNetDefineClass", "HypoNetPlanDataset"],
    }
    assert [path.suffix for path in (ROOT / "subgraphs").iterdir()] == [".json"] * len(FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_link_fits_the_nodes_at_its_ends(path):
    outer, inner = read(path)
    assert outer["type"] == inner["id"]
    assert outer["title"] == inner["name"] == path.stem
    nodes = {node["id"]: node for node in inner["nodes"]}
    assert outer["id"] not in nodes, "newer pages would give one of them another id"
    entering, leaving = {}, {}
    for link in inner["links"]:
        source, target = link["origin_id"], link["target_id"]
        if source == INPUTS:
            type_ = inner["inputs"][link["origin_slot"]]["type"]
            assert link["id"] in inner["inputs"][link["origin_slot"]]["linkIds"]
        else:
            type_ = SCHEMAS[nodes[source]["type"]].outputs[link["origin_slot"]].get_io_type()
            assert link["id"] in nodes[source]["outputs"][link["origin_slot"]]["links"]
        if target == OUTPUTS:
            assert inner["outputs"][link["target_slot"]]["linkIds"] == [link["id"]]
            expected = inner["outputs"][link["target_slot"]]["type"]
        else:
            slot = nodes[target]["inputs"][link["target_slot"]]
            assert slot["link"] == link["id"]
            declared = {entry.id: entry for entry in SCHEMAS[nodes[target]["type"]].inputs}
            expected = declared[slot["name"]].get_io_type()
            entering.setdefault(target, set()).add(slot["name"])
        assert link["type"] == type_ == expected
        leaving.setdefault(source, []).append(link["id"])
    for slots, edge in ((outer["inputs"], inner["inputs"]), (outer["outputs"], inner["outputs"])):
        assert [(slot["name"], slot["type"]) for slot in slots] == [(entry["name"], entry["type"]) for entry in edge]
    for node_id, node in nodes.items():
        sockets = {entry.id for entry in SCHEMAS[node["type"]].inputs if not hasattr(entry, "default")}
        lacking = sockets - entering.get(node_id, set())
        assert not [entry.id for entry in SCHEMAS[node["type"]].inputs if entry.id in lacking and not entry.optional], (
            "what is needed comes through a link"
        )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_widget_that_the_whole_shows_is_one_of_a_node_in_it(path):
    outer, inner = read(path)
    types = {str(node["id"]): node["type"] for node in inner["nodes"]}
    shown = outer["properties"]["proxyWidgets"]
    assert shown
    for node_id, widget in shown:
        assert widget in {entry.id for entry in SCHEMAS[types[node_id]].inputs}
    assert len({tuple(entry) for entry in shown}) == len(shown)

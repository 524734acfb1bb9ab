"""A benchmark that runs seldom still queues what the nodes take today."""

from __future__ import annotations

import sys

import pytest

from tools.dev.places import ROOT


@pytest.fixture
def graphs(monkeypatch):
    """benchmarks/family_graphs.py, which imports its neighbours by their bare names."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import family_graphs

    yield family_graphs
    del sys.modules["family_graphs"], sys.modules["pack"]


@pytest.mark.parametrize("number", range(7))
def test_the_graphs_of_the_benchmark_have_every_input_that_their_nodes_ask_for(graphs, number):
    from hyponet.nodes.extension import NODES

    schemas = {node.define_schema().node_id: node.define_schema() for node in NODES}
    assert len(graphs.NAMES) == 7
    graph = graphs.Case(graphs.NAMES[number], steps=4, side=64).ours(["a horse", "a red horse"], "name")
    ours = [node for node in graph.values() if node["class_type"] in schemas]
    assert len(ours) == 3
    for node in ours:
        inputs = {each.id: each for each in schemas[node["class_type"]].inputs}
        required = {name for name, each in inputs.items() if not each.optional}
        assert required <= node["inputs"].keys() <= inputs.keys(), node["class_type"]

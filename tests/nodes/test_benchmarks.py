"""A benchmark that runs seldom still queues what the nodes take today."""

from __future__ import annotations

import sys

import pytest

from tools.dev.places import ROOT


@pytest.fixture
def generation(monkeypatch):
    """benchmarks/generation.py, which imports its neighbours by their bare names."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import generation

    yield generation
    del sys.modules["generation"], sys.modules["pack"]


def test_the_graph_of_the_benchmark_has_every_input_that_its_nodes_ask_for(generation):
    from hyponet.nodes.extension import NODES

    schemas = {node.define_schema().node_id: node.define_schema() for node in NODES}
    graph = generation.our_graph(["a horse", "a red horse"], "name", 4, 64)
    ours = [node for node in graph.values() if node["class_type"] in schemas]
    assert len(ours) == 3
    for node in ours:
        inputs = {each.id: each for each in schemas[node["class_type"]].inputs}
        required = {name for name, each in inputs.items() if not each.optional}
        assert required <= node["inputs"].keys() <= inputs.keys(), node["class_type"]

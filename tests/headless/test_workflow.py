"""Workflow files and overrides; the small graph is hand-written."""

from __future__ import annotations

import json
import unicodedata

import pytest

from hyponet.headless.workflow import graph_digest, parse_setting, read_workflow, with_overrides

GRAPH = {
    "1": {
        "class_type": "KSampler",
        "inputs": {"seed": 7, "cfg": 2.0, "model": ["2", 0]},
        "_meta": {"title": "Sampler"},
    },
    "2": {"class_type": "Loader", "inputs": {"name": "a.ckpt", "fast": False}, "_meta": {"title": "Load v1.5"}},
    "3": {"class_type": "Save", "inputs": {"prefix": "x"}, "_meta": {"title": "Same"}},
    "4": {"class_type": "Save", "inputs": {"prefix": "y"}, "_meta": {"title": "Same"}},
}


@pytest.mark.parametrize(
    ("key", "text", "node", "widget", "value"),
    [
        ("Sampler.seed", "11", "1", "seed", 11),
        ("1.cfg", "7.5", "1", "cfg", 7.5),
        ("KSampler.cfg", "3", "1", "cfg", 3),
        ("Load v1.5.name", "5", "2", "name", "5"),  # text stays text; the title itself has a dot
        ("Loader.fast", "true", "2", "fast", True),
        ("4.prefix", "", "4", "prefix", ""),
    ],
)
def test_an_override_finds_its_node_and_keeps_the_kind_of_value(key, text, node, widget, value):
    changed = with_overrides(GRAPH, {key: text})
    assert changed[node]["inputs"][widget] == value
    assert type(changed[node]["inputs"][widget]) is type(value)
    assert GRAPH["1"]["inputs"]["seed"] == 7  # the original is untouched


def test_a_title_is_found_without_its_words_in_parentheses():
    """The page exports the title that a node has there; README and help call the node by what stands before."""
    long = "Generate Dataset (batch)"
    graph = {"1": {"class_type": "HypoNetGenerateDataset", "inputs": {"seed": 7}, "_meta": {"title": long}}}
    for who in (long, "Generate Dataset"):
        assert with_overrides(graph, {f"{who}.seed": "8"})["1"]["inputs"]["seed"] == 8
    other = {"2": {"class_type": "Other", "inputs": {"seed": 7}, "_meta": {"title": "Generate Dataset"}}}
    changed = with_overrides(graph | other, {"Generate Dataset.seed": "8"})
    assert [changed[id_]["inputs"]["seed"] for id_ in ("1", "2")] == [7, 8], "a whole title goes before"


def test_a_title_is_found_in_either_form_of_its_letters():
    """A Mac's file names, from which people copy, are in decomposed letters; titles are typed composed, or pasted."""
    titles = ["\uace0\uc591\uc774", unicodedata.normalize("NFD", "\uace0\uc591\uc774")]  # cat in Korean
    for title in titles:
        graph = {"1": {"class_type": "KSampler", "inputs": {"seed": 7}, "_meta": {"title": title}}}
        for who in titles:
            assert with_overrides(graph, {f"{who}.seed": "8"})["1"]["inputs"]["seed"] == 8


def test_a_workflow_that_is_nested_too_deeply_or_has_a_mark_in_front(tmp_path):
    """Notepad and PowerShell 5 write a byte order mark."""
    path = tmp_path / "flow.json"
    path.write_bytes(b"[" * 100_000)
    with pytest.raises(ValueError, match=r"flow\.json cannot be read: it is nested too deeply"):
        read_workflow(path)
    path.write_bytes(json.dumps(GRAPH).encode("utf-8-sig"))
    assert read_workflow(path) == GRAPH


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("Samper.seed", "1", "nearest: Sampler"),
        ("Sampler.seeds", "1", "it has: seed, cfg"),
        ("Sampler.model", "1", "linked to node 2"),
        ("Sampler.seed", "many", "expected a number"),
        ("Loader.fast", "yes", "true or false"),
        ("Same.prefix", "z", "name one by its id: 3, 4"),
        ("nodot", "z", "expected node.widget=value"),
    ],
)
def test_a_wrong_override_says_what_is_there(key, value, says):
    with pytest.raises(ValueError, match=says):
        with_overrides(GRAPH, {key: value})


def test_a_setting_splits_at_its_first_equals_sign():
    assert parse_setting("Dataset Plan.template=a = b") == ("Dataset Plan.template", "a = b")
    with pytest.raises(ValueError, match="expected node"):
        parse_setting("seed")


def test_a_graph_file_leads_to_the_api_form_beside_it(tmp_path):
    (tmp_path / "api").mkdir()
    (tmp_path / "flow.json").write_text(json.dumps({"nodes": [], "links": []}), "utf-8")
    with pytest.raises(ValueError, match="graph form"):
        read_workflow(tmp_path / "flow.json")
    (tmp_path / "api" / "flow.json").write_text(json.dumps(GRAPH), "utf-8")
    assert read_workflow(tmp_path / "flow.json") == GRAPH


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"1": {"inputs": {}}}', '{"1": 2}'])
def test_a_file_that_is_no_workflow_is_refused(tmp_path, content):
    (tmp_path / "bad.json").write_text(content, "utf-8")
    with pytest.raises(ValueError, match=r"bad\.json"):
        read_workflow(tmp_path / "bad.json")


def test_a_title_is_no_part_of_the_digest_but_every_value_is():
    renamed = json.loads(json.dumps(GRAPH))
    renamed["1"]["_meta"]["title"] = "Other"
    assert graph_digest(renamed) == graph_digest(GRAPH)
    assert graph_digest(with_overrides(GRAPH, {"1.seed": 8})) != graph_digest(GRAPH)

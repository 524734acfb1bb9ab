"""Sweep files in CSV and YAML, and their parts."""

from __future__ import annotations

import json

import pytest

from hyponet.headless.sweep_file import read_sweep, shard
from hyponet.tests import ROOT

FLOW = {"1": {"class_type": "A", "inputs": {"n": 1, "text": "t"}, "_meta": {"title": "Node"}}}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "flow.json").write_text(json.dumps(FLOW))
    return tmp_path


def write(folder, name, text):
    (folder / name).write_text(text)
    return folder / name


def test_csv_and_yaml_say_the_same(folder):
    table = write(
        folder,
        "s.csv",
        "name,group,weight,workflow,Node.n,Node.text\n# no row\na,g,3,flow.json,5,\nb,,,flow.json,,''\n",
    )
    rows = "- {name: a, group: g, weight: 3, set: {Node.n: 5}}\n- {name: b, set: {Node.text: ''}}\n"
    tree = write(folder, "s.yaml", f"workflow: flow.json\nrows:\n{rows}")
    rows = read_sweep(table)
    assert [row.graph["1"]["inputs"] for row in rows] == [{"n": 5, "text": "t"}, {"n": 1, "text": ""}]
    assert [(row.name, row.weight) for row in rows] == [("a", 3.0), ("b", 1.0)]
    assert read_sweep(tree) == rows


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,workflow\n", "no rows"),
        ("name,workflow,colour\na,flow.json,1", "column 'colour'"),
        ("name,workflow\na,flow.json\nA,flow.json", "two rows"),
        ("name,workflow\n../a,flow.json", "expected letters"),
        ("name,workflow\na,other.json", "cannot be read"),
        ("name,workflow\na,", "names no workflow"),
        ("name,workflow,Node.m\na,flow.json,1", r"row 1 \(a\): Node has no widget 'm'"),
        ("name,workflow\na,flow.json,1", "3 cells"),
        ("name,weight,workflow\na,-1,flow.json", "above 0"),
    ],
)
def test_a_wrong_file_is_refused_with_its_row(folder, text, says):
    with pytest.raises(ValueError, match=says):
        read_sweep(write(folder, "s.csv", text))


def test_parts_are_whole_groups_and_make_up_all_but_the_last_rows(folder):
    lines = [f"r{i},g{i % 5},flow.json" for i in range(20)] + ["report,last,flow.json"]
    rows = read_sweep(write(folder, "s.csv", "name,group,workflow\n" + "\n".join(lines)))
    parts = [shard(rows, k, 3) for k in (1, 2, 3)]
    assert sorted(len(part) for part in parts) == [4, 8, 8]  # five groups of four rows over three parts
    assert sorted(row.name for part in parts for row in part) == sorted(f"r{i}" for i in range(20))
    for part in parts:
        for row in part:
            assert [other for other in rows if other.group == row.group and other not in part] == []


def test_the_shipped_sweep_is_all_of_table_5_9():
    rows = read_sweep(ROOT / "headless" / "sweeps" / "table_5_9.csv")
    names = {row.name for row in rows}
    sets = {
        f"{model}-{technique}"
        for model in ("sd14", "sd15", "sdxl")
        for technique in ("none", "freeu", "lora", "hyponet")
    }
    assert sets | {f"{name}-test" for name in sets} | {"cifar10-train-test", "report"} <= names
    by_name = {row.name: row for row in rows}
    for name in sets:
        made = [
            node["inputs"] for node in by_name[name].graph.values() if node["class_type"] == "HypoNetGenerateDataset"
        ]
        assert [node["name"] for node in made] == [name]
        loaded = {node["_meta"]["title"]: node["inputs"] for node in by_name[f"{name}-test"].graph.values()}
        assert loaded["Training set"]["path"] == loaded["Name in tables"]["value"] == name
        order = [row.name for row in rows if row.group == by_name[name].group]
        assert order.index(name) < order.index(f"{name}-test")
    assert by_name["report"].group == "last"
    loads = [sum(row.weight for row in shard(rows, k, 4)) for k in (1, 2, 3, 4)]
    assert max(loads) < 1.3 * min(loads)

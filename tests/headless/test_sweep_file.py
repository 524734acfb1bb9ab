"""Sweep files in CSV and YAML, and their parts."""

from __future__ import annotations

import json

import pytest

from hyponet.headless.sweep_file import read_sweep, shard
from tools.dev.places import ROOT

FLOW = {"1": {"class_type": "A", "inputs": {"n": 1, "text": "t"}, "_meta": {"title": "Node"}}}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "flow.json").write_text(json.dumps(FLOW), "utf-8")
    return tmp_path


def write(folder, name, text):
    (folder / name).write_text(text, "utf-8")
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
        ("name,workflow\n../a,flow.json", "letters, digits"),
        ("name,workflow\nNUL,flow.json", "'NUL', a device of Windows"),  # its state could not be written there
        ("name,workflow\ncom1.lr-3,flow.json", "a device of Windows"),
        ("name,workflow\na,other.json", "cannot be read"),
        ("name,workflow\na,", "names no workflow"),
        ("name,workflow,Node.m\na,flow.json,1", r"row 1 \(a\): Node has no widget 'm'"),
        ("name,workflow\na,flow.json,1", "3 cells"),
        ("name,weight,workflow\na,-1,flow.json", "above 0"),
        ("name;workflow\na;flow.json", "semicolons .* save it as CSV with commas"),  # Excel in German
        ("name\tworkflow\na\tflow.json", "tabs"),
        ("workflow,Node.n\nflow.json,1", "no column 'name'"),
        ("name,workflow,Node.n,Node.n\na,flow.json,1,2", "'Node.n' twice"),
        ('name,workflow,Node.text\na,flow.json,"t\nb,flow.json,u\n', "begins in line 2 is no CSV"),  # never closed
        ("name,workflow,Node.n\na,flow.json,nan", "expected a number"),
        ("name,workflow,Node.n\na,flow.json,1e999", "expected a number"),
    ],
)
def test_a_wrong_file_is_refused_with_its_row(folder, text, says):
    with pytest.raises(ValueError, match=says):
        read_sweep(write(folder, "s.csv", text))


@pytest.mark.parametrize("encoding", ["cp949", "utf-16", "utf-16-le"])
def test_a_file_of_another_encoding_is_told_how_to_be_saved(folder, encoding):
    text = "name,workflow,Node.text\na,flow.json,고양이\n" if encoding == "cp949" else "name,workflow\na,flow.json\n"
    (folder / "s.csv").write_bytes(text.encode(encoding))
    with pytest.raises(ValueError, match="CSV UTF-8"):
        read_sweep(folder / "s.csv")


@pytest.mark.parametrize(
    "value",
    [
        "cat\ndog\n\n# fish\nsea\u2028lion",  # Excel, LibreOffice and Sheets write a multi-line widget so
        'say ""hi""\n#,\n',  # a break at the end, a comma, and a line that looks like a comment
        "a\n,,,\n\x0c\u0085b",  # a line that looks like an empty row; str.splitlines breaks at the last two
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_quoted_cell_keeps_its_lines(folder, value, newline):
    """RFC 4180, section 2.6 and 2.7: breaks and doubled quotes belong to the cell."""
    text = f'# a comment with one "\nname,workflow,Node.text\n\n# no row\na,flow.json,"{value}"\nb,flow.json,x\n'
    (folder / "s.csv").write_bytes(text.replace("\n", newline).encode())
    rows = read_sweep(folder / "s.csv")
    assert [row.name for row in rows] == ["a", "b"]
    assert rows[0].graph["1"]["inputs"]["text"] == value.replace('""', '"')


def test_what_a_spreadsheet_leaves_is_no_row(folder):
    """Excel writes empty rows as commas, pads every row to the widest, and quotes a comment that has a comma."""
    text = '"# one, two",,,,\nname,workflow,Node.n,,\n,,,,\na,flow.json,5,,\n , ,,,\n#b,flow.json,6,,\n,,,,\n'
    (row,) = read_sweep(write(folder, "s.csv", text))
    assert (row.name, row.graph["1"]["inputs"]["n"]) == ("a", 5)


@pytest.mark.parametrize(
    ("value", "says"), [("no", "put it in quotes"), ("[a, b]", "expected one value"), ("", "expected one value")]
)
def test_yaml_makes_no_other_kind_of_value_of_text(folder, value, says):
    text = f"rows:\n- {{name: a, workflow: flow.json, set: {{Node.text: {value}}}}}\n"
    with pytest.raises(ValueError, match=says):
        read_sweep(write(folder, "s.yaml", text))


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


def test_the_sweep_in_small_draws_three_sets_alike_and_trains_on_each():
    rows = {row.name: row for row in read_sweep(ROOT / "headless" / "sweeps" / "table_5_9_small.csv")}
    sets = ("none", "hyponet", "lora")
    assert sorted(rows) == sorted([*sets, *(f"{name}-test" for name in sets), "augmentation", "report"])
    drawn = {name: inputs_of(rows[name], "HypoNetGenerateDataset") for name in sets}
    for name in sets:
        assert inputs_of(rows[name], "CheckpointLoaderSimple")["ckpt_name"] == "hyponet-small.safetensors"
        assert inputs_of(rows[name], "HypoNetPlanDataset")["images_per_class"] == 500
        assert inputs_of(rows[f"{name}-test"], "HypoNetLoadLabelledImages", "Training set")["path"] == f"small-{name}"
        own = {key: value for key, value in drawn[name].items() if not isinstance(value, list)}
        assert own == {**{k: v for k, v in drawn["none"].items() if not isinstance(v, list)}, "name": f"small-{name}"}
    assert inputs_of(rows["lora"], "LoraLoader")["lora_name"] == "hyponet-small-lora.safetensors"
    assert inputs_of(rows["augmentation"], "HypoNetLoadLabelledImages", "Synthetic set")["path"] == "small-hyponet"
    assert rows["augmentation"].group == rows["hyponet"].group
    assert rows["report"].group == "last"


def inputs_of(row, kind, title=""):
    """The inputs of the row's only node of a kind, or of that one with a title."""
    nodes = [node for node in row.graph.values() if node["class_type"] == kind]
    (inputs,) = [node["inputs"] for node in nodes if title in ("", node["_meta"]["title"])]
    return inputs


def test_the_rounds_of_a_top_up_run_in_turn_and_each_has_its_own_name():
    *rows, last = read_sweep(ROOT / "headless" / "sweeps" / "top_up_rounds.csv")
    assert {row.group for row in rows} == {"rounds"}
    assert (last.group, inputs_of(last, "HypoNetWriteReport")["results"]) == ("last", "rounds/*"), "one of all rounds"
    names = [inputs_of(row, "HypoNetTopUpPlan")["name"] for row in rows]
    assert names == ["rounds/1", "rounds/2", "rounds/3"]
    for row, name in zip(rows, names, strict=True):
        for title in ("Test of the set", "What is weak"):
            assert inputs_of(row, "HypoNetTestClassifier", title)["name"] == name
        assert inputs_of(row, "HypoNetGenerateDataset")["name"] == inputs_of(row, "HypoNetLoadDataset")["name"]

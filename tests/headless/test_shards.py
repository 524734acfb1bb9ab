"""A workflow is cut into shards, which run apart, and a graph that joins them and does what the workflow did."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from hyponet.headless.backends.slurm_jobs import SlurmWorker
from hyponet.headless.schedule import Schedule
from hyponet.headless.shards import cut, farm_rows, sharded
from hyponet.headless.state import State
from hyponet.headless.workflow import find_node
from tools.dev.places import ROOT

SERVER = SimpleNamespace(places=1, keeps_rows=False)
API = ROOT / "workflows" / "api"
QUICK_START = API / "hyponet_01_quick_start.json"


def servers(count):
    return [SERVER] * count


def kinds(row):
    return {node["class_type"].removeprefix("HypoNet") for node in row.graph.values()}


def widget(row, kind, name):
    return row.graph[find_node(row.graph, f"HypoNet{kind}")]["inputs"][name]


def test_shards_make_disjoint_parts_in_sets_of_their_own_and_the_rest_runs_on_all_of_them():
    (row,) = farm_rows(QUICK_START, {"Generate Dataset.name": "pets", "Dataset Plan.images_per_class": "9"})
    *parts, whole = sharded([row], 3)
    assert [widget(part, "PlanDataset", "shard_index") for part in parts] == [0, 1, 2]
    assert {widget(part, "PlanDataset", "shard_count") for part in parts} == {3}
    sets = [widget(part, "GenerateDataset", "name") for part in parts]
    assert sets == ["pets.1-of-3", "pets.2-of-3", "pets.3-of-3"]
    assert all("VerifyDataset" in kinds(part) and "CheckLabels" not in kinds(part) for part in parts)
    assert kinds(whole) == {"LoadDataset", "MergeDatasets", "VerifyDataset", "CheckLabels", "MakeContactSheet",
                            "LoadClassifier"}  # fmt: skip
    assert [widget(whole, "LoadDataset", "name"), *widget(whole, "MergeDatasets", "more_sets").split("\n")] == sets
    assert widget(whole, "MergeDatasets", "name") == "pets"
    assert whole.after == tuple(part.name for part in parts)
    merged = find_node(whole.graph, "HypoNetMergeDatasets")
    assert widget(whole, "CheckLabels", "dataset") == [merged, 0]


def test_a_row_that_is_called_as_a_shard_of_another_is_refused(tmp_path):
    (row,) = farm_rows(QUICK_START, {})
    namesake = replace(row, name=f"{row.name}.1-of-2", graph={"1": {"class_type": "SaveImage", "inputs": {}}})
    with pytest.raises(ValueError, match="so is a shard of another"):
        sharded([row, namesake], 2)


def test_other_prompts_are_another_joining_too():
    cut = [sharded(farm_rows(QUICK_START, {"Dataset Plan.seed": seed}), 2)[-1] for seed in ("1", "2")]
    assert cut[0].graph == cut[1].graph
    assert cut[0].key != cut[1].key


def test_the_joining_row_waits_for_its_shards_and_the_next_row_of_the_group_for_it(tmp_path):
    rows = sharded(farm_rows(ROOT / "headless" / "sweeps" / "table_5_9_small.csv", {}), 2)
    schedule = Schedule(rows, State(tmp_path))
    order = []
    while (run := schedule.take("w", True, {"w"})) is not None:
        order.append(run.row.name)
        schedule.end(run, True)
    assert sorted(order) == sorted(row.name for row in rows), "each once"
    place = {name: order.index(name) for name in order}
    for name in ("hyponet", "none", "lora"):
        shards = [place[f"{name}.{number}-of-2"] for number in (1, 2)]
        assert max(shards) < place[name] < place[f"{name}-test"]
    assert order[-1] == "report"


def test_a_shard_that_failed_holds_back_the_joining(tmp_path):
    rows = sharded(farm_rows(QUICK_START, {}), 2)
    schedule = Schedule(rows, State(tmp_path))
    first, second = (schedule.take("w", True, {"w"}) for _ in range(2))
    schedule.end(first, False)
    schedule.end(second, True)
    assert schedule.is_over


def test_automatic_stays_what_it_was_and_never_cuts_beyond_the_images(tmp_path):
    many = farm_rows(QUICK_START, {"Dataset Plan.images_per_class": "1000"})
    state = State(tmp_path / "a")
    count, parts = cut("auto", state, many, servers(2))
    assert (count, len(parts)) == (8, 9)  # four a worker, and what joins them
    assert cut("auto", state, many, servers(5))[0] == 8, "other shards would be other sets"
    few = farm_rows(QUICK_START, {"Dataset Plan.images_per_class": "3"})
    assert cut("auto", State(tmp_path / "b"), few, servers(2))[0] == 3
    for text in ("x", "0", "-1", "1.5"):
        with pytest.raises(ValueError, match=f"--shards is '{text}'; expected a number"):
            cut(text, state, many, servers(2))


def test_automatic_takes_as_many_shards_as_slurm_has_jobs(tmp_path):
    """The regression: all of SLURM was one worker, and a farm of 64 jobs had 4 rows."""
    slurm = SlurmWorker(None, None, tmp_path, 12)
    rows = farm_rows(QUICK_START, {"Dataset Plan.images_per_class": "1000"})
    assert cut("auto", State(tmp_path), rows, [slurm])[0] == 12


@pytest.mark.parametrize("text", ["4", "auto"])
def test_a_farm_goes_on_with_the_shards_that_it_began_with(tmp_path, text):
    rows, state = farm_rows(QUICK_START, {"Dataset Plan.images_per_class": "9"}), State(tmp_path)
    with pytest.raises(ValueError, match="the plan has 9 images"):
        cut("10", state, rows, servers(1))
    assert cut(text, state, rows, servers(1))[0] == 4  # what could not be cut has begun no farm
    with pytest.raises(ValueError, match=r"^--shards is 2, and the farm in .* began with 4; expected 4, or auto, or"):
        cut("2", state, rows, servers(1))
    assert cut("4", state, rows, servers(7))[0] == cut("auto", state, rows, servers(7))[0] == 4


@pytest.mark.parametrize("text", ["", "{", "{}", "0", "-3", "1.5", "true", '"8"', "8 8", "\x00\x00"])
@pytest.mark.parametrize("asked", ["auto", "8"])
def test_a_damaged_number_of_shards_is_not_taken_for_none(tmp_path, text, asked):
    (tmp_path / "shards.json").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"shards\.json is damaged; expected the number of shards"):
        cut(asked, State(tmp_path), farm_rows(QUICK_START, {"Dataset Plan.images_per_class": "9"}), servers(2))
    assert (tmp_path / "shards.json").read_text("utf-8") == text


@pytest.mark.parametrize("stem", ["con", "NUL", "-aux", "com1.v2"])
def test_a_workflow_that_is_called_as_a_device_of_windows_gives_its_row_another_name(tmp_path, stem):
    """The row's state is a file of its name. The devices are those of Microsoft's "Naming Files, Paths"."""
    (tmp_path / f"{stem}.json").write_bytes(QUICK_START.read_bytes())
    (row,) = farm_rows(tmp_path / f"{stem}.json", {})
    assert row.name == f"file-{stem.lstrip('-')}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Dataset Plan.shard_count": "2"}, "shard_count is 2"),
        ({"Dataset Plan.images_per_class": "1"}, "the plan has 1 images"),
    ],
)
def test_what_cannot_be_cut_is_named(changes, message):
    with pytest.raises(ValueError, match=f"hyponet_01_quick_start cannot be cut into shards: .*{message}"):
        sharded(farm_rows(QUICK_START, changes), 2)


def test_two_sets_in_one_workflow_are_not_cut():
    with pytest.raises(ValueError, match="2 nodes Generate Dataset; expected one"):
        sharded(farm_rows(API / "hyponet_06_resume_and_shard.json", {}), 2)


def test_a_thousand_rows_share_what_they_have_in_common(tmp_path):
    """The regression: every row had a copy of the whole graph."""
    (tmp_path / "flow.json").write_bytes(QUICK_START.read_bytes())
    lines = [f"r{number},flow.json,{number}" for number in range(1000)]
    (tmp_path / "s.csv").write_text("\n".join(["name,workflow,Dataset Plan.seed", *lines]), "utf-8")
    rows = farm_rows(tmp_path / "s.csv", {})
    assert len({id(node) for row in rows for node in row.graph.values()}) == len(rows[0].graph) - 1 + 1000

"""One row as shards that run apart, and the row that joins them: the unit of a farm is (workflow, overrides, shard).

A shard's graph is all that its Generate Dataset needs, with the shard's number in its plan and a set of its own, which
is verified. The joining graph is the workflow itself with Merge Datasets in the place of Generate Dataset: whatever the
workflow does with the set (verify, train, measure, report) it does with all shards.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from evaluation.files import replacing
from evaluation.json_text import parse_json

from .backends.core import Worker
from .disk import file_name
from .state import State
from .sweep_file import LAST, SweepRow, read_sweep
from .workflow import Graph, graph_digest, read_workflow, with_overrides

GENERATE, PLAN = "HypoNetGenerateDataset", "HypoNetPlanDataset"
SHARDS_A_SERVER = 4  # one that is lost takes a quarter of its share along; each shard costs a second or two


def sharded(rows: list[SweepRow], count: int) -> list[SweepRow]:
    """Each row that makes a set as `count` rows and one that joins them; other rows, and those of `last`, as they are.

    Raises:
        ValueError: a row cannot be cut; the message names it.
    """
    if count < 2:
        return rows
    expanded: list[SweepRow] = []
    before: dict[str, str] = {}  # group -> its last row
    for row in rows:
        if row.group != LAST and any(node["class_type"] == GENERATE for node in row.graph.values()):
            earlier = (before[row.group],) if row.group in before else ()
            try:
                parts = [_shard(row, number, count, earlier) for number in range(count)]
                expanded += [
                    *parts,
                    _joining(row, [_set_name(row.graph, number, count) for number in range(count)], parts),
                ]
            except ValueError as error:
                raise ValueError(f"{row.name} cannot be cut into shards: {error}") from None
        else:
            expanded.append(row)
        before[row.group] = row.name
    names = Counter(row.name.lower() for row in expanded)
    if twice := [row.name for row in expanded if names[row.name.lower()] > 1]:
        raise ValueError(f"a row is called {twice[0]!r}, and so is a shard of another; give it another name")
    return expanded


def farm_rows(path: Path, overrides: Mapping[str, str]) -> list[SweepRow]:
    """The rows of a sweep file, or one row of a workflow with `overrides`.

    Raises:
        ValueError: the file is neither, or an override is wrong.
    """
    if path.suffix.lower() in (".csv", ".yaml", ".yml"):
        if overrides:
            raise ValueError(f"--set is for a workflow, and {path} is a sweep; expected a column in it instead")
        return read_sweep(path)
    graph = with_overrides(read_workflow(path), overrides)
    name = file_name(re.sub(r"[^A-Za-z0-9._-]", "-", path.stem).lstrip("._-") or "workflow")
    return [SweepRow(name, name, 1.0, graph, graph_digest(graph))]


def cut(text: str, state: State, rows: list[SweepRow], workers: Sequence[Worker]) -> tuple[int, list[SweepRow]]:
    """How many shards `--shards` asks for, and the rows cut so; the state keeps the number, whoever is there later.

    "auto" is four for each server, and one for each job of SLURM.

    Args:
        text: a number, or "auto".

    Raises:
        ValueError: it is no number above 0, or another than the farm began with; a row cannot be cut.
    """
    path = state.folder / "shards.json"
    before = _begun_with(path)
    if text == "auto":
        images = [_images(row.graph) for row in rows]  # a shard has an image of each class
        wanted = sum(worker.places * (1 if worker.keeps_rows else SHARDS_A_SERVER) for worker in workers)
        count = before or max(1, min([wanted, *filter(None, images)]))
    elif text.isdigit() and int(text):
        count = int(text)
    else:
        raise ValueError(f"--shards is {text!r}; expected a number, or auto")
    if before not in (0, count):  # other shards would be other sets
        raise ValueError(
            f"--shards is {count}, and the farm in {state.folder} began with {before}; expected {before}, or auto, or "
            "another --state for a farm of its own"
        )
    parts = sharded(rows, count)
    if not before:
        with replacing(path, durable=True) as temporary:
            temporary.write_text(f"{count}\n", "utf-8")
    return count, parts


def _begun_with(path: Path) -> int:
    """The number of shards that a farm began with; 0 where none began."""
    try:
        count = parse_json(path.read_text("utf-8"))
    except FileNotFoundError:
        return 0
    except ValueError:
        count = None
    if type(count) is not int or count < 1:
        raise ValueError(
            f"{path} is damaged; expected the number of shards that the farm began with; write it there, as the names "
            "in the folder rows beside it have it"
        )
    return count


def _shard(row: SweepRow, number: int, count: int, after: tuple[str, ...]) -> SweepRow:
    generate, plan = _chain(row.graph)
    images = _images(row.graph)
    if images and images < count:
        raise ValueError(f"--shards is {count} and the plan has {images} images of a class; expected {images} or fewer")
    graph = {id_: copy.deepcopy(row.graph[id_]) for id_ in row.graph if id_ in _behind(row.graph, [generate])}
    graph[plan]["inputs"].update(shard_index=number, shard_count=count)
    graph[generate]["inputs"]["name"] = _set_name(row.graph, number, count)
    graph[_free(graph, "verify")] = _verify(generate, reject=True)
    name = f"{row.name}.{number + 1}-of-{count}"
    return SweepRow(name, f"row {name}", row.weight / count, graph, graph_digest(graph), after)


def _joining(row: SweepRow, sets: list[str], parts: list[SweepRow]) -> SweepRow:
    generate, _ = _chain(row.graph)
    dropped = _only_for(row.graph, generate)
    graph = {id_: copy.deepcopy(node) for id_, node in row.graph.items() if id_ not in dropped}
    first = _free(row.graph, "first")
    graph[first] = _node("HypoNetLoadDataset", "Load the first shard", name=sets[0], include_marked=True)
    inputs = {"dataset_1": [first, 0], "more_sets": "\n".join(sets[1:]), "name": row.graph[generate]["inputs"]["name"]}
    graph[generate] = _node("HypoNetMergeDatasets", "Merge Shards", **inputs)
    for node in graph.values():
        if any(isinstance(value, list) and value[0] == generate and value[1] != 0 for value in node["inputs"].values()):
            raise ValueError(f"{_title(node)} takes more than the set of Generate Dataset; expected its output dataset")
    if not any(node["class_type"] == "HypoNetVerifyDataset" for node in graph.values()):
        graph[_free(graph, "verify")] = _verify(generate, reject=False)
    key = f"{graph_digest(graph)}-{graph_digest(row.graph)}"  # other pictures are another merge
    return replace(row, graph=graph, key=key, after=tuple(part.name for part in parts))


def _chain(graph: Graph) -> tuple[str, str]:
    """The ids of the one Generate Dataset and of its Dataset Plan, which must make the whole."""
    makers = [id_ for id_, node in graph.items() if node["class_type"] == GENERATE]
    if len(makers) != 1:
        raise ValueError(f"it has {len(makers)} nodes Generate Dataset; expected one")
    link = graph[makers[0]]["inputs"].get("plan")
    plan = graph.get(link[0], {}) if isinstance(link, list) else {}
    if plan.get("class_type") != PLAN:
        raise ValueError(f"its plan comes from {_title(plan)}; expected Dataset Plan, which can make a shard alone")
    if plan["inputs"].get("shard_count", 1) != 1:
        raise ValueError(f"shard_count is {plan['inputs']['shard_count']!r} in its Dataset Plan; expected 1")
    if isinstance(graph[makers[0]]["inputs"].get("name"), list):
        raise ValueError("the name of its set comes from another node; expected a name in Generate Dataset")
    return makers[0], link[0]


def _images(graph: Graph) -> int:
    """Images of a class in the plan; 0 where the row makes no set, or that is not a number."""
    makers = [node for node in graph.values() if node["class_type"] == PLAN]
    images = makers[0]["inputs"].get("images_per_class") if len(makers) == 1 else 0
    return images if isinstance(images, int) else 0


def _behind(graph: Graph, ids: Iterable[str]) -> set[str]:
    """Those nodes and all that they hang on."""
    behind: set[str] = set()
    ahead = list(ids)
    while ahead:
        id_ = ahead.pop()
        if id_ in graph and id_ not in behind:
            behind.add(id_)
            links = graph[id_]["inputs"].values()
            ahead += [str(value[0]) for value in links if isinstance(value, list) and len(value) == 2]
    return behind


def _only_for(graph: Graph, generate: str) -> set[str]:
    """What Generate Dataset alone hangs on: it is not needed where the set is merged."""
    others = [id_ for id_ in graph if id_ not in _behind(graph, [generate])]
    without = {id_: node for id_, node in graph.items() if id_ != generate}
    return _behind(graph, [generate]) - _behind(without, others)


def _set_name(graph: Graph, number: int, count: int) -> str:
    generate, _ = _chain(graph)
    return f"{graph[generate]['inputs']['name']}.{number + 1}-of-{count}"


def _verify(dataset: str, *, reject: bool) -> Graph:
    settings = {"reject": reject, "near_duplicates": False, "attempts": 5, "mend_lines": False}
    return _node("HypoNetVerifyDataset", "Verify", dataset=[dataset, 0], **settings)


def _node(class_type: str, title: str, **inputs: object) -> Graph:
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": title}}


def _free(graph: Graph, id_: str) -> str:
    while id_ in graph:
        id_ += "_"
    return id_


def _title(node: Graph) -> str:
    return str(node.get("_meta", {}).get("title") or node.get("class_type") or "nowhere")

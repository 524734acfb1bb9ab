"""Workflow files in API form, and the overrides that make one file serve many runs: `node.widget=value`."""

from __future__ import annotations

import copy
import difflib
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluation.json_text import parse_json
from evaluation.unicode_names import composed

Graph = dict[str, Any]


def read_workflow(path: Path | str) -> Graph:
    """The API form in `path`; of a file in graph form the one that lies beside it as `api/<name>.json`.

    Raises:
        ValueError: the file is no workflow, or is in graph form without an API form beside it.
    """
    path = Path(path)
    try:
        graph = parse_json(path.read_text("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ValueError(f"workflow {path} cannot be read: {error}") from None
    if isinstance(graph, dict) and "nodes" in graph and "links" in graph:
        twin = path.parent / "api" / path.name
        if not twin.is_file():
            raise ValueError(
                f"workflow {path} is in graph form; expected API form; in the editor choose File > Export (API)"
            )
        return read_workflow(twin)
    if not isinstance(graph, dict) or not graph or not all(_is_node(node) for node in graph.values()):
        raise ValueError(f"workflow {path} is no workflow in API form; expected nodes with class_type and inputs")
    return graph


def _is_node(node: object) -> bool:
    return isinstance(node, dict) and "class_type" in node and isinstance(node.get("inputs"), dict)


def with_overrides(graph: Graph, overrides: Mapping[str, Any]) -> Graph:
    """`graph` with widgets set; keys are `node.widget`, the node by id, by title, or by its type.

    Nodes that stay are shared with `graph`, so that a thousand rows of a workflow take little memory.
    Text is turned into the kind of value that the widget has now: "30" sets a number, "true" a switch.

    Raises:
        ValueError: no such node or widget, several nodes of that title, a linked input, or a value of another kind.
    """
    changed = dict(graph)
    for key, value in overrides.items():
        who, dot, widget = key.rpartition(".")
        if not dot:
            raise ValueError(f"override is {key!r}; expected node.widget=value, the node by title or id")
        id_ = find_node(changed, who)
        node = changed[id_] if changed[id_] is not graph[id_] else copy.deepcopy(graph[id_])
        if widget not in node["inputs"]:
            raise ValueError(f"{who} has no widget {widget!r}; it has: {', '.join(_widgets(node))}")
        now = node["inputs"][widget]
        if isinstance(now, list):
            raise ValueError(f"{key} is linked to node {now[0]}; set a widget of that node instead")
        node["inputs"][widget] = converted(key, value, now)
        changed[id_] = node
    return changed


def find_node(graph: Graph, who: str) -> str:
    """The id of the node with that id or title, or of the only node of that type.

    A title that ends in words in parentheses, as the page exports those of our nodes, is found without them too.
    """
    if who in graph:
        return who
    who = composed(who)
    titles = {id_: composed(str(node.get("_meta", {}).get("title", ""))) for id_, node in graph.items()}
    for matches in (
        [id_ for id_, title in titles.items() if title == who],
        [id_ for id_, title in titles.items() if title.partition(" (")[0] == who],
        [id_ for id_, node in graph.items() if node["class_type"] == who],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise ValueError(f"{len(matches)} nodes are called {who!r}; name one by its id: {', '.join(matches)}")
    near = difflib.get_close_matches(who, [*titles.values(), *graph], n=3)
    hint = f"; nearest: {', '.join(near)}" if near else f"; there are: {', '.join(sorted(set(titles.values())))}"
    raise ValueError(f"no node has the id, title or type {who!r}{hint}")


def converted(key: str, value: Any, now: Any) -> Any:
    """`value` as the kind of JSON value that the widget holds now.

    Raises:
        ValueError: it cannot be one.
    """
    if isinstance(value, (list, dict)) or value is None:
        raise ValueError(f"{key} is {value!r}; expected one value")
    if isinstance(now, str):
        if isinstance(value, bool):  # YAML takes yes, no, on and off for switches
            raise ValueError(f"{key} is {value!r}; expected text; put it in quotes")
        return str(value)
    if isinstance(now, bool):
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        raise ValueError(f"{key} is {value!r}; expected true or false")
    return _number(key, value) if isinstance(now, (int, float)) else value


def _number(key: str, value: Any) -> int | float:
    """A finite number; a whole one as int, as JavaScript writes it: whether the widget takes others is not known."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return int(value) if isinstance(value, str) else _finite(value)
    except ValueError:
        pass
    try:
        return _finite(value)
    except ValueError:
        raise ValueError(f"{key} is {value!r}; expected a number") from None


def _finite(value: Any) -> int | float:
    number = math.nan if isinstance(value, bool) else float(value)
    if not math.isfinite(number):  # JSON has no such numbers
        raise ValueError
    return int(number) if number.is_integer() else number


def parse_setting(text: str) -> tuple[str, str]:
    """("node.widget", "value") of one --set argument."""
    key, sign, value = text.partition("=")
    if not sign or "." not in key:
        raise ValueError(f"--set is {text!r}; expected node.widget=value, such as --set 'Dataset Plan.seed=7'")
    return key.strip(), value


def graph_digest(graph: Graph) -> str:
    """What changes when anything that the server runs changes; titles do not count."""
    bare = {id_: {"class_type": node["class_type"], "inputs": node["inputs"]} for id_, node in graph.items()}
    return hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()[:16]


def _widgets(node: Graph) -> list[str]:
    return [name for name, value in node["inputs"].items() if not isinstance(value, list)]

"""Whether a run did what was asked for. ComfyUI calls a run a success whose nodes did not fail, also where some of them
did not run at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .client import Client, Graph

# Output nodes that always show something once they have run, besides ours: one that shows nothing did not run. Other
# nodes may run and show nothing.
_SHOWING = frozenset({"MaskPreview", "PreviewAny", "PreviewImage", "SaveAnimatedPNG", "SaveAnimatedWEBP", "SaveImage"})


def shortfall(graph: Graph, entry: Mapping[str, Any], client: Client) -> str:
    """What a run that succeeded did not do, one line; empty when it did all: each output node ran, each set is whole.

    Args:
        entry: its history entry.
        client: of the server, which is asked what output nodes are.
    """
    started = _started(entry)
    for id_, node in graph.items():
        shows = node["class_type"].startswith("HypoNet") or node["class_type"] in _SHOWING
        idle = (shows and id_ not in entry["outputs"]) or (started is not None and id_ not in started)
        if idle and client.node_info(node["class_type"]).get("output_node"):
            title = node.get("_meta", {}).get("title") or node["class_type"]
            why = _blocked(graph, id_, entry) or "an input was blocked or refused; the server's log says more"
            return f"{title} (node {id_}) did not run: {why}"
    return lacking(entry)


def lacking(entry: Mapping[str, Any]) -> str:
    """Which set lacks pictures at the end of a run, one line; empty when none does."""
    missing: dict[str, int] = {}  # several nodes may count the same pictures
    for output in entry["outputs"].values():
        for facts in output.get("hyponet") or []:
            if isinstance(facts, dict) and facts.get("missing"):
                name = str(facts.get("name"))
                missing[name] = max(missing.get(name, 0), int(facts["missing"]))
    return "; ".join(
        f"set {name!r} lacks {count:,} of its pictures: run it again, or verify the set"
        for name, count in missing.items()
    )


def fractions(graph: Graph, client: Client) -> str:
    """Which widget for whole numbers holds another, one line; empty when none does. The server would cut it off."""
    for id_, node in graph.items():
        numbers = [name for name, value in node["inputs"].items() if isinstance(value, float) and value % 1]
        if not numbers:
            continue
        inputs = client.node_info(node["class_type"]).get("input") or {}
        kinds = {name: spec for part in ("required", "optional") for name, spec in (inputs.get(part) or {}).items()}
        for name in numbers:
            if name in kinds and kinds[name][0] == "INT":
                title = node.get("_meta", {}).get("title") or f"{node['class_type']} (node {id_})"
                return f"{title}.{name} is {node['inputs'][name]}; expected a whole number"
    return ""


def _blocked(graph: Graph, id_: str, entry: Mapping[str, Any]) -> str:
    """What the nodes say on which `id_` hangs and on which nothing is chosen: that blocks it."""
    behind, said = [id_], list[Any]()
    for node in behind:  # grows
        links = (value[0] for value in graph[node]["inputs"].values() if isinstance(value, list) and len(value) == 2)
        behind += [link for link in dict.fromkeys(links) if link in graph and link not in behind]
        said += entry["outputs"].get(node, {}).get("hyponet") or []
    return "; ".join(str(facts["blocked"]) for facts in said if isinstance(facts, dict) and facts.get("blocked"))


def _started(entry: Mapping[str, Any]) -> set[str] | None:
    """The output nodes that the server set out to run; None where the entry does not say."""
    try:
        return set(map(str, entry["prompt"][4]))
    except (KeyError, TypeError, IndexError):
        return None

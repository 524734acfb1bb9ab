"""A described workflow as JSON: the graph form that the editor opens, the API form that the server runs."""

from __future__ import annotations

import json
import uuid
from typing import Any, NamedTuple

from .graph import Flow, Node
from .layout import Box, arrange

PACK, CORE, CORE_VERSION = "hyponet", "comfy-core", "0.3.75"
WIDE = 116
MUTED = 2  # the editor's mode of a node that it leaves out
VIEW = {"scale": 0.7, "offset": [130, 190]}  # clear of the bars of a page that opens a workflow by it, and of a banner
EDITOR_WIDGETS = {"PreviewAny": {"preview": ""}}  # widgets that the editor itself adds, and sends to the server


class Wires(NamedTuple):
    """The ids of the links into each input and out of each output."""

    into: dict[tuple[int, str], int]
    out_of: dict[tuple[int, int], list[int]]


def graph_form(flow: Flow, version: str) -> dict[str, Any]:
    """The graph form.

    Args:
        version: of this pack, written into its nodes so that a shared file finds the pack.
    """
    boxes, stages = arrange(flow)
    links, wires = wired(flow)
    nodes = [graph_node(flow, node, index, boxes[node.id], wires, version) for index, node in enumerate(flow.nodes)]
    groups = [
        {"id": number, "title": title, "bounding": list(box), "color": colour, "font_size": 24, "flags": {}}
        for number, (title, colour, box) in enumerate(stages, 1)
        if title
    ]
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, flow.name)),
        "revision": 0,
        "last_node_id": len(flow.nodes),
        "last_link_id": len(links),
        "nodes": nodes,
        "links": links,
        "groups": groups,
        "config": {},
        "extra": {"ds": VIEW, "info": {"name": flow.name, "title": flow.title}},
        "version": 0.4,
    }


def wired(flow: Flow) -> tuple[list[list[Any]], Wires]:
    """The links between the nodes: each its id, node and slot where it begins, node and slot where it ends, type."""
    links: list[list[Any]] = []
    wires = Wires({}, {})
    for node in flow.nodes:
        for index, name in enumerate(_shown_inputs(node)):
            if name in node.links:
                slot = node.links[name]
                links.append([len(links) + 1, slot.node, slot.index, node.id, index, slot.type])
                wires.out_of.setdefault((slot.node, slot.index), []).append(len(links))
                wires.into[node.id, name] = len(links)
    return links, wires


def api_form(flow: Flow) -> dict[str, Any]:
    """The API form: what `POST /prompt` takes under `prompt`."""
    graph = {}
    for node in flow.nodes:
        if node.type == "MarkdownNote" or node.is_muted:
            continue
        inputs: dict[str, Any] = {name: value for name, value in node.values.items() if name not in node.links}
        inputs.update(EDITOR_WIDGETS.get(node.type, {}))
        running = {name: slot for name, slot in node.links.items() if not flow.nodes[slot.node - 1].is_muted}
        inputs.update({name: [str(slot.node), slot.index] for name, slot in running.items()})
        graph[str(node.id)] = {"inputs": inputs, "class_type": node.type, "_meta": {"title": flow.title_of(node)}}
    return graph


def _shown_inputs(node: Node) -> list[str]:
    """The names of a node's input slots: its sockets, then the widgets that take their value from a link."""
    sockets = [entry.name for entry in node.inputs if not entry.is_widget]
    return sockets + [entry.name for entry in node.inputs if entry.is_widget and entry.name in node.links]


def graph_node(
    flow: Flow,
    node: Node,
    order: int,
    box: Box,
    wires: Wires,
    version: str,
) -> dict[str, Any]:
    """One node of the graph form."""
    left, top, width, height = box
    form: dict[str, Any] = {"id": node.id, "type": node.type, "pos": [left, top], "size": [width, height]}
    form.update(flags={"collapsed": True} if node.is_collapsed else {}, order=order, mode=MUTED if node.is_muted else 0)
    if node.type == "MarkdownNote":
        form.update(inputs=[], outputs=[], properties={}, widgets_values=[node.text], color="#432", bgcolor="#653")
        return form
    types = {entry.name: entry for entry in node.inputs}
    form["inputs"] = []
    for name in _shown_inputs(node):
        entry: dict[str, Any] = {"name": name, "type": types[name].type, "link": wires.into.get((node.id, name))}
        if types[name].is_widget:
            entry["widget"] = {"name": name}
        elif not types[name].required:
            entry["shape"] = 7
        form["inputs"].append(entry)
    form["outputs"] = [
        {"name": name, "type": type_, "links": wires.out_of.get((node.id, index))}
        for index, (name, type_) in enumerate(node.outputs)
    ]
    if node.title:
        form["title"] = node.title
    ours = node.type.startswith("HypoNet")
    form["properties"] = {
        "cnr_id": PACK if ours else CORE,
        "ver": version if ours else CORE_VERSION,
        "Node name for S&R": node.type,
    }
    if node.models:
        form["properties"]["models"] = node.models
    form["widgets_values"] = _widget_values(node)
    return form


def _widget_values(node: Node) -> list[Any]:
    """The values in the order of the editor's widgets, with the extra ones that the editor adds."""
    values: list[Any] = []
    for entry in node.inputs:
        if entry.is_widget:
            values.append(node.values[entry.name])
            if entry.has_control:
                values.append("fixed")
            if entry.options.get("image_upload"):
                values.append("image")
    return values


def dump(value: Any) -> str:
    """JSON text with one thing a line where it is long and in one line where it is short."""
    return _dump(value, 0) + "\n"


def _dump(value: Any, indent: int) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= WIDE or not isinstance(value, (dict, list)) or not value:
        return flat
    inner = " " * (indent + 1)
    if isinstance(value, dict):
        rows = [f"{json.dumps(key, ensure_ascii=False)}: {_dump(item, indent + 1)}" for key, item in value.items()]
        return "{\n" + ",\n".join(inner + row for row in rows) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(inner + _dump(item, indent + 1) for item in value) + "\n" + " " * indent + "]"

"""What dataset.json says of a set: made for a new one, carried on for one that is there.

Reads and writes nothing; folders.py has the file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from . import folders
from .encode import Encoding
from .names import assign_folders


def new_description(name: str, identity: Mapping[str, Any]) -> dict[str, Any]:
    """Of a set without pictures. `licence` is for its owner to fill in."""
    return {
        "format": folders.FORMAT,
        "version": folders.VERSION,
        "name": name,
        "revision": 0,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "licence": "",
        "classes": [],
        "identity": dict(identity),
    }


def encoding_json(encoding: Encoding) -> dict[str, Any]:
    return {"format": encoding.format, "quality": encoding.quality, "text": encoding.text}


def copies_json(sizes: Iterable[int], filter: str) -> dict[str, Any]:
    return {"sizes": sorted(set(sizes)), "filter": filter}


def with_classes(known: list[dict[str, str]], more: Mapping[str, str]) -> list[dict[str, str]]:
    """`known` entries and those of `more` (label -> WordNet id), each with a folder of its own; known folders stay."""
    folders_of = assign_folders(more, {entry["label"]: entry["folder"] for entry in known})
    synsets = {entry["label"]: entry["synset"] for entry in known}
    synsets |= {label: synset for label, synset in more.items() if synset or label not in synsets}
    return [{"label": label, "folder": folder, "synset": synsets[label]} for label, folder in folders_of.items()]


def graph_texts(provenance: Mapping[str, Any]) -> dict[str, str]:
    """keyword -> text for the pictures: the graph in both forms, as far as it is known."""
    graphs = {name: provenance.get(name) for name in ("prompt", "workflow")}
    return {name: json.dumps(graph) for name, graph in graphs.items() if graph}

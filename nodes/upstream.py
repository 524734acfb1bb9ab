"""What is recorded of the nodes behind a MODEL or an IMAGE, and the part of it that other tools read.

Reads and writes nothing; graph.py fills the records.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file that a node upstream names in a widget."""

    name: str
    kind: str
    sha256: str
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Upstream:
    """Everything upstream of some inputs of one node.

    Args:
        settings: "Class.widget" -> value, a file's value being its hash, a link's "Class output N"; the same for two
            graphs that differ in node ids and layout only, so it can be compared.
        files: the model files named, each once, nearest node first.
    """

    settings: dict[str, Any]
    files: tuple[ModelFile, ...]


def model_parameters(files: Sequence[ModelFile]) -> dict[str, Any]:
    """Name and hash of the model that drew the pictures, by the names that readers of `parameters` know."""
    for file in files:
        if file.kind in ("checkpoints", "diffusion_models"):
            return {"Model hash": file.sha256[:10], "Model": Path(file.name).stem}
    return {}


def sampler_parameters(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the nearest sampling nodes of a native graph were set to, by the same names; links are left out."""
    names = {"steps": "Steps", "sampler_name": "Sampler", "scheduler": "Schedule type", "cfg": "CFG scale"}
    nearest: dict[str, Any] = {}
    for key, value in settings.items():
        name = names.get(key.rpartition(".")[2])
        if name is not None and name not in nearest and not re.search(r" output \d+$", str(value)):
            nearest[name] = value
    return {name: nearest[name] for name in names.values() if name in nearest}

"""What made a set: models, graph, settings and versions, as dataset.json keeps them and cards and pictures show them.

Reads and writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ....evaluation.pictures.generated_mark import is_drawn
from ...upstream import ModelFile, Upstream, model_parameters


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a set: for dataset.json, the data card and the pictures' own text.

    Args:
        models: the model files that stand behind the sampler.
        settings: of the node that sampled, where it was one of ours.
        nodes: "Class.widget" -> value of every node upstream.
        versions: of HypoNet, ComfyUI, torch and Python.
        prompt, workflow: the graph in ComfyUI's API form and in the page's, or None.
        parameters: name -> value for the line that other tools read under the keyword `parameters`.
        merged: of each set that was merged into this one, its name, identity, revision, models and number of pictures.
    """

    models: tuple[ModelFile, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    nodes: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    prompt: Any = None
    workflow: Any = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    merged: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_generated(self) -> bool:
        """Whether a model made the pictures."""
        return is_drawn(self.settings, self.nodes)

    @classmethod
    def of_graph(
        cls,
        upstream: Upstream,
        versions: Mapping[str, str],
        prompt: Any,
        workflow: Any,
        parameters: Mapping[str, Any],
        settings: Mapping[str, Any] | None = None,
    ) -> Provenance:
        """What stands behind the running node; `parameters` get the model's name and hash."""
        return cls(
            models=upstream.files,
            settings=settings or {},
            nodes=upstream.settings,
            versions=versions,
            prompt=prompt,
            workflow=workflow,
            parameters={**parameters, **model_parameters(upstream.files)},
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Provenance:
        """As `to_json` gives it; checked already."""
        maps = {name: content.get(name) or {} for name in ("settings", "nodes", "versions", "parameters")}
        return cls(
            **maps,
            models=model_files(content.get("models")),
            prompt=content.get("prompt"),
            workflow=content.get("workflow"),
            merged=tuple(content.get("merged") or []),
        )

    def to_json(self) -> dict[str, Any]:
        """As dataset.json holds it."""
        return {
            **{name: getattr(self, name) for name in ("settings", "nodes", "versions", "prompt", "workflow")},
            "models": [asdict(file) for file in self.models],
            "parameters": self.parameters,
            "merged": self.merged,
        }

    def graph_texts(self) -> dict[str, str]:
        """keyword -> text for the pictures: the graph in both forms, as far as it is known."""
        graphs = {"prompt": self.prompt, "workflow": self.workflow}
        return {keyword: json.dumps(graph) for keyword, graph in graphs.items() if graph}


def model_files(content: Any) -> tuple[ModelFile, ...]:
    """As dataset.json lists them; what is none is left out."""
    return tuple(
        ModelFile(
            str(file.get("name", "")), str(file.get("kind", "")), str(file.get("sha256", "")), file.get("size", 0)
        )
        for file in content or []
        if isinstance(file, Mapping)
    )

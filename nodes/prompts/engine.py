"""The prompts room under ComfyUI: where wildcard folders lie, what the nodes read and write there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import folder_paths
import torch

from .. import paths
from ..hyponet.classifier import Classifier
from ..hyponet.hyponyms import Hyponyms
from .plan import ClassSpec, Item, Plan
from .wildcards import Library

_NEIGHBOURS = {
    "comfyui-impact-pack": ("wildcards", "custom_wildcards"),
    "comfyui-easy-use": ("wildcards",),
}


@dataclass(frozen=True, slots=True)
class Saved:
    """A wildcard file that was written."""

    wildcard: str
    path: Path
    count: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What Plan Preview shows."""

    report: str
    chart: torch.Tensor
    warnings: int


def roots() -> list[Path]:
    """The wildcard folders in the order of search: the user's, extra_model_paths.yaml's, other packs', ours."""
    found = [paths.user_wildcards_dir(), *paths.model_folders("wildcards")]
    for folder in folder_paths.get_folder_paths("custom_nodes"):
        for pack in sorted(Path(folder).iterdir()) if Path(folder).is_dir() else []:
            found += [pack / name for name in _NEIGHBOURS.get(pack.name.lower(), ())]
    found.append(paths.PACK / "wildcards")
    return [root for root in dict.fromkeys(found) if root.is_dir()]


def library() -> Library:
    return Library(roots())


def wildcard_names() -> list[str]:
    return library().names()


def fingerprint(templates: Sequence[str | None]) -> str:
    return ""


def fingerprint_pictures(folder: str | None) -> str:
    return ""


def single_plan(template: str, coverage: str, seed: int) -> Plan:
    return Plan((ClassSpec("prompt"),), template, library(), seed=seed, coverage=coverage)


def picks_json(item: Item) -> str:
    return json.dumps([asdict(pick) for pick in item.picks], ensure_ascii=False)


def save_wildcard(hyponyms: Hyponyms | None, words: str, name: str, overwrite: bool) -> Saved:
    raise NotImplementedError


def load_wildcard(name: str) -> Hyponyms:
    return Hyponyms(name.rsplit("/", 1)[-1], "", "", "", (), library().lines(name), "")


def hyponyms_for_class(hyponyms: Hyponyms | None, wildcard: str) -> Hyponyms | None:
    return hyponyms if hyponyms or not wildcard else load_wildcard(wildcard)


def classes_from_pictures(
    classifier: Classifier,
    folder: str,
    *,
    mode: str,
    climb_to_name: bool,
    at_least: int,
    depth: int,
    max_count: int,
    seed: int,
) -> tuple[tuple[ClassSpec, ...], str]:
    raise NotImplementedError


def preview(plan: Plan, *, samples: int, cfg: float, width: int, height: int) -> Preview:
    raise NotImplementedError

"""What the checks need of ComfyUI: the models that judge labels, their folders, and the loaded WordNet."""

from __future__ import annotations

from pathlib import Path

import comfy.model_management

from ....evaluation.json_text import parse_json
from ... import paths
from ...hyponyms.classifier import Classifier
from ...hyponyms.taxonomy import taxonomy
from ..store.store import DatasetStore
from .labels import ClassifierJudge, ClipJudge, Judge

NO_CLIP = "none"


def clip_folders() -> list[str]:
    """Folders below models/classifiers that hold a CLIP of transformers, and `none` first."""
    names = []
    for base in paths.model_folders("classifiers"):
        if base.is_dir():
            names += [entry.name for entry in sorted(base.iterdir()) if _is_clip(entry)]
    return [NO_CLIP, *dict.fromkeys(names)]


def clip_folder(name: str) -> Path:
    """The folder of the CLIP called `name`."""
    return paths.confine_any(paths.model_folders("classifiers"), name, what="clip_name")


def is_under(synset: str, ancestor: str) -> bool:
    """Whether a synset id lies under another, or is it; unknown ids lie under nothing."""
    try:
        return synset == ancestor or bool(taxonomy().is_under(synset, ancestor))
    except (KeyError, ValueError):
        return False


def _is_clip(folder: Path) -> bool:
    try:
        config = parse_json((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("model_type") == "clip"


def judge(store: DatasetStore, classifier: Classifier | None, clip: str, caption: str) -> Judge:
    """The judge that the node's inputs ask for.

    Raises:
        ValueError: both or neither of classifier and CLIP are given.
    """
    if (classifier is None) == (clip == NO_CLIP):
        both = "both are" if classifier is not None else "neither is"
        raise ValueError(
            f"classifier and clip_name: {both} given; expected one of them; connect a classifier or choose a CLIP"
        )
    if classifier is not None:
        return ClassifierJudge(classifier, store.description.synsets, is_under)
    return ClipJudge(clip_folder(clip), store.labels, caption, comfy.model_management.get_torch_device())

"""What culling needs of ComfyUI: the models that judge labels, their folders, the loaded WordNet, the page's list."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import comfy.model_management
import folder_paths

from ....evaluation.files import replacing
from ....evaluation.json_text import parse_json
from ... import paths
from ...hyponyms.classifier import Classifier
from ...hyponyms.taxonomy import taxonomy
from ...missing_names import naming_what_exists
from ..store.store import DatasetStore
from .labels import ClassifierJudge, ClipJudge, Judge
from .listing import listing

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
    with naming_what_exists(name, clip_folders):
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


def write_listing(store: DatasetStore) -> dict[str, str]:
    """The list of the set's pictures, written for the page into ComfyUI's temp/, as the page names files."""
    sets = paths.datasets_dir()
    subfolder = Path(sets.name) / store.root.resolve().relative_to(sets.resolve())
    text = json.dumps(listing(store, subfolder.as_posix())).encode()  # ASCII: half a surrogate pair is an escape
    name = f"hyponet-pictures-{hashlib.blake2b(text, digest_size=8).hexdigest()}.json"
    with replacing(Path(folder_paths.get_temp_directory()) / name) as part:
        part.write_bytes(text)
    return {"filename": name, "subfolder": "", "type": "temp"}

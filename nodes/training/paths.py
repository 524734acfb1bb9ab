"""Where the files of training lie: checkpoints that were trained, and first weights, by the names that widgets give.

Reads: output/hyponet/classifiers, models/classifiers. Writes: a download of first weights that was asked for.
"""

from __future__ import annotations

from pathlib import Path

import torch

from ...evaluation.training.checkpoint import Checkpoint, is_checkpoint, load_checkpoint
from ...evaluation.training.train import weights_key
from .. import paths
from ..missing_names import naming_what_exists

NOTHING_TRAINED = "(nothing trained yet)"


def classifiers_dir() -> Path:
    """Where checkpoints are written: output/hyponet/classifiers."""
    return paths.hyponet_dir() / "classifiers"


def checked_run_name(name: str) -> str:
    """The name of a run, checked to be a relative path of plain parts."""
    stated = name.strip()
    paths.confine(classifiers_dir(), stated, what="name")
    return stated


def weight_files() -> list[str]:
    """Files in models/classifiers that may be torchvision's ResNet weights."""
    return sorted(
        {
            file.relative_to(folder).as_posix()
            for folder in paths.model_folders("classifiers")
            for file in folder.glob("*resnet*")
            if file.suffix in (".safetensors", ".pth", ".pt")
        }
    )


def start_weights(start: str, architecture: str, scratch: str, fetch: str) -> Path | None:
    """The file of first weights that a choice of `start` means; None from scratch."""
    if start == scratch:
        return None
    folders = paths.model_folders("classifiers")
    if start != fetch:
        with naming_what_exists(start, lambda: [scratch, fetch, *weight_files()]):
            return paths.confine_any(folders, start, what="start")
    from torchvision.models import get_model_weights

    url = get_model_weights(architecture)["IMAGENET1K_V1"].url
    target = folders[0] / Path(url).name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(target), hash_prefix=target.stem.split("-")[-1])
        except (OSError, RuntimeError) as error:
            raise ValueError(f"{url} could not be fetched ({error}); put the file into {folders[0]}") from None
    return target


def weights_of(key: str) -> Path | None:
    """The file in models/classifiers of that weights_key; None for the empty key, of a training from scratch.

    Raises:
        ValueError: no file has it.
    """
    if not key:
        return None
    for folder in paths.model_folders("classifiers"):
        for name in weight_files():
            if (folder / name).is_file() and weights_key(folder / name) == key:
                return folder / name
    raise ValueError(
        "the first weights that the classifier started from are not in models/classifiers; expected their file; put it "
        "back, or train from scratch"
    )


def checkpoint_files() -> list[str]:
    """Checkpoints below output/hyponet/classifiers, newest first, then those of ours in models/classifiers, by name."""
    root = classifiers_dir()
    files = sorted(root.rglob("*.safetensors"), key=lambda file: -file.stat().st_mtime) if root.is_dir() else []
    others = {
        file.relative_to(folder).as_posix()
        for folder in paths.model_folders("classifiers")
        for file in folder.rglob("*.safetensors")
        if is_checkpoint(file)
    }
    return list(dict.fromkeys([*(file.relative_to(root).as_posix() for file in files), *sorted(others)]))


def open_checkpoint(name: str) -> Checkpoint:
    """The checkpoint of that name below output/hyponet/classifiers or models/classifiers."""
    if name == NOTHING_TRAINED:
        raise ValueError("no classifier is chosen; expected one that Train Classifier saved; run it first")
    with naming_what_exists(name, checkpoint_files, "HypoNetTrainClassifier"):
        path = paths.confine_any([classifiers_dir(), *paths.model_folders("classifiers")], name)
    return load_checkpoint(path)


def checkpoint_fingerprint(name: str | None) -> str | float:
    """What changes when that checkpoint does; NaN, which never equals itself, when the name comes through a link."""
    if not isinstance(name, str):
        return float("nan")
    try:
        path = open_checkpoint(name).path
        return f"{path.stat().st_size} {path.stat().st_mtime_ns}"
    except (OSError, ValueError):
        return ""

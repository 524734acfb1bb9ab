"""Classifiers under ComfyUI: where their files lie, and their place in its memory management.

Reads the folders listed as `classifiers`; writes only the Hugging Face hub's cache, when a download is picked.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import comfy.model_management
import comfy.model_patcher
import torch

from .. import paths
from ..missing_names import naming_what_exists
from . import checkpoints, model_files
from .classifier import Classifier


def folders() -> list[Path]:
    """Where classifiers are looked for: the folders of models/classifiers, then what Train Classifier saved."""
    return [*paths.model_folders("classifiers"), paths.hyponet_dir() / "classifiers"]


def classifier_names() -> list[str]:
    """What the list of Load Classifier offers: local files and folders, ResNet-50 first, then the downloads."""
    return [*model_files.list_names(folders()), *checkpoints.DOWNLOADS]


def default_name(names: list[str]) -> str:
    """A local ResNet-50 if there is one, else another local model, else the download of ResNet-50."""
    return names[0]


def fingerprint(name: str | None) -> str | float:
    """What changes when the model named `name` changes on disk; "" when that cannot be told.

    NaN, which never equals itself, when the name comes through a link.
    """
    if not isinstance(name, str):
        return float("nan")
    if name in checkpoints.DOWNLOADS:
        return ""
    try:
        return model_files.fingerprint(paths.confine_any(folders(), name, what="model"))
    except (OSError, ValueError):
        return ""


def load_classifier(name: str) -> Classifier:
    """The classifier named `name` in the list; ComfyUI moves it to the GPU when it is used.

    Raises:
        FileNotFoundError: there is no such file; the message lists the folders searched.
        ValueError: the file is truncated, foreign, or of an unknown kind.
    """
    if name in checkpoints.DOWNLOADS:
        return managed(checkpoints.download(name))
    try:
        with naming_what_exists(name, classifier_names):
            path = paths.confine_any(folders(), name, what="model")
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}; {model_files.WHERE_FROM}") from None
    return managed(checkpoints.load(path, name))


def managed(classifier: Classifier) -> Classifier:
    """`classifier` with its module under ComfyUI's memory management, so that it shares a GPU with other models."""
    patcher = comfy.model_patcher.ModelPatcher(
        classifier.module,
        load_device=comfy.model_management.get_torch_device(),
        offload_device=comfy.model_management.unet_offload_device(),
    )

    def to_device() -> torch.device:
        # whole or not at all: a partial load leaves the loose parameters of transformers on the CPU
        comfy.model_management.load_models_gpu([patcher], force_full_load=True)
        return patcher.load_device

    return dataclasses.replace(classifier, to_device=to_device)

"""Classifiers under ComfyUI: where their files lie, and their place in its memory management.

Reads the folders listed as `classifiers`; writes only the Hugging Face hub's cache, when a download is picked.
"""

from __future__ import annotations

import dataclasses
import logging

import comfy.model_management
import comfy.model_patcher
import torch

from .. import paths
from . import checkpoints
from .classifier import Classifier

log = logging.getLogger("hyponet")


def classifier_names() -> list[str]:
    """What the list of Load Classifier offers: local files and folders, ResNet-50 first, then the downloads."""
    return [*checkpoints.list_names(paths.model_folders("classifiers")), *checkpoints.DOWNLOADS]


def default_name(names: list[str]) -> str:
    """A local ResNet-50 if there is one, else the first local model, else the download of ResNet-50."""
    return next((name for name in names if "resnet50" in name and name not in checkpoints.DOWNLOADS), names[0])


def fingerprint(name: str | None) -> str:
    """What changes when the model named `name` changes on disk; "" when that cannot be told."""
    if not name or name in checkpoints.DOWNLOADS:
        return ""
    try:
        path = paths.confine_any(paths.model_folders("classifiers"), name, what="model")
        return checkpoints.stamp(path)
    except (OSError, ValueError):
        return ""


def load_classifier(name: str) -> Classifier:
    """The classifier named `name` in the list, moved to the GPU by ComfyUI when it is used.

    Raises:
        FileNotFoundError: there is no such file; the message lists the folders searched.
        ValueError: the file is truncated, foreign, or of an unknown kind.
    """
    if name in checkpoints.DOWNLOADS:
        classifier = checkpoints.download(name)
    else:
        folders = paths.model_folders("classifiers")
        try:
            path = paths.confine_any(folders, name, what="model")
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{error}; {checkpoints.WHERE_FROM}") from None
        classifier = checkpoints.load(path, name)
    return managed(classifier)


def managed(classifier: Classifier) -> Classifier:
    """`classifier` with its module under ComfyUI's memory management, so that it shares a GPU with other models."""
    patcher = comfy.model_patcher.ModelPatcher(
        classifier.module,
        load_device=comfy.model_management.get_torch_device(),
        offload_device=comfy.model_management.unet_offload_device(),
    )

    def place() -> torch.device:
        comfy.model_management.load_models_gpu([patcher])
        return patcher.load_device

    return dataclasses.replace(classifier, place=place)

"""Where the LoRA room reads and writes.

Reads output/hyponet/lora, output/hyponet/exports, input/ and models/captioners; writes output/hyponet/lora,
output/hyponet/lora_training, models/loras and the results.
"""

from __future__ import annotations

from pathlib import Path

from .. import paths
from .blip import hub_snapshot


def captions_dir(name: str) -> Path:
    """Where Caption Images writes the folder `name`: below output/hyponet/lora.

    Raises:
        ValueError: `name` is no plain relative path.
    """
    return paths.confine(_captions_base(), name)


def training_folder(folder: str) -> Path:
    """The folder of captioned pictures called `folder`, below output/hyponet/lora, output/hyponet/exports or input/.

    Raises:
        ValueError: `folder` is no plain relative path, or a file.
        FileNotFoundError: there is none; the message lists the folders searched.
    """
    path = paths.confine_any(
        [_captions_base(), paths.hyponet_dir() / "exports", paths.input_dir()], folder, what="folder"
    )
    if not path.is_dir():
        raise ValueError(f"folder is {repr(folder)[:80]}, which is a file; expected a folder of pictures")
    return path


def lora_path(name: str) -> Path:
    """The file of the LoRA called `name`, in the first folder that ComfyUI searches for LoRAs.

    Raises:
        ValueError: `name` is no plain relative path, for the file or for its results.
    """
    paths.confine(paths.results_dir(), name)  # the results' folder, before anything is trained
    return paths.confine(paths.model_folders("loras")[0], f"{name}.safetensors")


def unfinished_dir(name: str) -> Path:
    """Where an unfinished training of the LoRA `name` keeps its state: below output/hyponet/lora_training.

    Raises:
        ValueError: `name` is no plain relative path.
    """
    return paths.confine(paths.hyponet_dir() / "lora_training", name)


def blip_folder(name: str) -> Path:
    """The folder of a BLIP model, below models/captioners or in the Hugging Face cache.

    Raises:
        ValueError: `name` is no name of that form, or a file.
        FileNotFoundError: it is in none of the folders; the message lists them.
    """
    bases = paths.model_folders("captioners")
    try:
        path = paths.confine_any(bases, name, what="blip_model")
    except FileNotFoundError:
        return hub_snapshot(name, bases)
    if not path.is_dir():
        raise ValueError(f"blip_model is {repr(name)[:80]}, which is a file; expected the folder of a BLIP model")
    return path


def _captions_base() -> Path:
    return paths.hyponet_dir() / "lora"

"""Model files: which ones a list offers, what tells that one changed, and their tensors.

Reads safetensors, torch files (weights only) and the config.json of Hugging Face folders; writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from ...evaluation.disk_errors import UnreadableFile
from ...evaluation.json_text import parse_json
from ...evaluation.torch_files import load_torch

WHERE_FROM = (
    "expected a torchvision ResNet as .safetensors or .pth, a timm model, a Hugging Face folder, or what Train "
    "Classifier saved, in models/classifiers; ResNet-50 is model.safetensors of "
    "https://huggingface.co/timm/resnet50.tv_in1k"
)
EXTENSIONS = (".safetensors", ".pth", ".pt", ".bin")
# under which key a checkpoint of timm, of a training loop or of Lightning holds the weights
WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")


def list_names(folders: Sequence[Path]) -> list[str]:
    """Relative names of the model files and model folders below `folders`, ResNet-50 first, each name once."""
    names = {name for folder in folders if folder.is_dir() for name in _names(folder)}
    return sorted(names, key=lambda name: ("resnet50" not in name.lower(), name.lower(), name))


def fingerprint(path: Path) -> str:
    """Size and time of a file, or of each file of a folder: another value when the model changed."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    return ";".join(f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files)


def folder_config(folder: Path) -> dict[str, Any]:
    """config.json of a model folder; empty where there is none or it cannot be read."""
    try:
        config = parse_json((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def is_timm_folder(config: dict[str, Any]) -> bool:
    """Whether a folder's config is one that timm wrote."""
    return isinstance(config.get("architecture"), str)


def is_transformers_folder(config: dict[str, Any]) -> bool:
    """Whether a folder's config is an image classifier of transformers."""
    names = config.get("architectures")
    return isinstance(names, list) and any(str(name).endswith("ForImageClassification") for name in names)


def read_metadata(path: Path) -> dict[str, str]:
    """A safetensors file's metadata; empty for other files.

    Raises:
        ValueError: the file is truncated or no safetensors file.
    """
    if path.suffix != ".safetensors":
        return {}
    import safetensors

    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(_unreadable(path, error)) from None


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file by name, without the wrappings and prefixes that training scripts add.

    Raises:
        ValueError: the file is truncated, holds anything but plain tensors, or holds none.
    """
    try:
        if path.suffix == ".safetensors":
            import safetensors.torch

            content: Any = safetensors.torch.load_file(path)
        else:
            content = load_torch(path)
    except (MemoryError, UnreadableFile):
        raise
    except Exception as error:  # torch raises a dozen classes for damaged files, some of them private
        raise ValueError(_unreadable(path, error)) from error
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
            break
    tensors = {str(name): value for name, value in content.items()} if isinstance(content, dict) else {}
    tensors = {name.removeprefix("module."): value for name, value in tensors.items() if torch.is_tensor(value)}
    if not tensors:
        raise ValueError(f"model file {path} holds no tensors; expected a classifier's weights; save its state_dict")
    return tensors


def _unreadable(path: Path, error: Exception) -> str:
    first = (str(error).splitlines() or [type(error).__name__])[0][:200]
    size = path.stat().st_size if path.exists() else 0
    return (
        f"model file {path} ({size} bytes) cannot be read: {first}; expected a whole .safetensors or .pth file of "
        f"plain tensors; download it again; {WHERE_FROM}"
    )


def _names(folder: Path) -> Iterator[str]:
    """The model files and model folders below a folder, by their relative names."""
    real = Path(os.path.realpath(folder))
    for base, folders, files in os.walk(folder):  # links to folders are not followed: confine() refuses them
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        current = Path(base)
        relative = current.relative_to(folder).as_posix()
        if "config.json" in files and current != folder:
            folders.clear()
            config = folder_config(current)
            if is_timm_folder(config) or is_transformers_folder(config):
                yield relative
            continue
        for name in files:
            inside = Path(os.path.realpath(current / name)).is_relative_to(real)
            if name.endswith(EXTENSIONS) and not name.startswith(".") and inside:
                yield name if relative == "." else f"{relative}/{name}"

"""Files to classifiers: torchvision ResNets, timm models, Hugging Face folders, our own checkpoints."""

from __future__ import annotations

from pathlib import Path

from .classifier import Classifier

DOWNLOADS = ("resnet50.tv_in1k (download 98 MB)",)
EXTENSIONS = {".safetensors", ".pth", ".pt", ".bin"}
WHERE_FROM = ""


def list_names(folders: list[Path]) -> list[str]:
    """Relative names of the model files and Hugging Face folders below `folders`."""
    return sorted(
        {
            file.relative_to(folder).as_posix()
            for folder in folders
            for file in folder.rglob("*")
            if file.suffix in EXTENSIONS
        }
    )


def stamp(path: Path) -> str:
    """Size and time of the file, or of each file in the folder."""
    return f"{path.stat().st_size} {path.stat().st_mtime_ns}"


def load(path: Path, name: str) -> Classifier:
    raise NotImplementedError


def download(name: str) -> Classifier:
    raise NotImplementedError

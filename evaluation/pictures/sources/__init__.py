"""Where labelled pictures come from: one module a kind of data set, each returning LabelledImages."""

from __future__ import annotations

from pathlib import Path

from ..labelled_images import LabelledImages
from .cifar10 import read_cifar10
from .folders import read_folder
from .imagenet import read_imagenet
from .ours import is_ours, read_ours
from .parquet import read_parquet
from .stl10 import read_stl10
from .webdataset import read_webdataset

SOURCES = ("image folder", "HypoNet set", "CIFAR-10", "STL-10", "ImageNet validation", "Parquet", "WebDataset")
SPLITS = ("all", "train", "validation", "test")


def read_source(source: str, path: Path, split: str = "all", cache: Path | None = None) -> LabelledImages:
    """The labelled pictures at `path`.

    Args:
        source: one of SOURCES.
        path: a folder or a file.
        split: one of SPLITS; sets that are not divided know only `all`.
        cache: folder for small copies.

    Raises:
        ValueError: what lies there is missing, truncated or foreign; the message says what was expected.
    """
    if source not in SOURCES:
        raise ValueError(f"source is {source!r}; expected one of: {', '.join(SOURCES)}")
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; expected one of: {', '.join(SPLITS)}")
    if source == "CIFAR-10":
        return read_cifar10(path, split, cache)
    if source == "STL-10":
        return read_stl10(path, split, cache)
    if source == "Parquet":
        return read_parquet(path, split, cache)
    if source == "WebDataset":
        return read_webdataset(path, split, cache)
    if source == "image folder":
        return _folder(path, split, cache)
    if split not in ("all", "validation") or (split == "validation" and source == "HypoNet set"):
        raise ValueError(f"split is {split!r}; {source} is not divided: choose all")
    return read_imagenet(path, cache) if source == "ImageNet validation" else read_ours(path, cache=cache)


def _folder(path: Path, split: str, cache: Path | None) -> LabelledImages:
    if split == "all":
        return read_ours(path, cache=cache) if is_ours(path) else read_folder(path, cache=cache)
    return read_folder(path, split=split, cache=cache)

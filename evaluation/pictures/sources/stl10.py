"""STL-10's binary files: train_X.bin, train_y.bin, test_X.bin, test_y.bin, in a folder or in stl10_binary.tar.gz.

Ten classes, 5,000 training and 8,000 test pictures of 96x96. In a folder the pictures are mapped, not loaded.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..labelled_images import LabelledImages, labelled, merged
from .archive import Files, open_files
from .arrays import PlanarPictures

CLASSES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
COUNTS = {"train": 5000, "test": 8000}  # labelled pictures, as published
VALUES = 3 * 96 * 96  # bytes of a picture
ADVICE = "get STL-10's binary files from https://cs.stanford.edu/~acoates/stl10/"


def read_stl10(path: Path, split: str, cache: Path | None = None) -> LabelledImages:
    """STL-10's `train`, `test` or `all` labelled pictures.

    Raises:
        ValueError: a file is missing, truncated or foreign; the message names it and says where to get the set.
    """
    if split == "all":
        return merged([read_stl10(path, part, cache) for part in COUNTS], "STL-10 train and test")
    if split not in COUNTS:
        raise ValueError(f"split is {split!r}; STL-10 has train, test, or all of it; choose one")
    count = COUNTS[split]
    with open_files(path) as files:
        planes = _planes(files, f"{split}_X.bin", count)
        stored = files.read(f"{split}_y.bin", ADVICE, count)
    labels = np.frombuffer(stored, dtype=np.uint8).astype(np.int64) - 1  # the file counts from 1
    if len(labels) != count or labels.min() < 0 or labels.max() > 9:
        raise ValueError(f"{split}_y.bin does not hold {count:,} labels from 1 to 10; expected STL-10's; {ADVICE}")
    title = f"STL-10 {split}"
    return labelled(title, CLASSES, labels, PlanarPictures(planes, title, column_major=True), cache=cache)


def _planes(files: Files, name: str, count: int) -> np.ndarray:
    path = files.path(name)
    size = path.stat().st_size if path is not None else len(stored := files.read(name, ADVICE, count * VALUES))
    if size != count * VALUES:
        raise ValueError(
            f"{name} has {size:,} bytes; expected {count * VALUES:,} ({count:,} pictures of 27,648 bytes); it is "
            f"truncated or foreign: {ADVICE}"
        )
    shape = (count, 3, 96, 96)
    if path is not None:
        return np.memmap(path, dtype=np.uint8, mode="r", shape=shape)
    return np.frombuffer(stored, dtype=np.uint8).reshape(shape)

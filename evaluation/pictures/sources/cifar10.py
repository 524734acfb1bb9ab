"""CIFAR-10, as its authors publish it: the binary or the python version, as an archive or unpacked.

Reads: cifar-10-binary.tar.gz, cifar-10-python.tar.gz, or a folder with data_batch_1.bin ... test_batch.bin, or with
data_batch_1 ... test_batch, at any depth. Ten classes, 50,000 training and 10,000 test pictures of 32x32.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..labelled_images import LabelledImages, labelled
from .archive import Files, open_files
from .arrays import PlanarPictures
from .plain_objects import read_plain

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
WHERE = "https://www.cs.toronto.edu/~kriz/cifar.html"
BATCH = 10_000  # pictures in each of the published files
VALUES = 3 * 32 * 32  # bytes of a picture
MAX_BYTES = 2 * BATCH * VALUES  # of one file: the pictures, and in the python version their names and labels
BATCHES = {"train": tuple(f"data_batch_{i}" for i in range(1, 6)), "test": ("test_batch",)}
BATCHES["all"] = BATCHES["train"] + BATCHES["test"]


def read_cifar10(path: Path, split: str, cache: Path | None = None) -> LabelledImages:
    """CIFAR-10's `train`, `test` or `all` pictures.

    Raises:
        ValueError: a file is missing, truncated or foreign; the message names it and says where to get the set.
    """
    if split not in BATCHES:
        raise ValueError(f"split is {split!r}; CIFAR-10 has train, test, or all of it; choose one")
    with open_files(path) as files:
        binary = f"{BATCHES[split][0]}.bin" in files
        parts = [_binary(files, name) if binary else _python(files, name) for name in BATCHES[split]]
    planes = np.concatenate([planes for planes, _ in parts])
    labels = np.concatenate([labels for _, labels in parts])
    title = f"CIFAR-10 {'train and test' if split == 'all' else split}"
    return labelled(title, CLASSES, labels, PlanarPictures(planes, title), cache=cache)


def _binary(files: Files, name: str) -> tuple[np.ndarray, np.ndarray]:
    name = f"{name}.bin"
    stored = files.read(name, f"get CIFAR-10, the binary version, from {WHERE}", MAX_BYTES)
    if len(stored) != BATCH * (VALUES + 1):
        raise ValueError(
            f"{name} has {len(stored):,} bytes; expected {BATCH * (VALUES + 1):,} (10,000 pictures of 3,073 bytes); it "
            f"is truncated or foreign: get CIFAR-10, the binary version, from {WHERE}"
        )
    records = np.frombuffer(stored, dtype=np.uint8).reshape(BATCH, VALUES + 1)
    return records[:, 1:].reshape(BATCH, 3, 32, 32), _labels(records[:, 0], name)


def _python(files: Files, name: str) -> tuple[np.ndarray, np.ndarray]:
    advice = f"get CIFAR-10, the python version, from {WHERE}"
    contents = read_plain(bytes(files.read(name, f"{advice}, or its binary version", MAX_BYTES)), name)
    planes = contents.get("data") if isinstance(contents, dict) else None
    labels = contents.get("labels") if isinstance(contents, dict) else None
    if not isinstance(planes, np.ndarray) or planes.shape != (BATCH, VALUES):
        raise ValueError(f"{name} holds no 10,000 x 3,072 array called data; expected CIFAR-10's; {advice}")
    if not isinstance(labels, list) or len(labels) != BATCH:
        raise ValueError(f"{name} holds no list of 10,000 labels; expected CIFAR-10's (CIFAR-100 has others); {advice}")
    return planes.reshape(BATCH, 3, 32, 32), _labels(labels, name)


def _labels(stored: Sequence[int] | np.ndarray, name: str) -> np.ndarray:
    labels = np.asarray(stored, dtype=np.int64)
    if labels.min() < 0 or labels.max() > 9:
        raise ValueError(f"{name} has the label {labels.max()}; expected 0 to 9; it is damaged: get it from {WHERE}")
    return labels

"""Random Inception networks and small sets of photo crops, made once a session, for the tests."""

from __future__ import annotations

import atexit
import shutil
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import torch
from skimage import data

from hyponet.evaluation.metrics.conventions import Preparation
from hyponet.evaluation.metrics.features import ImageFeatures
from hyponet.evaluation.metrics.inception import Inception, load_inception
from hyponet.evaluation.metrics.inception_weights import FID_NETWORK, NETWORKS, TORCHVISION_NETWORK
from hyponet.evaluation.pictures.labelled_images import LabelledImages, labelled
from hyponet.evaluation.pictures.memory import ArrayPictures
from hyponet.tools.stand_ins.inception import write_random_weights


@lru_cache(maxsize=1)
def weights() -> dict[str, Path]:
    """Network -> its file of random weights (200 MB, gone when the process ends)."""
    folder = Path(mkdtemp(prefix="hyponet-inception-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    fid, torchvision = write_random_weights(folder)
    return {FID_NETWORK: fid, TORCHVISION_NETWORK: torchvision}


@lru_cache(maxsize=2)
def network(name: str = FID_NETWORK) -> Inception:
    return load_inception(weights()[name], name)


def crops(count: int, side: int = 64, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """uint8 [count,side,side,3]: random crops of four photographs, with Gaussian noise."""
    draw = np.random.default_rng(seed)
    photos = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    found = []
    for i in range(count):
        photo = photos[i % 4]
        top, left = draw.integers(photo.shape[0] - side), draw.integers(photo.shape[1] - side)
        crop = photo[top : top + side, left : left + side] + draw.normal(size=(side, side, 3)) * noise
        found.append(crop.clip(0, 255).astype(np.uint8))
    return np.stack(found)


def as_set(pictures: np.ndarray, name: str = "crops", classes: tuple[str, ...] = ("cat", "ship")) -> LabelledImages:
    """Pictures as a set whose classes take turns."""
    return labelled(name, classes, np.arange(len(pictures)) % len(classes), ArrayPictures(pictures))


def made_up(
    features: np.ndarray | torch.Tensor, name: str = "made up", classes: int = 1, **changes: object
) -> ImageFeatures:
    """Features without a network behind them; classes take turns."""
    values = np.asarray(features, dtype=np.float32)
    fields: dict = {
        "name": name,
        "class_names": tuple(f"class {i}" for i in range(classes)),
        "labels": np.arange(len(values)) % classes,
        "features": values,
        "logits": values,
        "network": NETWORKS[FID_NETWORK].key,
        "weights": "none",
        "preparation": Preparation(),
        "content_key": name,
    }
    return ImageFeatures(**{**fields, **changes})

"""Features of a set as a file, so that the same network never sees the same pictures twice.

Writes and reads: <key>.safetensors with `features` and `logits`; a damaged one is made again.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from ..bounded import MAX_HEADER
from ..files import read_file, replacing
from ..pictures.labelled_images import LabelledImages
from .conventions import Preparation
from .networks import FeatureNetwork

logger = logging.getLogger("hyponet")

CACHE_VERSION = 1  # of the files of features; another number makes all of them again


def cache_key(images: LabelledImages, network: FeatureNetwork, preparation: Preparation) -> str:
    """The name of the file: of the pictures' bytes, the network's weights and the preparation."""
    parts = [str(CACHE_VERSION), images.pictures_key, network.key, network.digest, repr(preparation)]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=20).hexdigest()


def read_cached(path: Path, count: int, network: FeatureNetwork) -> tuple[Tensor, Tensor] | None:
    """Features and logits of `count` pictures; None where there is no such file, or a damaged one."""
    try:
        if path.stat().st_size > MAX_HEADER + 4 * count * (network.width + network.classes):
            raise ValueError("it is larger than such features are")
        tensors = safetensors.torch.load(read_file(path))
        features, logits = tensors["features"], tensors["logits"]
        is_finite = bool(torch.isfinite(features).all() and torch.isfinite(logits).all())
        if is_finite and features.shape == (count, network.width) and logits.shape == (count, network.classes):
            return features, logits
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        logger.warning("%s is damaged (%s: %s)", path, type(error).__name__, error)
    logger.warning("the features in %s are made again", path)
    return None


def write_cached(path: Path, features: Tensor, logits: Tensor) -> None:
    """Keep them; a disk that is full costs a warning."""
    try:
        with replacing(path) as temporary:
            safetensors.torch.save_file({"features": features, "logits": logits}, temporary)
    except (OSError, SafetensorError) as error:
        logger.warning("the features could not be kept in %s: %s", path, error)

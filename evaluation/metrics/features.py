"""One pass of a network over a set of pictures: LabelledImages -> ImageFeatures, from which every metric is computed.

Reads: pictures and the network. Writes: <cache>/<key>.safetensors, keyed by the pictures' bytes, the weights' hash and
the preparation. The steps from a picture to the network's input are a convention, and the figures depend on it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..pictures.cache import resized
from ..pictures.labelled_images import LabelledImages
from ..pictures.pixels import count_shared, overlap_text
from ..pictures.threads import in_threads
from ..progress import Progress
from .conventions import Preparation
from .feature_cache import cache_key, read_cached, write_cached
from .inception_weights import NETWORKS, TORCHVISION_NETWORK
from .networks import FeatureNetwork, full_precision, one_thread_each
from .vision_weights import shape_warnings

MAX_CORES = 32  # on a CPU: each takes about 60 MB for its batch
MAX_NAMES = 20  # of classes that a warning names


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """What the network said of each of N pictures.

    Args:
        name: of the set.
        class_names: of the labels.
        labels: int64 [N].
        features: float32 [N,d]: Inception's last pooling layer, DINOv2's class token, or CLIP's projection.
        logits: float32 [N,classes]; of a network that names no classes [N,0].
        network: key of the network.
        weights: SHA-256 of its weight file.
        preparation: how the pictures were prepared.
        content_key: of the set of pictures.
        pixels: uint64 [N], digests of the pictures' pixels, see pictures/pixels.py; None where nobody knows them.
        sides: image_size and patch_size of a vision transformer.
    """

    name: str
    class_names: tuple[str, ...]
    labels: np.ndarray
    features: np.ndarray
    logits: np.ndarray
    network: str
    weights: str
    preparation: Preparation
    content_key: str
    pixels: np.ndarray | None = None
    sides: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self.features)

    def of_class(self, label: int) -> ImageFeatures:
        """The pictures with one label."""
        return self.select(np.flatnonzero(self.labels == label))

    def select(self, members: np.ndarray) -> ImageFeatures:
        """The pictures of these indices, in this order."""
        return replace(
            self,
            labels=self.labels[members],
            features=self.features[members],
            logits=self.logits[members],
            pixels=None if self.pixels is None else self.pixels[members],
        )

    def describe(self) -> dict[str, Any]:
        """What a result says of this input."""
        counts = np.bincount(self.labels, minlength=len(self.class_names))
        return {
            "name": self.name,
            "count": len(self),
            "classes": {name: int(n) for name, n in zip(self.class_names, counts, strict=True)},
            "content_key": self.content_key,
        }

    def settings(self) -> dict[str, Any]:
        """What a result says of the way here."""
        return {
            "network": self.network,
            "weights_sha256": self.weights,
            "features": self.features.shape[1],
            **self.preparation.to_json(),
        }

    def warnings(self) -> tuple[str, ...]:
        """What a result warns of: weights that are not the published ones."""
        if all(network.key != self.network for network in NETWORKS.values()):
            return shape_warnings(self.network, self.features.shape[1], self.sides)
        if any(network.key == self.network and network.is_published(self.weights) for network in NETWORKS.values()):
            return ()
        return ("the network's weights are not the published file's: compare only with figures from the same weights",)


def some_of(names: Sequence[str]) -> str:
    """The first MAX_NAMES of a list with commas, and how many more there are."""
    unnamed = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {unnamed} more" if unnamed > 0 else "")


def check_comparable(first: Any, second: Any) -> None:
    """Refuse two inputs that went different ways to their features.

    Raises:
        ValueError: network, weights or preparation differ; the message says in what.
    """
    mine, theirs = (_comparable_settings(side.settings()) for side in (first, second))
    unlike = [f"{key} {mine[key]} / {theirs[key]}" for key in mine if mine[key] != theirs[key] and theirs[key] != ""]
    if unlike:
        raise ValueError(
            f"{first.name} and {second.name} were prepared differently ({'; '.join(unlike)}); expected the same "
            "network, convention and size for both; set both Image Features nodes alike"
        )


def describe_reference(features: ImageFeatures, reference: Any) -> dict[str, Any]:
    """What a result says of the set that `features` are held against, with the number of pictures of both.

    `shared` counts the pictures of `features` that are in the reference, pixel by pixel; None where the reference
    does not name its pictures.
    """
    if features.pixels is None or reference.pixels is None:
        return {**reference.describe(), "shared": None}
    return {**reference.describe(), "shared": count_shared(features.pixels, reference.pixels)}


def overlap_warnings(features: ImageFeatures, reference: Any) -> tuple[str, ...]:
    """What pictures in both sets do to a figure."""
    shared = describe_reference(features, reference)["shared"]
    text = overlap_text(shared, len(features), "pictures", f"are in {reference.name} too")
    return (f"{text}: the figure is better than that of new pictures",) if text else ()


def _comparable_settings(settings: dict[str, Any]) -> dict[str, Any]:
    # for the FID network, and so for every file of statistics, thesis is clean-fid's way
    if settings["convention"] == "thesis" and settings["network"] != NETWORKS[TORCHVISION_NETWORK].key:
        return {**settings, "convention": "clean-fid"}
    return settings


def extract_features(
    images: LabelledImages,
    network: FeatureNetwork,
    preparation: Preparation,
    *,
    cache: Path | None = None,
    batch: int = 0,
    name_pixels: bool = True,
    progress: Progress | None = None,
) -> ImageFeatures:
    """Features and logits of every picture, from the cache where it has them.

    Args:
        images: the set.
        network: the network, on the device where it is to run.
        preparation: from picture to network input.
        cache: folder that keeps the features; None keeps nothing.
        batch: pictures in one pass; 0 takes 4 (a vision transformer 8) on a CPU, where each core has its own batch,
            and 32 elsewhere.
        name_pixels: give the digests of the pictures' pixels too, for which each picture is read.
        progress: called with (done, total) from the calling thread; what it raises stops the work.

    Raises:
        ValueError: batch is negative, or the network's answers are not finite; the message names its weights.
    """
    if batch < 0:
        raise ValueError(f"batch is {batch}; expected 0 (chosen for the device) or pictures at once")
    path = None if cache is None else cache / f"{cache_key(images, network, preparation)}.safetensors"
    cached = None if path is None else read_cached(path, len(images), network)
    features, logits = cached or _infer(images, network, preparation, batch, progress)
    finite = torch.isfinite(features).all(1) & torch.isfinite(logits).all(1)  # [N]
    if not bool(finite.all()):
        broken = (~finite).nonzero().flatten().tolist()
        raise ValueError(
            f"the features of {len(broken)} of {len(images)} pictures of {images.name} are not finite numbers (the "
            f"first: {images.describe(broken[0])}); expected those of sound weights; check the file of "
            f"{network.key} or get it again from {network.url}"
        )
    if path is not None and cached is None:
        write_cached(path, features, logits)
    # known where the network ran; else quick beside it: the bar stays where it is, and an interrupt is noticed
    stays_at = 0 if cached else len(images)
    at_end: Progress | None = None if progress is None else lambda done, total: progress(stays_at, total)
    pixels = images.pixel_digests(at_end) if name_pixels else None
    if progress is not None:
        progress(len(images), len(images))
    return ImageFeatures(
        name=images.name,
        class_names=images.class_names,
        labels=images.labels,
        features=features.numpy(),
        logits=logits.numpy(),
        network=network.key,
        weights=network.digest,
        preparation=preparation,
        content_key=images.content_key,
        pixels=pixels,
        sides=network.sides,
    )


def default_batch(network: FeatureNetwork) -> int:
    """Pictures that a network takes at once: on a CPU the fastest of 1, 2, 3, 4 and 8 a core, elsewhere a guess.

    A vision transformer has few pixels for its many weights, and takes 5 % less time for 8 than for 4.
    """
    if network.device.type != "cpu":
        return 32
    return 8 if network.sides else 4


def _infer(
    images: LabelledImages, network: FeatureNetwork, preparation: Preparation, batch: int, progress: Progress | None
) -> tuple[Tensor, Tensor]:
    total = len(images)
    device = network.device
    on_cpu = device.type == "cpu"
    batch = batch or default_batch(network)
    read = _reader(images, preparation, progress)
    # a GPU has room for one batch, while others are decoded; on a CPU each core has a batch of its own
    device_lock = nullcontext() if on_cpu else threading.Lock()

    def infer_batch(number: int) -> tuple[Tensor, Tensor]:
        pictures = [read(i) for i in range(number * batch, min((number + 1) * batch, total))]
        with device_lock, torch.inference_mode():
            groups = (group.to(device) for group in _grouped_by_size(pictures))
            inputs = [network.prepare(group, preparation.convention) for group in groups]
            features, logits = network(torch.cat(inputs))  # [b,d], [b,classes]
            return features.cpu(), logits.cpu()

    batches = in_threads(
        infer_batch,
        -(-total // batch),
        None if progress is None else lambda done, _: progress(min(done * batch, total), total),
        workers=min(MAX_CORES, torch.get_num_threads()) if on_cpu else None,
    )
    with full_precision(), one_thread_each() if on_cpu else nullcontext():
        features, logits = zip(*batches, strict=True)
    return torch.cat(features), torch.cat(logits)  # [N,d], [N,classes]


def _reader(images: LabelledImages, preparation: Preparation, progress: Progress | None) -> Callable[[int], np.ndarray]:
    """From the index of a picture to its uint8 [H,W,3]."""
    if not preparation.size:
        return images.read
    # reducing is quick beside the network: the bar stays at 0 meanwhile, and an interrupt is still noticed
    at_start: Progress | None = None if progress is None else lambda done, total: progress(0, total)
    small = resized(images, preparation.size, preparation.filter, preparation.crop, at_start).numpy()
    return lambda index: small[index]


def _grouped_by_size(pictures: list[np.ndarray]) -> list[Tensor]:
    """Neighbours of equal size as one tensor uint8 [b,H,W,3], in order."""
    groups: list[list[np.ndarray]] = []
    for picture in pictures:
        if groups and groups[-1][0].shape == picture.shape:
            groups[-1].append(picture)
        else:
            groups.append([picture])
    return [torch.from_numpy(np.stack(group)) for group in groups]

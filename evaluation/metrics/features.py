"""One Inception pass over a set of pictures: LabelledImages -> ImageFeatures, from which every metric is computed.

Reads: pictures and the network. Writes: <cache>/<key>.safetensors, keyed by the pictures' bytes, the weights' hash and
the preparation. The steps from a picture to the network's 299x299 input are a convention, and the figures depend on it.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor
from torch.nn import functional as F

from ..files import replacing
from ..pictures.cache import resized
from ..pictures.labelled_images import LabelledImages, Progress, labelled
from ..pictures.tensors import to_uint8
from ..pictures.threads import in_threads
from .inception import FEATURES, NETWORKS, SIDE, TORCHVISION_NETWORK, Inception, full_precision

log = logging.getLogger("hyponet")

CONVENTIONS = ("torch-fidelity", "clean-fid", "pytorch-fid", "torchmetrics", "thesis")
CORES = 32  # at most, on a CPU: each takes about 60 MB for its batch


@dataclass(frozen=True)
class Preparation:
    """How a picture becomes the network's input.

    Args:
        convention: one of CONVENTIONS: the way to 299x299 and to about -1..1.
        size: side to which pictures are reduced first; 0 keeps each at its own size.
        filter, crop: of that first reduction (evaluation/pictures/decode.py); empty without one.
    """

    convention: str = "torch-fidelity"
    size: int = 32
    filter: str = "bicubic"
    crop: str = "squash"

    def __post_init__(self) -> None:
        if self.convention not in CONVENTIONS:
            raise ValueError(f"convention is {self.convention!r}; expected one of: {', '.join(CONVENTIONS)}")
        if not self.size:
            object.__setattr__(self, "filter", "")
            object.__setattr__(self, "crop", "")

    def to_json(self) -> dict[str, Any]:
        return {"convention": self.convention, "size": self.size, "filter": self.filter, "crop": self.crop}


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """What the network said of each of N pictures.

    Attributes:
        name: of the set.
        class_names: of the labels.
        labels: int64 [N].
        features: float32 [N,2048], the last pooling layer.
        logits: float32 [N,classes].
        network: key of the network.
        weights: SHA-256 of its weight file.
        preparation: how the pictures were prepared.
        content_key: of the set of pictures.
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

    def __len__(self) -> int:
        return len(self.features)

    def of_class(self, label: int) -> ImageFeatures:
        """The pictures with one label."""
        at = np.flatnonzero(self.labels == label)
        return replace(self, labels=self.labels[at], features=self.features[at], logits=self.logits[at])

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
        return {"network": self.network, "weights_sha256": self.weights, **self.preparation.to_json()}

    def warnings(self) -> tuple[str, ...]:
        """What a result warns of: weights that are not the published ones."""
        if any(network.key == self.network and network.is_published(self.weights) for network in NETWORKS.values()):
            return ()
        return ("the network's weights are not the published file's: compare only with figures from the same weights",)


def check_comparable(first: Any, second: Any) -> None:
    """Refuse two inputs that went different ways to their features.

    Raises:
        ValueError: network, weights or preparation differ; the message says in what.
    """
    ours, theirs = (_settings_that_matter(side.settings()) for side in (first, second))
    unlike = [f"{key} {ours[key]} / {theirs[key]}" for key in ours if ours[key] != theirs[key] and theirs[key] != ""]
    if unlike:
        raise ValueError(
            f"{first.name} and {second.name} were prepared differently ({'; '.join(unlike)}); expected the same "
            "network, convention and size for both; set both Image Features nodes alike"
        )


def _settings_that_matter(settings: dict[str, Any]) -> dict[str, Any]:
    # for the FID network, and so for every file of statistics, thesis is clean-fid's way
    if settings["convention"] == "thesis" and settings["network"] != NETWORKS[TORCHVISION_NETWORK].key:
        return {**settings, "convention": "clean-fid"}
    return settings


def extract_features(
    images: LabelledImages,
    inception: Inception,
    preparation: Preparation,
    *,
    cache: Path | None = None,
    batch: int = 0,
    progress: Progress | None = None,
) -> ImageFeatures:
    """Features and logits of every picture, from the cache where it has them.

    Args:
        images: the set.
        inception: the network, on the device where it is to run.
        preparation: from picture to network input.
        cache: folder that keeps the features; None keeps nothing.
        batch: pictures in one pass; 0 takes 4 on a CPU, where each core has its own batch, and 32 elsewhere.
        progress: called with (done, total) from the calling thread; what it raises stops the work.

    Raises:
        ValueError: batch is negative, or the network's answers are not finite; the message names its weights.
    """
    if batch < 0:
        raise ValueError(f"batch is {batch}; expected 0 (chosen for the device) or pictures at once")
    path = None if cache is None else cache / f"{_key(images, inception, preparation)}.safetensors"
    kept = None if path is None else _open(path, len(images), inception.network.classes)
    features, logits = kept or _run(images, inception, preparation, batch, progress)
    if not bool(torch.isfinite(features).all() and torch.isfinite(logits).all()):
        raise ValueError(
            f"the features of {images.name} are not finite numbers; expected those of sound weights; check the file of "
            f"{inception.network.key} or get it again from {inception.network.url}"
        )
    if path is not None and kept is None:
        _keep(path, features, logits)
    if progress is not None:
        progress(len(images), len(images))
    return ImageFeatures(
        name=images.name,
        class_names=images.class_names,
        labels=images.labels,
        features=features.numpy(),
        logits=logits.numpy(),
        network=inception.network.key,
        weights=inception.digest,
        preparation=preparation,
        content_key=images.content_key,
    )


def pictures_as_images(pictures: Tensor, name: str = "pictures") -> LabelledImages:
    """A ComfyUI IMAGE as a set with one class.

    Args:
        pictures: [B,H,W,C] float in 0..1; values become uint8 as SaveImage makes them, and grey three channels.
    """
    levels = to_uint8(pictures)
    return labelled(name, ("picture",), np.zeros(len(levels), dtype=np.int64), ArrayPictures(levels))


class ArrayPictures:
    """Pictures in memory: uint8 [N,H,W,3], or a list of [H,W,3] of any size."""

    def __init__(self, pictures: np.ndarray | Sequence[np.ndarray]) -> None:
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def read(self, index: int) -> np.ndarray:
        return np.asarray(self._pictures[index])

    def digest(self, index: int) -> bytes:
        picture = self._pictures[index]
        return hashlib.blake2b(str(picture.shape).encode() + picture.tobytes(), digest_size=16).digest()

    def describe(self, index: int) -> str:
        return f"picture {index}"


def network_input(pictures: Tensor, convention: str, *, is_fid: bool) -> Tensor:
    """The network's input [B,3,299,299], about -1..1.

    Args:
        pictures: uint8 [B,H,W,3].
        convention: one of CONVENTIONS. torch-fidelity: TensorFlow 1's bilinear, which takes pixel corners for centres;
            pytorch-fid: bilinear with half-pixel centres, no antialias; torchmetrics: bilinear with antialias;
            clean-fid: PIL's bicubic on float channels, clipped; thesis: clean-fid's for the FID network and PIL's
            bicubic on 8-bit pictures for torchvision's.
        is_fid: whether it is for the FID network ((x - 128) / 128) or torchvision's (-1..1).
    """
    if convention == "thesis" and not is_fid:
        large = torch.stack([_pil_bicubic(picture) for picture in pictures.cpu()]).to(pictures.device)
        return large.permute(0, 3, 1, 2).float() / 127.5 - 1
    x = pictures.permute(0, 3, 1, 2).float()  # channels-last in memory, as the network wants it
    if convention == "torch-fidelity":
        x = _tensorflow_bilinear(x)
    elif convention == "pytorch-fid":
        x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False)
    elif convention == "torchmetrics":
        x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)
    else:
        # with antialias, torch's bicubic has PIL's coefficient (a = -0.5) and support
        x = F.interpolate(x, (SIDE, SIDE), mode="bicubic", align_corners=False, antialias=True).clamp(0, 255)
    if not is_fid or convention == "pytorch-fid":
        return x.div_(127.5).sub_(1)
    return x.sub_(128).div_(128)


def _tensorflow_bilinear(x: Tensor) -> Tensor:
    """[B,C,H,W] bilinear without half-pixel centres: output pixel i reads input position i * in / out.

    Aligned corners read i * (in - 1) / (out - 1), which is that once either side is one pixel longer.
    """
    longer = F.pad(x, (0, 1, 0, 1), mode="replicate")
    return F.interpolate(longer, (SIDE + 1, SIDE + 1), mode="bilinear", align_corners=True)[..., :SIDE, :SIDE]


def _pil_bicubic(picture: Tensor) -> Tensor:
    large = Image.fromarray(picture.numpy()).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(large))


def usual_batch(device: torch.device) -> int:
    """Pictures that Inception takes at once where nobody said how many: measured on a CPU, a guess elsewhere."""
    return 4 if device.type == "cpu" else 32


def _run(
    images: LabelledImages, inception: Inception, preparation: Preparation, batch: int, progress: Progress | None
) -> tuple[Tensor, Tensor]:
    total = len(images)
    device = inception.last.weight.device
    on_cpu = device.type == "cpu"
    batch = batch or usual_batch(device)
    read = _reader(images, preparation, progress)
    turn = nullcontext() if on_cpu else threading.Lock()  # a GPU has room for one batch; others are decoded meanwhile

    def answer(number: int) -> tuple[Tensor, Tensor]:
        pictures = [read(i) for i in range(number * batch, min((number + 1) * batch, total))]
        with turn, torch.inference_mode():
            inputs = [
                network_input(run.to(device), preparation.convention, is_fid=inception.is_fid)
                for run in _runs(pictures)
            ]
            pooled, scores = inception(inputs[0] if len(inputs) == 1 else torch.cat(inputs))
            return pooled.cpu(), scores.cpu()

    answers = in_threads(
        answer,
        -(-total // batch),
        None if progress is None else lambda done, _: progress(min(done * batch, total), total),
        workers=min(CORES, torch.get_num_threads()) if on_cpu else None,
    )
    with full_precision(), one_thread_each() if on_cpu else nullcontext():
        features, logits = zip(*answers, strict=True)
    return torch.cat(features), torch.cat(logits)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """New threads compute on one core each: batches side by side keep the cores busier than one batch on all."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _reader(images: LabelledImages, preparation: Preparation, progress: Progress | None) -> Callable[[int], np.ndarray]:
    """From the place of a picture to its uint8 [H,W,3]."""
    if not preparation.size:
        return images.read
    tick: Progress | None = None if progress is None else lambda done, total: progress(0, total)
    small = resized(images, preparation.size, preparation.filter, preparation.crop, tick).numpy()
    return lambda index: small[index]


def _runs(pictures: list[np.ndarray]) -> list[Tensor]:
    runs: list[list[np.ndarray]] = []
    for picture in pictures:
        if runs and runs[-1][0].shape == picture.shape:
            runs[-1].append(picture)
        else:
            runs.append([picture])
    return [torch.from_numpy(np.stack(run)) for run in runs]


def _key(images: LabelledImages, inception: Inception, preparation: Preparation) -> str:
    parts = ["1", images.pictures_key, inception.network.key, inception.digest, repr(preparation)]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=20).hexdigest()


def _open(path: Path, count: int, classes: int) -> tuple[Tensor, Tensor] | None:
    if not path.exists():
        return None
    try:
        kept = safetensors.torch.load(path.read_bytes())
        if kept["features"].shape == (count, FEATURES) and kept["logits"].shape == (count, classes):
            return kept["features"], kept["logits"]
    except (SafetensorError, OSError, KeyError) as error:
        log.warning("%s is damaged (%s: %s)", path, type(error).__name__, error)
    log.warning("the features in %s are made again", path)
    return None


def _keep(path: Path, features: Tensor, logits: Tensor) -> None:
    try:
        with replacing(path) as temporary:
            safetensors.torch.save_file({"features": features, "logits": logits}, temporary)
    except (OSError, SafetensorError) as error:
        log.warning("the features could not be kept in %s: %s", path, error)

"""FID against growing distortion (Figure 5-3): pictures -> one curve for each kind of distortion.

A metric of quality has to rise with each of these. Kinds as in Heusel et al. 2017 (arXiv 1706.08500, figure 3) and the
thesis, with JPEG for its salt and pepper. A strength of 0 leaves a picture as it is, 1 leaves little of it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from ..pictures.cache import resized
from ..pictures.labelled_images import LabelledImages, labelled
from ..progress import Progress
from ..results import Measurement
from .conventions import Preparation
from .feature_statistics import statistics_of
from .features import extract_features
from .fid import count_warnings
from .frechet import frechet_distance
from .networks import FeatureNetwork


def noise(picture: np.ndarray, strength: float, draw: np.random.Generator) -> np.ndarray:
    """Gaussian noise with a standard deviation of 128 levels at strength 1."""
    return _levels(picture + draw.normal(size=picture.shape) * (128 * strength))


def blur(picture: np.ndarray, strength: float, draw: np.random.Generator) -> np.ndarray:
    """Gaussian blur with a standard deviation of an eighth of the shorter side at strength 1."""
    sigma = strength * min(picture.shape[:2]) / 8
    reach = min(int(4 * sigma + 0.5), min(picture.shape[:2]) - 1)
    if reach == 0:
        return picture
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=torch.float32) / sigma).square())
    weights = (weights / weights.sum()).expand(3, 1, -1)  # [3,1,2 reach + 1]
    x = torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1)[None]  # [1,3,H,W]
    x = F.conv2d(F.pad(x, (reach, reach, 0, 0), mode="reflect"), weights[:, :, None, :], groups=3)
    x = F.conv2d(F.pad(x, (0, 0, reach, reach), mode="reflect"), weights[:, :, :, None], groups=3)
    return _levels(x[0].permute(1, 2, 0).numpy())  # [H,W,3]


def rectangles(picture: np.ndarray, strength: float, draw: np.random.Generator) -> np.ndarray:
    """Five black rectangles with sides of half the picture's at strength 1; growing ones keep their places."""
    height, width = picture.shape[:2]
    covered = np.array(picture)
    for down, right in draw.random((5, 2)):
        tall, wide = round(strength * height / 2), round(strength * width / 2)
        top, left = round(down * height / 2), round(right * width / 2)
        covered[top : top + tall, left : left + wide] = 0
    return covered


def swirl(picture: np.ndarray, strength: float, draw: np.random.Generator) -> np.ndarray:
    """A turn about the centre by two pi at strength 1, fading to nothing at the edge."""
    height, width = picture.shape[:2]
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    radius = (rows.square() + columns.square()).sqrt()
    angle = torch.atan2(rows, columns) + 2 * np.pi * strength * (1 - radius).clamp_min(0)
    grid = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=-1)[None]  # [1,H,W,2]
    x = torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1)[None]  # [1,3,H,W]
    turned = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=True)
    return _levels(turned[0].permute(1, 2, 0).numpy())  # [H,W,3]


def jpeg(picture: np.ndarray, strength: float, draw: np.random.Generator) -> np.ndarray:
    """JPEG at a quality of 95 falling to 1 at strength 1."""
    packed = io.BytesIO()
    Image.fromarray(picture).save(packed, "JPEG", quality=round(95 - 94 * strength))
    return np.array(Image.open(packed).convert("RGB"))


KINDS: dict[str, Callable[[np.ndarray, float, np.random.Generator], np.ndarray]] = {
    "noise": noise,
    "blur": blur,
    "rectangles": rectangles,
    "swirl": swirl,
    "jpeg": jpeg,
}


class DistortedPictures:
    """The pictures of a set, each distorted as it is read, with draws of its own that do not depend on strength."""

    def __init__(self, images: LabelledImages, kind: str, strength: float, seed: int, preparation: Preparation) -> None:
        self._images, self._kind, self._strength, self._seed = images, kind, strength, seed
        size = preparation.size
        self._small = resized(images, size, preparation.filter, preparation.crop).numpy() if size else None
        self._prepared = repr(preparation)

    def __len__(self) -> int:
        return len(self._images)

    def read(self, index: int) -> np.ndarray:
        """Picture `index`, distorted: uint8 [H,W,3]; as it was at strength 0."""
        picture = self._images.read(index) if self._small is None else np.asarray(self._small[index])
        if self._strength == 0:
            return picture
        draw = np.random.default_rng([self._seed, list(KINDS).index(self._kind), index])
        return KINDS[self._kind](picture, self._strength, draw)

    def digest(self, index: int) -> bytes:
        """16 bytes that tell this picture with this distortion from any other: the key of its cached features."""
        what = f"{self._kind}\n{self._strength!r}\n{self._seed}\n{index}\n{self._prepared}".encode()
        source = self._images.source.digest(int(self._images.indices[index]))
        return hashlib.blake2b(what + source, digest_size=16).digest()

    def describe(self, index: int) -> str:
        """The picture and its distortion, for errors."""
        return f"{self._images.describe(index)} with {self._kind} {self._strength:g}"


def distortion_curve(
    images: LabelledImages,
    network: FeatureNetwork,
    preparation: Preparation,
    *,
    kinds: Sequence[str],
    strengths: Sequence[float],
    seed: int,
    cache: Path | None = None,
    batch: int = 0,
    progress: Progress | None = None,
) -> Measurement:
    """FID of each distorted copy of a set against the set itself.

    Args:
        images: the set; distortion acts after its reduction to `preparation.size`, on what the network sees.
        kinds: of KINDS; one named twice counts once, as does a strength.
        strengths: in 0..1; the curve has them in order.
        seed: of noise and rectangles; each picture has the same draws at every strength.
        progress: called with (done, total) over all passes.

    Raises:
        ValueError: an unknown kind, no strength or one outside 0..1.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise ValueError(f"kinds is {', '.join(kinds) or 'empty'}; expected some of: {', '.join(KINDS)}")
    if not strengths or not all(0 <= strength <= 1 for strength in strengths):
        raise ValueError(f"strengths is {list(strengths)}; expected numbers from 0 to 1, such as 0.25, 0.5, 0.75, 1")
    kinds, strengths = list(dict.fromkeys(kinds)), sorted(set(strengths))
    passes = [(kind, strength) for kind in kinds for strength in strengths]
    total = (len(passes) + 1) * len(images)

    def pass_progress(number: int) -> Progress | None:
        return None if progress is None else lambda done, _: progress(number * len(images) + done, total)

    clean = extract_features(
        images, network, preparation, cache=cache, batch=batch, name_pixels=False, progress=pass_progress(0)
    )
    reference = statistics_of(clean)
    curves: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number, (kind, strength) in enumerate(passes, start=1):
        source = DistortedPictures(images, kind, strength, seed, preparation)
        distorted = labelled(f"{images.name} {kind}", images.class_names, images.labels, source)
        features = extract_features(
            distorted,
            network,
            preparation,
            cache=cache,
            batch=batch,
            name_pixels=False,
            progress=pass_progress(number),
        )
        curves[kind].append(frechet_distance(statistics_of(features), reference))
    return Measurement(
        name=images.name,
        kind="distortion",
        figures={"strengths": strengths, "fid": curves},
        inputs={"images": clean.describe()},
        settings={**clean.settings(), "seed": seed},
        warnings=(*count_warnings(len(images), len(images), clean.features.shape[1]), *clean.warnings()),
    )


def _levels(values: np.ndarray) -> np.ndarray:
    levels: np.ndarray = values.round().clip(0, 255).astype(np.uint8)
    return levels

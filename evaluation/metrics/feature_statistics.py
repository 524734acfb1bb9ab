"""Mean and covariance of features in float64, their files, and the Frechet distance between two of them.

Reads and writes .npz with `mu` and `sigma` as pytorch-fid and clean-fid have them; ours add what the numbers came from.
Source: Heusel et al. 2017, arXiv 1706.08500, equation 6.
"""

from __future__ import annotations

import json
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from ..bounded import MAX_HEADER, BoundedFile
from ..disk_errors import disk_error_of, unreadable
from ..files import replacing
from ..json_text import parse_json
from ..pictures.sources.zips import ZIP_DAMAGE
from .conventions import Preparation
from .features import ImageFeatures

MAX_WIDTH = 4096  # features of a network; the widest of ours has 2,048
_FACTS = "hyponet"  # the array with what our files say of themselves
_PIXELS = "hyponet_pixels"  # the array with the digests of their pictures
MAX_ROOT_ERROR = 1e-8  # that rounding may make of the sum of roots; the distance is promised to 1e-6
BLOCK = 256  # columns of a matrix product at once
_MAX_PICTURES = 10_000_000
_MAX_TEXT = 1 << 20  # bytes of what our files say of themselves; a name, a few settings and two hashes


@dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """A set of feature vectors as a Gaussian.

    Args:
        name: of the set.
        count: number of pictures; 0 when a file does not say.
        mean: float64 [d].
        factor: float64 [n,d], centred features / sqrt(n - 1), kept when n <= d; its Gram matrix is the covariance.
        covariance: float64 [d,d], n - 1 in the denominator; None when there is a factor.
        network, weights: key and SHA-256 of the network's weights; empty when a file does not say.
        preparation: how the pictures were prepared.
        content_key: of the set of pictures; empty when a file does not say.
        pixels: uint64 [n], digests of the pictures' pixels; None when a file does not say.
    """

    name: str
    count: int
    mean: Tensor
    factor: Tensor | None
    covariance: Tensor | None
    network: str
    weights: str
    preparation: Preparation
    content_key: str = ""
    pixels: np.ndarray | None = None

    def describe(self) -> dict[str, Any]:
        """What a result says of this input."""
        return {"name": self.name, "count": self.count or None, "content_key": self.content_key}

    def settings(self) -> dict[str, Any]:
        """What a result says of the way here; empty where a foreign file does not say."""
        return {
            "network": self.network,
            "weights_sha256": self.weights,
            "features": len(self.mean),
            **self.preparation.to_json(),
        }

    def trace(self) -> float:
        """Sum of the variances."""
        if self.factor is not None:
            return float(self.factor.square().sum())
        assert self.covariance is not None
        return float(self.covariance.trace())

    def full_covariance(self) -> Tensor:
        """The covariance [d,d], computed from the factor where there is one."""
        if self.covariance is not None:
            return self.covariance
        assert self.factor is not None
        numbers = self.factor.numpy()
        return torch.from_numpy(numbers.T @ numbers)  # [d,d]


def gaussian(features: np.ndarray | Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Mean, and either factor (n <= d) or covariance (n > d), in float64.

    Args:
        features: [n,d].

    Raises:
        ValueError: fewer than two pictures, or a feature that is not finite.
    """
    centred = torch.as_tensor(features).to(torch.float64, copy=True)  # [n,d]; from here on in place: it is large
    if len(centred) < 2:
        raise ValueError(f"the set has {len(centred)} pictures; expected at least 2 for a covariance; add pictures")
    mean = centred.mean(0)  # [d]
    if not bool(torch.isfinite(mean).all()):  # no sum of features is finite where one of them is not
        raise ValueError("a feature is not finite; expected finite numbers; check the weights and half precision")
    centred -= mean
    if centred.shape[0] <= centred.shape[1]:
        return mean, centred.div_(math.sqrt(len(centred) - 1)), None
    numbers = centred.numpy()
    gram = numbers.T @ numbers  # [d,d]; numpy computes one half of a Gram matrix
    gram /= len(centred) - 1
    return mean, None, torch.from_numpy(gram)


def statistics_of(features: ImageFeatures) -> FeatureStatistics:
    """The Gaussian of a set."""
    mean, factor, covariance = gaussian(features.features)
    return FeatureStatistics(
        name=features.name,
        count=len(features),
        mean=mean,
        factor=factor,
        covariance=covariance,
        network=features.network,
        weights=features.weights,
        preparation=features.preparation,
        content_key=features.content_key,
        pixels=features.pixels,
    )


def frechet_distance(first: FeatureStatistics, second: FeatureStatistics) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))."""
    shift = float((first.mean - second.mean).square().sum())
    return shift + first.trace() + second.trace() - 2 * _trace_of_root(first, second)


def _trace_of_root(first: FeatureStatistics, second: FeatureStatistics) -> float:
    """tr (S1 S2)^(1/2): the sum of the singular values of A B' for any A'A = S1, B'B = S2.

    Singular values stay exact where S1 S2 is singular. Eigenvalues of A S2 A' are faster, but their square roots turn
    an error of 1e-16 into 1e-8 near 0: they are used only where that cannot show.
    """
    a, b = first.factor, second.factor
    if a is not None and b is not None:
        return float(torch.linalg.svdvals(a @ b.T).sum())  # [n,m]
    if a is not None or b is not None:
        factor, covariance = (a, second.full_covariance()) if a is not None else (b, first.full_covariance())
        assert factor is not None
        if _cholesky(covariance) is not None:
            values = torch.linalg.eigvalsh(factor @ covariance @ factor.T)  # [n], rising
            if _root_error(values) <= MAX_ROOT_ERROR * _sum_of_roots(values):
                return _sum_of_roots(values)
        return float(torch.linalg.svdvals(factor @ _root(covariance).T).sum())
    first_covariance, second_covariance = first.full_covariance(), second.full_covariance()
    lower = _cholesky(first_covariance)
    if lower is not None:
        values = torch.linalg.eigvalsh(_upper_product(lower, second_covariance), UPLO="U")  # [d], rising
        if _root_error(values) <= MAX_ROOT_ERROR * _sum_of_roots(values):
            return _sum_of_roots(values)
    return float(torch.linalg.svdvals(_root(first_covariance) @ _root(second_covariance).T).sum())


def _upper_product(lower: Tensor, covariance: Tensor) -> Tensor:
    """L' S L on and above the diagonal, [d,d], for a lower triangular L: without the products by its zeros."""
    starts = range(0, len(lower), BLOCK)
    right, product = torch.empty_like(lower), torch.empty_like(lower)
    for start in starts:
        block = slice(start, start + BLOCK)
        right[:, block] = covariance[:, start:] @ lower[start:, block]  # S L
    for start in starts:
        block = slice(start, start + BLOCK)
        product[block, start:] = lower[start:, block].T @ right[start:, start:]
    return product


def _cholesky(covariance: Tensor) -> Tensor | None:
    """Its lower factor; None without full rank, also where rounding alone makes it positive definite."""
    lower, failed = torch.linalg.cholesky_ex(covariance)
    pivots = lower.diagonal().square()
    enough = pivots.min() > pivots.max() * len(pivots) * torch.finfo(torch.float64).eps
    return None if failed or not enough else lower


def _sum_of_roots(values: Tensor) -> float:
    return float(values.clamp_min(0).sqrt().sum())


def _root_error(values: Tensor) -> float:
    """What the rounding of eigenvalues [n], rising, may make of the sum of their roots: much near 0."""
    rounding = values[-1].clamp_min(0) * torch.finfo(torch.float64).eps
    return float(torch.minimum(rounding / (2 * values.clamp_min(0).sqrt()), rounding.sqrt()).nan_to_num().sum())


def _root(covariance: Tensor) -> Tensor:
    """B [rank,d] with B'B = covariance."""
    values, vectors = torch.linalg.eigh(covariance)
    positive = values > values[-1] * len(values) * torch.finfo(torch.float64).eps
    root: Tensor = values[positive].sqrt()[:, None] * vectors[:, positive].T  # [rank,1] * [rank,d]
    return root


def save_statistics(path: Path, statistics: FeatureStatistics) -> None:
    """Write `mu`, `sigma` and where they came from; pytorch-fid and clean-fid read the file too.

    Raises:
        ValueError: one of them is not finite; nothing is written.
    """
    covariance = statistics.full_covariance()
    if not bool(torch.isfinite(statistics.mean).all() and torch.isfinite(covariance).all()):
        raise ValueError(
            f"the statistics of {statistics.name} are not finite numbers; expected those of sound features; measure "
            "the pictures again"
        )
    facts = {"name": statistics.name, "count": statistics.count, "content_key": statistics.content_key}
    facts |= statistics.settings()
    known = np.zeros(0, np.uint64) if statistics.pixels is None else np.unique(statistics.pixels)
    arrays: dict[str, Any] = {_FACTS: np.array(json.dumps(facts)), _PIXELS: known}
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, mu=statistics.mean.numpy(), sigma=covariance.numpy(), **arrays)


def load_statistics(
    path: Path, *, network: str = "", width: int = 0, preparation: Preparation, count: int = 0
) -> FeatureStatistics:
    """The statistics in an .npz of pytorch-fid, clean-fid or ours.

    Args:
        path: the file.
        network, preparation, count: used where the file does not say, that is for foreign ones.
        width: features of `network`, which a foreign file has to have; 0 for any.

    Raises:
        ValueError: the file is missing or truncated, lacks mu or sigma, or they are none of such a set; the message
            names it.
        UnreadableFile: the disk does not give it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            facts = parse_json(_text(archive, _FACTS)) if f"{_FACTS}.npy" in archive.namelist() else None
            if facts is not None:
                width = 0
            mean = _numbers(archive, "mu", 1, width)
            covariance = _numbers(archive, "sigma", 2, len(mean))
            known = _digests(archive, _PIXELS) if f"{_PIXELS}.npy" in archive.namelist() else None
        if facts is not None:
            preparation = Preparation(**{key: facts[key] for key in ("convention", "size", "filter", "crop")})
            count = int(facts["count"])
    except (KeyError, TypeError, AttributeError, *ZIP_DAMAGE) as error:
        of_disk = disk_error_of(error)
        if of_disk is not None and not isinstance(of_disk, FileNotFoundError):
            raise unreadable(path, of_disk) from error
        side = width or "features"
        raise ValueError(
            f"{path} cannot be read as statistics ({type(error).__name__}: {error}); expected an .npz with mu [{side}] "
            f"and sigma [{side},{side}]; write one with Save Statistics, pytorch-fid or clean-fid"
        ) from error
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all() and np.allclose(covariance, covariance.T)):
        raise ValueError(
            f"{path} has a sigma that is not finite or not symmetric; expected a covariance; make it again"
        )
    sigma = torch.from_numpy(covariance)
    rounding = 1e-5 * float(sigma.trace())  # float32 files have eigenvalues down to -1e-7 of the trace; 100 times that
    if torch.linalg.cholesky_ex(sigma + (rounding + 1e-300) * torch.eye(len(mean), dtype=torch.float64)).info:
        raise ValueError(f"{path} has a sigma with negative eigenvalues; expected a covariance; make it again")
    facts = facts or {}
    return FeatureStatistics(
        name=str(facts.get("name", path.stem)),
        count=count,
        mean=torch.from_numpy(mean),
        factor=None,
        covariance=sigma,
        network=str(facts.get("network", network)),
        weights=str(facts.get("weights_sha256", "")),
        preparation=preparation,
        content_key=str(facts.get("content_key", "")),
        pixels=known if known is not None and len(known) else None,
    )


def _numbers(archive: zipfile.ZipFile, name: str, axes: int, width: int) -> np.ndarray:
    """The array `name` in float64; nothing is read of one whose header states another shape.

    Args:
        axes: that it has to have, each of `width`; a width of 0 is any up to MAX_WIDTH.
    """
    with archive.open(f"{name}.npy") as member:
        stated, is_fortran, kind = _header(member)
        width = width or (min(stated[0], MAX_WIDTH) if stated else 0)
        shape = (width,) * axes
        if stated != shape or not width or kind.kind not in "fiu":
            raise ValueError(f"{name} has the shape {stated} of {kind}; expected numbers of {shape}")
        content = member.read(kind.itemsize * math.prod(shape))
    return np.frombuffer(content, kind).reshape(shape, order="F" if is_fortran else "C").astype(np.float64)


def _digests(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """The digests in the array `name`, uint64 [n]."""
    with archive.open(f"{name}.npy") as member:
        stated, _, kind = _header(member)
        if len(stated) != 1 or stated[0] > _MAX_PICTURES or kind != np.uint64:
            raise ValueError(f"{name} has the shape {stated} of {kind}; expected 64-bit digests of pictures")
        return np.frombuffer(member.read(8 * stated[0]), kind)


def _text(archive: zipfile.ZipFile, name: str) -> str:
    """The text in the array `name` of one value."""
    with archive.open(f"{name}.npy") as member:
        stated, _, kind = _header(member)
        if stated != () or kind.kind != "U" or kind.itemsize > _MAX_TEXT:
            raise ValueError(f"{name} has the shape {stated} of {kind}; expected one short text")
        return str(np.frombuffer(member.read(kind.itemsize), kind)[0])


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether it is in Fortran's order, and type of the array that follows."""
    bounded: Any = BoundedFile(member, MAX_HEADER)
    version = np.lib.format.read_magic(bounded)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(bounded)

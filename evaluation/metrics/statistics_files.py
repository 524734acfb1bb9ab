"""Files of statistics: .npz with `mu` and `sigma` as pytorch-fid and clean-fid have them.

Reads and writes them; ours add what the numbers came from.
"""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from ..bounded import MAX_HEADER, BoundedFile
from ..disk_errors import disk_error_of, unreadable
from ..files import replacing
from ..json_text import parse_json
from ..pictures.sources.zips import ZIP_DAMAGE
from .conventions import Preparation
from .feature_statistics import FeatureStatistics

MAX_WIDTH = 4096  # features of a network; the widest of ours has 2,048
_FACTS = "hyponet"  # the array with what our files say of themselves
_PIXELS = "hyponet_pixels"  # the array with the digests of their pictures
_MAX_PICTURES = 10_000_000
_MAX_TEXT = 1 << 20  # bytes of what our files say of themselves; a name, a few settings and two hashes


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
    digests = np.zeros(0, np.uint64) if statistics.pixels is None else np.unique(statistics.pixels)
    arrays: dict[str, Any] = {_FACTS: np.array(json.dumps(facts)), _PIXELS: digests}
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
            digests = _digests(archive, _PIXELS) if f"{_PIXELS}.npy" in archive.namelist() else None
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
        pixels=digests if digests is not None and len(digests) else None,
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

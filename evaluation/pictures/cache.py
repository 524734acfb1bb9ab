"""Downsampling a whole set once into one uint8 tensor, kept on disk by content.

Reads: LabelledImages. Writes: <cache>/<key>.npy; the key hashes the pictures' stored bytes, size, filter and crop.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..bounded import MAX_HEADER, BoundedFile
from ..disk_errors import UnreadableFile
from ..files import read_file, replacing
from ..json_text import parse_json
from ..progress import Progress
from .decode import CorruptPicture
from .draws import draw_indices
from .labelled_images import LabelledImages
from .resize import resize
from .threads import in_threads

logger = logging.getLogger("hyponet")

MAX_IN_MEMORY = 2 << 30  # bytes; larger small copies stay on disk and are mapped


def resized(
    data: LabelledImages, size: int, filter: str = "bicubic", crop: str = "squash", progress: Progress | None = None
) -> torch.Tensor:
    """All pictures as one uint8 tensor [N,size,size,3].

    Args:
        data: the set; its `cache` folder keeps the result (None: nothing is kept).
        size: side in pixels.
        filter: one of resize.FILTERS.
        crop: one of resize.CROPS.
        progress: called with (done, total) from the calling thread, first of hashing; what it raises stops the work.

    Raises:
        CorruptPicture: one cannot be decoded.
        UnreadableFile: the disk does not give one.
    """
    shape = (len(data), size, size, 3)
    path = _path(data, size, filter, crop, progress)
    if path is not None:
        cached = _open(path, shape)
        if cached is not None:
            return cached
        try:
            _stream(path, shape, _small_copies(data, size, filter, crop, progress))
        except UnreadableFile:  # of a picture; it is no other without a cache
            raise
        except OSError as error:  # full or read-only disk
            logger.warning("the small copies of %s could not be kept in %s: %s", data.name, path, error)
        else:
            cached = _open(path, shape)
            if cached is not None:
                return cached
    out = np.empty(shape, dtype=np.uint8)
    for index, small in enumerate(_small_copies(data, size, filter, crop, progress)):
        out[index] = small
    return torch.from_numpy(out)


def without_corrupt(
    data: LabelledImages, progress: Progress | None = None, per_class: int = 0, seed: int = 0
) -> LabelledImages:
    """The set without the pictures that cannot be decoded; `skipped` names them. The verdict is cached by content.

    Args:
        progress: called with (done, total) from the calling thread, first of hashing; what it raises stops the work.
        per_class, seed: a limit as of labelled_images.limited, for which a corrupt picture gives way to the next of the
            draw; only pictures that are drawn are decoded. 0 means all.

    Raises:
        CorruptPicture: no picture is left.
    """
    bad: set[int] = set()
    good: set[int] = set()
    while True:
        chosen = draw_indices(data, per_class, seed, sorted(bad))
        fresh = [int(index) for index in chosen if index not in good]
        if not fresh:
            break
        corrupt = {fresh[index] for index in _corrupt(data.select(fresh), progress)}
        bad |= corrupt
        good.update(index for index in fresh if index not in corrupt)
    if not bad:
        return data.select(chosen) if per_class > 0 else data
    if not good:
        raise CorruptPicture(f"none of the {len(bad)} pictures of {data.name} can be decoded; check the files")
    names = tuple(data.describe(index) for index in sorted(bad))
    return replace(data.select(chosen), skipped=data.skipped + names)


def _corrupt(data: LabelledImages, progress: Progress | None) -> list[int]:
    """Which pictures cannot be decoded, by their index in `data`."""
    path = None if data.cache is None else data.cache / f"{data.hash_pictures(progress)}-corrupt.json"
    verdict = None if path is None else _read_verdict(path, len(data))
    if verdict is not None:
        return verdict
    decoded = in_threads(lambda i: _decodes(data, i), len(data), progress)
    bad = [index for index, whole in enumerate(decoded) if not whole]
    if path is not None:
        try:
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(bad), encoding="utf-8")
        except OSError as error:
            logger.warning("which pictures of %s are corrupt could not be kept: %s", data.name, error)
    return bad


def _read_verdict(path: Path, count: int) -> list[int] | None:
    """The indices that were kept, of `count` pictures; None where there are none that can be used."""
    try:
        stored = parse_json(read_file(path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        logger.warning("%s cannot be used (%s) and is made again", path, error)
        return None
    if isinstance(stored, list) and all(type(index) is int and 0 <= index < count for index in stored):
        return stored
    logger.warning("%s holds no list of pictures and is made again", path)
    return None


def _decodes(data: LabelledImages, index: int) -> bool:
    try:
        data.read(index)
    except CorruptPicture:
        return False
    return True


def _small_copies(
    data: LabelledImages, size: int, filter: str, crop: str, progress: Progress | None
) -> Iterator[np.ndarray]:
    return in_threads(lambda i: resize(data.read(i), size, filter, crop), len(data), progress)


def _path(data: LabelledImages, size: int, filter: str, crop: str, progress: Progress | None) -> Path | None:
    if data.cache is None:
        return None
    pictures = data.hash_pictures(progress)
    key = hashlib.blake2b(f"1\n{pictures}\n{size}\n{filter}\n{crop}".encode(), digest_size=16).hexdigest()
    return data.cache / f"{key}-{size}.npy"


def _open(path: Path, shape: tuple[int, ...]) -> torch.Tensor | None:
    try:
        with open(path, "rb") as file:
            bounded: Any = BoundedFile(file, MAX_HEADER)
            np.lib.format.read_magic(bounded)
            stated, _, kind = np.lib.format.read_array_header_1_0(bounded)
            if stated != shape or kind != np.uint8:
                logger.warning("%s holds %s %s instead of uint8 %s and is made again", path, kind, stated, shape)
                return None
            if math.prod(shape) > MAX_IN_MEMORY:
                # "c": pages are copied when written to, so the file never changes and torch gets a writable array
                return torch.from_numpy(np.memmap(path, np.uint8, "c", offset=file.tell(), shape=shape))
            return torch.from_numpy(np.fromfile(file, np.uint8, math.prod(shape)).reshape(shape))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError) as error:
        logger.warning("%s cannot be used (%s) and is made again", path, error)
        return None


def _stream(path: Path, shape: tuple[int, ...], pictures: Iterator[np.ndarray]) -> None:
    """Write the pictures as one .npy file, one after another, and give it its name only when it is whole."""
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for picture in pictures:
            file.write(picture.tobytes())

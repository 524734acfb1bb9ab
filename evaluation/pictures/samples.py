"""A few pictures of a set, kept small when it was measured, so that a report can show what its figures are of.

Writes and reads: <folder>/<content key>.jpg. A set is found by its content, whatever it is called later.
"""

from __future__ import annotations

import io
import logging
import re
from pathlib import Path

import numpy as np
from PIL import Image

from ..files import is_there, read_file, replacing
from .decode import CorruptPicture
from .generated_mark import mark_jpeg
from .labelled_images import LabelledImages
from .sheets import sheet

logger = logging.getLogger("hyponet")

COLUMNS = 8
MAX_PICTURES = 40  # of a set: five classes, a row each
MAX_BYTES = 1 << 20  # of a sheet; 40 pictures of noise have less


def keep_samples(data: LabelledImages, folder: Path) -> None:
    """Keep the first pictures of each class below `folder`, unless they are there; a set goes on without them."""
    path = folder / f"{data.content_key}.jpg"
    try:
        if is_there(path):
            return
        indices = _shown(data)
        packed = io.BytesIO()
        Image.fromarray(_sheet(data, indices)).save(packed, "JPEG", quality=88)
        jpeg = packed.getvalue()
        with replacing(path) as temporary:
            temporary.write_bytes(mark_jpeg(jpeg) if data.synthetic[indices].all() else jpeg)
    except (OSError, CorruptPicture) as error:  # a picture that a figure needs is asked for again, and says so itself
        logger.warning("pictures of %s for the report could not be kept: %s", data.name, error)


def _per_class(data: LabelledImages) -> int:
    return min(COLUMNS, max(1, MAX_PICTURES // len(data.class_names)))


def _shown(data: LabelledImages) -> list[int]:
    """Which pictures: as many of each class as there is room for."""
    by_class = [np.flatnonzero(data.labels == label)[: _per_class(data)] for label in range(len(data.class_names))]
    return [int(index) for members in by_class for index in members][:MAX_PICTURES]


def _sheet(data: LabelledImages, indices: list[int]) -> np.ndarray:
    """uint8 [H,W,3], whole classes in a row."""
    captions = [data.class_names[data.labels[index]] for index in indices]
    columns = COLUMNS // _per_class(data) * _per_class(data)
    return sheet((data.read(index) for index in indices), captions, columns=columns)


def kept_samples(folder: Path, content_key: str) -> bytes | None:
    """The sheet of the set with that key as JPEG; None where there is none."""
    if not re.fullmatch("[0-9a-f]{40}", content_key):  # it comes from a file that anybody may have written
        return None
    path = folder / f"{content_key}.jpg"
    try:
        return read_file(path) if path.stat().st_size <= MAX_BYTES else None
    except OSError:
        return None

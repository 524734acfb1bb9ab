"""ImageNet-1k's validation pictures: in class folders (n01440764/...), or flat with a file that says the classes.

Reads: the pictures, and for the flat layout one of GROUND_TRUTHS beside them, above them or at any depth below.
Classes are named by WordNet id, or by number (from 0, ids in order) where the file gives numbers.
"""

from __future__ import annotations

import csv
import io
import logging
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...files import read_file
from ..decode import has_picture_suffix
from ..labelled_images import LabelledImages, labelled
from .files import FilePictures, files_below
from .folders import read_folder

logger = logging.getLogger("hyponet")

WNID = re.compile(r"n\d{8}")
PICTURE = re.compile(r"ILSVRC2012_val_(\d{8})\.\w+", re.IGNORECASE)
_PACKED_BY_ZLIB = 15  # a kind of element in a MATLAB file of version 5
_MAX_MAT = 64 << 20  # bytes; the development kit's meta.mat has some two million
COUNT = 50_000  # validation pictures of ILSVRC2012
ADVICE = "get the validation pictures and the development kit of ILSVRC2012 from https://image-net.org/download"


def read_imagenet(path: Path, cache: Path | None = None) -> LabelledImages:
    """ImageNet's validation pictures.

    Raises:
        ValueError: neither layout is there, or the file with the classes is missing, short or foreign.
    """
    if not path.is_dir():
        raise ValueError(f"{path.name} is no folder; expected the unpacked validation pictures; {ADVICE}")
    if any(WNID.fullmatch(entry.name) for entry in path.iterdir() if entry.is_dir()):
        return read_folder(path, name="ImageNet validation", cache=cache)
    files, _, _ = files_below(path)
    names = [name for name in files if has_picture_suffix(name) and PICTURE.fullmatch(name.rpartition("/")[2])]
    if not names:
        raise ValueError(
            f"{path.name} has neither class folders (n01440764, ...) nor pictures called ILSVRC2012_val_00000001.JPEG; "
            f"expected one of the two; {ADVICE}"
        )
    if len(names) != COUNT:
        logger.warning("%s has %d of ImageNet's 50,000 validation pictures", path.name, len(names))
    class_of = _ground_truth(path)
    numbers = [int(PICTURE.fullmatch(Path(name).name)[1]) for name in names]  # type: ignore[index]
    missing = [number for number in numbers if number not in class_of]
    if missing:
        raise ValueError(
            f"the ground truth beside {path.name} has no class for picture {missing[0]}; expected all 50,000; {ADVICE}"
        )
    labels = [class_of[number] for number in numbers]
    classes = sorted(set(labels), key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name))
    number_of = {name: index for index, name in enumerate(classes)}
    source = FilePictures(path, names)
    return labelled("ImageNet validation", classes, [number_of[label] for label in labels], source, cache=cache)


def _ground_truth(path: Path) -> dict[int, str]:
    """Picture number -> class, from the first file of GROUND_TRUTHS that is there."""
    beside = sorted(path.parent.glob("*")) + sorted(path.parent.glob("*/data"))  # <kit>/data is the kit's own layout
    folders = [path, path.parent, *beside, *sorted(path.glob("*"))]
    for name, read in GROUND_TRUTHS.items():
        for folder in folders:
            if (folder / name).is_file():
                try:
                    return read(folder / name)
                except (ValueError, IndexError, KeyError, TypeError, zlib.error) as error:
                    raise ValueError(f"{name} is damaged or foreign ({error}); {ADVICE}") from None
    raise ValueError(
        f"no ground truth lies in or beside {path.name}; expected one of: {', '.join(GROUND_TRUTHS)}; {ADVICE}"
    )


def _listed(path: Path) -> dict[int, str]:
    """`ILSVRC2012_val_00000001.JPEG 65` a line: a class number from 0, or a WordNet id."""
    classes = {}
    for line in path.read_text("utf-8").splitlines():
        if line.strip():
            name, label = line.split()[:2]
            classes[_number(name)] = label
    return classes


def _solution(path: Path) -> dict[int, str]:
    """`ImageId,PredictionString` with `n03995372 85 1 499 272 ...` as the second column."""
    with open(path, newline="", encoding="utf-8") as file:
        return {_number(row["ImageId"]): row["PredictionString"].split()[0] for row in csv.DictReader(file)}


def _synsets(path: Path) -> dict[int, str]:
    """A WordNet id a line, in the order of the pictures."""
    return dict(enumerate(_all(WNID.fullmatch, path.read_text("utf-8").split()), 1))


def _official(path: Path) -> dict[int, str]:
    """ILSVRC2012_ID a line, 1 to 1000; the development kit's meta.mat says which WordNet ids they are."""
    kit = [path.parent / "meta.mat", path.parent.parent / "meta.mat", path.parent / "data" / "meta.mat"]
    meta = next((file for file in kit if file.is_file()), None)
    if meta is None:
        raise ValueError("its numbers are the development kit's own, whose meta.mat is missing beside it")
    rows = _read_mat(meta)["synsets"]
    wnids = {int(row[0]): str(row[1]) for row in rows if int(row[4]) == 0}  # row[4]: number of children; 0 is a class
    return {picture: wnids[int(number)] for picture, number in enumerate(path.read_text("ascii").split(), 1)}


def _read_mat(path: Path) -> dict[str, Any]:
    """The arrays of a MATLAB file; nothing is read of one that unpacks to more than a list of classes takes."""
    from scipy.io import loadmat  # comes with ComfyUI; slow to import

    stored = read_file(path)
    offset = 128  # bytes of the header; then elements, each of them a type and a number of bytes before it
    while offset + 8 <= len(stored):
        kind, size = struct.unpack_from("<II", stored, offset)
        packed = stored[offset + 8 : offset + 8 + size]
        if kind == _PACKED_BY_ZLIB and len(zlib.decompressobj().decompress(packed, _MAX_MAT + 1)) > _MAX_MAT:
            raise ValueError(f"{path.name} beside it unpacks to more than {_MAX_MAT:,} bytes")
        offset += 8 + size
    try:
        arrays: dict[str, Any] = loadmat(io.BytesIO(stored), squeeze_me=True)
    except Exception as error:  # noqa: BLE001 - scipy raises a dozen classes for damaged files
        raise ValueError(f"{path.name} beside it is no MATLAB file ({error})") from None
    return arrays


def _all(matches: Callable[[str], object], words: Sequence[str]) -> Sequence[str]:
    unmatched = [word for word in words if not matches(word)]
    if unmatched:
        raise ValueError(f"it has {unmatched[0]!r} where a WordNet id is expected")
    return words


def _number(name: str) -> int:
    return int(re.fullmatch(r"ILSVRC2012_val_(\d{8})(\.\w+)?", name)[1]) if name.startswith("ILSVRC2012_val_") else 0  # type: ignore[index]


GROUND_TRUTHS: dict[str, Callable[[Path], dict[int, str]]] = {
    "LOC_val_solution.csv": _solution,
    "val.txt": _listed,
    "imagenet_2012_validation_synset_labels.txt": _synsets,
    "ILSVRC2012_validation_ground_truth.txt": _official,
}

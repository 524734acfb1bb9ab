"""Sample photos and small test sets, laid where the shipped workflows look for their inputs.

`python3 dev.py serve` runs it over its own base folder.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tools.dev.setup import SMALL_MODEL_DATA
from tools.stand_ins.inception import write_random_weights

MAPPING = Path(__file__).resolve().parents[2] / "evaluation" / "pictures" / "mappings" / "imagenet.txt"
OWN_LABELS = ("horse", "ship", "truck")
# of the small model's test pictures, by their number in their class: what stands in for photos and sets of one's own
OWN_FOLDERS = {"real_pictures": range(12), "made_pictures": range(12, 22), "other_pictures": range(22, 32)}
LABELS = ("airplane", "automobile", "cat", "horse", "ship", "truck")


def write_inputs(folder: Path, *, only_photos: bool = False) -> None:
    """Sample photos and small test sets, below ComfyUI's input folder, where the workflows look for them.

    Args:
        only_photos: nothing that stands in for a picture of something else.
    """
    import skimage.data

    photos = Path(skimage.data.__file__).parent
    names = {"cat": "chelsea", "coffee": "coffee", "motorcycle": "motorcycle_left"}
    for label, photo in names.items():
        (folder / f"{label}.png").write_bytes((photos / f"{photo}.png").read_bytes())
    for label in ("example",) if only_photos else ("example", "horse", "ship", "truck", "automobile"):
        (folder / f"{label}.png").write_bytes((photos / "chelsea.png").read_bytes())
    if only_photos:
        return
    (folder / "samples").mkdir(exist_ok=True)
    for label in ("cat", "coffee"):
        (folder / "samples" / f"{label}.png").write_bytes((photos / f"{names[label]}.png").read_bytes())
    write_own(folder)
    for split, count in (("train", 3), ("test", 2)):
        write_pictures(folder / "cifar-10-batches-bin" / split, LABELS, count, 32)
    write_pictures(folder / "stl10_binary" / "test", ["car", *LABELS[2:]], 2, 96)
    write_pictures(folder / "imagenet-val", imagenet_classes(), 1, 64)


def write_own(folder: Path) -> None:
    """Class folders of real pictures of three classes, 32 px, in place of the user's own photos and sets."""
    with zipfile.ZipFile(SMALL_MODEL_DATA / "test_pictures.zip") as pictures:
        for name, numbers in OWN_FOLDERS.items():
            for label in OWN_LABELS:
                (folder / name / label).mkdir(parents=True, exist_ok=True)
                for number in numbers:
                    file = f"{label}/{number:03}.png"
                    (folder / name / file).write_bytes(pictures.read(f"test/{file}"))


def write_pictures(folder: Path, labels: Any, count: int, side: int) -> None:
    """Class folders of random pictures, each class of a colour of its own."""
    for number, label in enumerate(labels):
        draw = np.random.default_rng([number, side, len(folder.name)])
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = draw.integers(0, 128, (side, side, 3)) + draw.integers(0, 128, 3)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / label / f"{number}.png")


def imagenet_classes() -> list[str]:
    """The wnids that the shipped ImageNet mapping names."""
    text = MAPPING.read_text("utf-8")
    rows = [line.split("=", 1)[1] for line in text.splitlines() if "=" in line and not line.startswith("#")]
    return [source.split("|")[0].strip() for row in rows for source in row.split(",")]


def complete(base: Path) -> None:
    """Lay below the base folder of a server what is not there yet: somebody's own pictures may have these names."""
    with tempfile.TemporaryDirectory() as scratch:
        write_inputs(Path(scratch))
        for entry in Path(scratch).iterdir():
            target = base / "input" / entry.name
            if not os.path.lexists(target):  # whoever has a folder of that name has filled it as it should be
                copy = shutil.copytree if entry.is_dir() else shutil.copyfile
                copy(entry, target)
    write_random_weights(base / "models" / "inception")


if __name__ == "__main__":
    complete(Path(sys.argv[1]))

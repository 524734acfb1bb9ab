"""Sample photos and small test sets, laid where the shipped workflows look for their inputs.

`python3 dev.py serve` runs it over its own input folder.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

MAPPING = Path(__file__).resolve().parents[2] / "evaluation" / "pictures" / "mappings" / "imagenet.txt"
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
    for split, count in (("train", 3), ("test", 2)):
        write_pictures(folder / "cifar-10-batches-bin" / split, LABELS, count, 32)
    write_pictures(folder / "stl10_binary" / "test", ["car", *LABELS[2:]], 2, 96)
    write_pictures(folder / "imagenet-val", imagenet_classes(), 1, 64)


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


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "example.png").exists():  # else somebody's own pictures may lie under these names
        write_inputs(folder)

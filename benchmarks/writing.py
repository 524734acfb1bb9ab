"""How fast pictures are written, beside ComfyUI's SaveImage: writer calls only, 200 crops of real photos at 512x512.

    python benchmarks/writing.py [--comfyui DIR] [--pictures N] [--rounds N]

Prints the median ratio of images/s over interleaved rounds, the ratio of bytes, and whether every decoded pixel is the
same. DIR is ComfyUI's source; HYPONET_COMFYUI is taken when it is left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent))

from pack import load_pack

load_pack()
from hyponet.nodes.dataset.store.description import SetSpec  # noqa: E402
from hyponet.nodes.dataset.store.provenance import Provenance  # noqa: E402
from hyponet.nodes.dataset.store.writable_store import WritableStore  # noqa: E402
from hyponet.nodes.dataset.store.writer import BackgroundWriter  # noqa: E402
from hyponet.nodes.prompts.item import Item  # noqa: E402

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "stereo_motorcycle")
PROMPT = {str(node): {"class_type": "KSampler", "inputs": {"seed": node}} for node in range(10)}
WORKFLOW = {"nodes": [{"id": node, "type": "KSampler", "pos": [node, node]} for node in range(10)]}


def crops(count: int) -> np.ndarray:
    """[count, 512, 512, 3] uint8: random places of scikit-image's photos at random sizes."""
    from skimage import data

    rng = np.random.default_rng(0)
    photos = []
    for name in PHOTOS:
        photo = getattr(data, name)()
        photos.append(Image.fromarray(np.asarray(photo[0] if isinstance(photo, tuple) else photo)[..., :3]))
    crops = np.empty((count, 512, 512, 3), np.uint8)
    for index in range(count):
        photo = photos[index % len(photos)]
        side = int(rng.integers(256, min(photo.size) + 1))
        left, top = (int(rng.integers(0, length - side + 1)) for length in photo.size)
        crop = photo.crop((left, top, left + side, top + side))
        crops[index] = np.asarray(crop.resize((512, 512), Image.Resampling.BICUBIC))
    return crops


def save_image(comfyui: str, folder: Path) -> Any:
    """A SaveImage that writes to `folder`."""
    sys.path.insert(0, comfyui)
    import comfy.cli_args

    comfy.cli_args.args.cpu = True
    import folder_paths

    folder_paths.set_output_directory(str(folder))
    import nodes

    return nodes.SaveImage()


def time_native(saver: Any, images: Any) -> float:
    begin = time.perf_counter()
    for start in range(0, len(images), 8):
        saver.save_images(images[start : start + 8], "native/p", PROMPT, {"workflow": WORKFLOW})
    return time.perf_counter() - begin


def time_ours(base: Path, images: Any) -> float:
    """Float batches to files, as Generate does: the same work as SaveImage's, and manifest, hash and data set too."""
    provenance = Provenance(prompt=PROMPT, workflow=WORKFLOW, parameters={"Steps": 30, "Sampler": "euler"})
    store = WritableStore.create_or_open(base, "ours", SetSpec({}, {}, provenance))
    begin = time.perf_counter()
    with BackgroundWriter(store) as writer:
        for start in range(0, len(images), 8):
            batch = np.clip(255.0 * images[start : start + 8].numpy(), 0, 255).astype(np.uint8)
            for rank, image in enumerate(batch, start):
                writer.put(Item("photo", rank, 0, "a photo", "", (), rank), image)
    taken = time.perf_counter() - begin
    store.close()
    return taken


def same_pixels(base: Path) -> bool:
    """Whether both wrote the same pictures."""
    native = sorted((base / "native").glob("*.png"))
    ours = sorted((base / "ours" / "photo").glob("*.png"))
    if len(native) != len(ours):
        return False
    pairs = zip(native, ours, strict=True)
    return all(np.array_equal(np.asarray(Image.open(a)), np.asarray(Image.open(b))) for a, b in pairs)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.png"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--comfyui", default=os.environ.get("HYPONET_COMFYUI", ""))
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not options.comfyui:
        parser.error("give ComfyUI's source by --comfyui or HYPONET_COMFYUI")
    import torch

    images = torch.from_numpy(crops(options.pictures)).float() / 255
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        saver = save_image(options.comfyui, base)
        for number in range(options.rounds):
            for name in ("native", "ours", "ours.work", "ours.sheets"):
                shutil.rmtree(base / name, ignore_errors=True)
            native, ours = time_native(saver, images), time_ours(base, images)
            ratios.append(native / ours)
            print(f"round {number + 1}: SaveImage {len(images) / native:.1f} images/s, ours {len(images) / ours:.1f}")
        sizes = size(base / "ours") / size(base / "native")
        same = same_pixels(base)
    print(f"ours writes {statistics.median(ratios):.1f} times as many images/s, {sizes:.2f} times the bytes")
    print(f"decoded pixels equal: {same}")
    sys.exit(not same)


if __name__ == "__main__":
    main()

"""The shipped workflows made small enough for a CPU: stand-in models, few steps, few pictures, by overrides alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .workflows_builder.models import ESRGAN, SD14, SD15, SDXL, SDXL_REFINER

API = Path(__file__).resolve().parent.parent.parent / "workflows" / "api"
PER_CLASS = 2
SIDE = 64
LABELS = ("airplane", "automobile", "cat", "horse", "ship", "truck")
CHECKPOINTS = {
    SD14.name: "tiny_sd15.ckpt",
    SD15.name: "tiny_sd15.ckpt",
    SDXL.name: "tiny_sdxl.ckpt",
    SDXL_REFINER.name: "tiny_sdxl_refiner.safetensors",
}
WIDGETS: dict[str, dict[str, Any]] = {
    "HypoNetLoadClassifier": {"model_name": "tf_efficientnet_lite0.safetensors"},
    "HypoNetPlanDataset": {"images_per_class": PER_CLASS},
    "HypoNetGenerateDataset": {"width": SIDE, "height": SIDE, "steps": 2, "batch_size": 10},
    "EmptyLatentImage": {"width": SIDE, "height": SIDE},
    "KSampler": {"steps": 2},
    "ImageScale": {"width": SIDE, "height": SIDE},
    "HypoNetMakeContactSheet": {"cell": 32},
    "HypoNetSampleImages": {"per_class": 1},
    "HypoNetCaptionImages": {"captioner": "template"},
    "HypoNetTrainLora": {"resolution": SIDE, "min_bucket": SIDE, "epochs": 1, "batch_size": 3, "rank": 2},
    "HypoNetTrainClassifier": {"epochs": 1, "batch_size": 8},
    "HypoNetPlotDistortion": {"kinds": "noise", "strengths": "0.2, 1"},
}
FREEU = "tiny_sd15_freeu.safetensors"  # the smallest stand-in on whose layers FreeU acts


def shrunken(name: str, **titled: Mapping[str, Any]) -> dict[str, Any]:
    """The API form of the workflow `name`, made small.

    Args:
        titled: further widgets by node title, after everything else.
    """
    graph = copy.deepcopy(json.loads((API / f"{name}.json").read_text("utf-8")))
    for node in graph.values():
        inputs, kind = node["inputs"], node["class_type"]
        inputs.update(WIDGETS.get(kind, {}))
        if kind == "CheckpointLoaderSimple":
            inputs["ckpt_name"] = CHECKPOINTS[inputs["ckpt_name"]]
        elif kind == "LoraLoader":
            inputs["lora_name"] = f"tiny_{'sdxl' if 'sdxl' in inputs['lora_name'] else 'sd15'}_lora.safetensors"
        elif kind == "UpscaleModelLoader":
            assert inputs["model_name"] == ESRGAN.name
            inputs["model_name"] = "tiny_RealESRGAN_x4.pth"
        elif kind == "HypoNetLoadLabelledImages" and inputs["source"] in ("CIFAR-10", "STL-10"):
            inputs["source"] = "image folder"
    for title, widgets in titled.items():
        (node,) = (node for node in graph.values() if node["_meta"]["title"] == title)
        assert set(widgets) <= set(node["inputs"]), f"{title} has no such widget"
        node["inputs"].update(widgets)
    return graph


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
        for place in range(count):
            pixels = draw.integers(0, 128, (side, side, 3)) + draw.integers(0, 128, 3)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / label / f"{place}.png")


def imagenet_classes() -> list[str]:
    """The wnids that the shipped ImageNet mapping names."""
    text = (API.parent.parent / "evaluation" / "pictures" / "mappings" / "imagenet.txt").read_text("utf-8")
    rows = [line.split("=", 1)[1] for line in text.splitlines() if "=" in line and not line.startswith("#")]
    return [source.split("|")[0].strip() for row in rows for source in row.split(",")]

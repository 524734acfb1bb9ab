"""The workflows of today's families over stand-ins: each item is the picture that the native nodes draw alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from hyponet.tests.tools.shrunken import FAMILY_MODELS, PER_CLASS, SIDE, shrunken
from hyponet.tools.workflows.builder.families import FAMILIES

EMPTY = {"19_flux2_dev": "EmptyFlux2LatentImage"}
SDXL = "21_sdxl_lightning"  # its encoders are of full size and slow; test_sampling.py compares it with the native nodes


def only(graph, kind):
    (found,) = ((key, node["inputs"]) for key, node in graph.items() if node["class_type"] == kind)
    return found


def native(graph, line, name):
    """The graph of ComfyUI's own nodes for one item, from the loaders of `graph` on."""
    _, settings = only(graph, "HypoNetGenerateDataset")
    size = {"width": SIDE, "height": SIDE, "batch_size": 1}
    sampling = {key: settings[key] for key in ("steps", "cfg", "sampler_name", "scheduler")}
    nodes = {
        "latent": {"class_type": EMPTY.get(name, "EmptySD3LatentImage"), "inputs": size},
        "save": {"class_type": "SaveImage", "inputs": {"images": ["decode", 0], "filename_prefix": f"native_{name}"}},
        "decode": {"class_type": "VAEDecode", "inputs": {"samples": ["sample", 0], "vae": settings["vae"]}},
        "sample": {
            "class_type": "KSampler",
            "inputs": {
                **{"model": settings["model"], "positive": ["yes", 0], "negative": ["no", 0]},
                **{"latent_image": ["latent", 0], "seed": line["seed"], "denoise": 1.0, **sampling},
            },
        },
    }
    for key, text in (("yes", line["prompt"]), ("no", line["negative"])):
        nodes[key] = {"class_type": "CLIPTextEncode", "inputs": {"clip": settings["clip"], "text": text}}
    if "options" in settings:
        _, options = only(graph, "HypoNetSamplingOptions")
        guided = {"conditioning": ["yes", 0], "guidance": options["guidance"]}
        nodes["guided"] = {"class_type": "FluxGuidance", "inputs": guided}
        nodes["sample"]["inputs"]["positive"] = ["guided", 0]
    loaders = {key: node for key, node in graph.items() if not node["class_type"].startswith("HypoNet")}
    return {**loaders, **nodes}


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_makes_a_set_whose_pictures_are_the_native_ones(comfy, family):
    graph = shrunken(f"hyponet_{family.name}")
    _, settings = only(graph, "HypoNetGenerateDataset")
    is_sdxl = family.name == SDXL
    per_class = only(graph, "HypoNetPlanDataset")[1]["images_per_class"] = 1 if is_sdxl else PER_CLASS
    comfy.run(graph)
    folder = comfy.datasets / settings["name"]
    lines = [json.loads(line) for line in (folder / "metadata.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) == 2 * per_class
    description = json.loads((folder / "dataset.json").read_text("utf-8"))
    assert description["identity"].get("guidance") == family.guidance
    assert "graph.options" not in description["identity"]
    names = {file["name"] for file in description["provenance"]["models"]}
    assert FAMILY_MODELS[family.name] in names
    assert len(names) == 1 + len(family.clips) + (family.vae is not None)
    pictures = [pixels(folder / line["file_name"]) for line in lines]
    assert {picture.shape for picture in pictures} == {(SIDE, SIDE, 3)}
    assert min(np.abs(pictures[0] - picture).mean() for picture in pictures[1:]) > 2
    if is_sdxl:
        return
    comfy.run(native(graph, lines[-1], family.name))
    (alone,) = comfy.output.glob(f"native_{family.name}*.png")
    assert np.abs(pictures[-1] - pixels(alone)).max() <= 2

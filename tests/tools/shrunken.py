"""The shipped workflows made small enough for a CPU: stand-in models, few steps, few pictures, by overrides alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from tools.dev.places import ROOT
from tools.node_names import short_name

from ...tools.workflows.builder.families import FAMILIES
from ...tools.workflows.builder.models import ESRGAN, SD14, SD15, SDXL, SDXL_REFINER

API = ROOT / "workflows" / "api"
PER_CLASS = 2
SIDE = 64
CHECKPOINTS = {
    SD14.name: "tiny_sd15.ckpt",
    SD15.name: "tiny_sd15.ckpt",
    SDXL.name: "tiny_sdxl.ckpt",
    SDXL_REFINER.name: "tiny_sdxl_refiner.safetensors",
}
FAMILY_MODELS = {
    "15_z_image_turbo": "tiny_z_image.safetensors",
    "16_qwen_image": "tiny_qwen_image.safetensors",
    "17_flux1_dev": "tiny_flux_dev.safetensors",
    "18_flux1_schnell": "tiny_flux_schnell.safetensors",
    "19_flux2_dev": "tiny_flux2.safetensors",
    "20_sd35": "tiny_sd35.safetensors",
    "21_sdxl_lightning": "tiny_sdxl.ckpt",
}
FAMILY_FILES = {family.model.name: FAMILY_MODELS[family.name] for family in FAMILIES} | {
    "clip_l.safetensors": "tiny_clip_l.pt",
    "clip_g.safetensors": "tiny_clip_g.pt",
    "t5xxl_fp16.safetensors": "tiny_t5xxl.pt",
    "qwen_3_4b.safetensors": "tiny_qwen3_4b.safetensors",
    "qwen_2.5_vl_7b_fp8_scaled.safetensors": "tiny_qwen25_7b.safetensors",
    "mistral_3_small_flux2_bf16.safetensors": "tiny_mistral.safetensors",
    "ae.safetensors": "tiny_flux_vae.safetensors",
    "flux2-vae.safetensors": "tiny_flux2_vae.safetensors",
    "qwen_image_vae.safetensors": "tiny_qwen_image_vae.safetensors",
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
        titled: further widgets by node title, or its short form, after everything else.
    """
    graph = copy.deepcopy(json.loads((API / f"{name}.json").read_text("utf-8")))
    for node in graph.values():
        inputs, kind = node["inputs"], node["class_type"]
        inputs.update(WIDGETS.get(kind, {}))
        if kind in ("UNETLoader", "VAELoader", "CLIPLoader", "DualCLIPLoader", "TripleCLIPLoader"):
            inputs.update({widget: FAMILY_FILES.get(value, value) for widget, value in inputs.items()})
        elif kind == "CheckpointLoaderSimple":
            inputs["ckpt_name"] = (CHECKPOINTS | FAMILY_FILES)[inputs["ckpt_name"]]
        elif kind == "LoraLoader":
            inputs["lora_name"] = f"tiny_{'sdxl' if 'sdxl' in inputs['lora_name'] else 'sd15'}_lora.safetensors"
        elif kind == "UpscaleModelLoader":
            assert inputs["model_name"] == ESRGAN.name
            inputs["model_name"] = "tiny_RealESRGAN_x4.pth"
        elif kind == "HypoNetLoadLabelledImages" and inputs["source"] in ("CIFAR-10", "STL-10"):
            inputs["source"] = "image folder"
    for title, widgets in titled.items():
        whole = {id_: node["_meta"]["title"] for id_, node in graph.items()}
        (node,) = (graph[id_] for id_, given in whole.items() if title in (given, short_name(given)))
        assert set(widgets) <= set(node["inputs"]), f"{title} has no such widget"
        node["inputs"].update(widgets)
    return graph

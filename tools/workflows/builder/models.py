"""The model files that the workflows name, with where to get them."""

from __future__ import annotations

from dataclasses import dataclass

from .graph import Flow, Node

HUB = "https://huggingface.co"


@dataclass(frozen=True)
class LinkedModel:
    """A file in one of ComfyUI's model folders, and its link for the editor's missing-models dialog."""

    name: str
    url: str
    directory: str

    def as_property(self) -> dict[str, str]:
        return {"name": self.name, "url": self.url, "directory": self.directory}


SD14 = LinkedModel(
    "sd-v1-4.ckpt", f"{HUB}/CompVis/stable-diffusion-v-1-4-original/resolve/main/sd-v1-4.ckpt", "checkpoints"
)
SD15 = LinkedModel(
    "v1-5-pruned-emaonly-fp16.safetensors",
    f"{HUB}/Comfy-Org/stable-diffusion-v1-5-archive/resolve/main/v1-5-pruned-emaonly-fp16.safetensors",
    "checkpoints",
)
SDXL = LinkedModel(
    "sd_xl_base_1.0.safetensors",
    f"{HUB}/stabilityai/stable-diffusion-xl-base-1.0/resolve/main/sd_xl_base_1.0.safetensors",
    "checkpoints",
)
SDXL_REFINER = LinkedModel(
    "sd_xl_refiner_1.0.safetensors",
    f"{HUB}/stabilityai/stable-diffusion-xl-refiner-1.0/resolve/main/sd_xl_refiner_1.0.safetensors",
    "checkpoints",
)
ESRGAN = LinkedModel(
    "RealESRGAN_x4plus.safetensors",
    f"{HUB}/Comfy-Org/Real-ESRGAN_repackaged/resolve/main/RealESRGAN_x4plus.safetensors",
    "upscale_models",
)
RESNET50 = "resnet50.tv_in1k (download 98 MB)"
FID_NETWORK = "FID Inception v3 (2015-12-05)"
TORCHVISION_NETWORK = "torchvision Inception v3 (ImageNet-1k)"
DINO_NETWORK, CLIP_NETWORK = "DINOv2 ViT-L/14", "CLIP ViT-L/14 at 336 px"


def load_checkpoint(flow: Flow, model: LinkedModel, title: str = "") -> Node:
    """A native checkpoint loader that says where its file comes from."""
    node = flow.add("CheckpointLoaderSimple", title, ckpt_name=model.name)
    node.models.append(model.as_property())
    return node


def load_classifier(flow: Flow, title: str = "") -> Node:
    """Load Classifier at ResNet-50 with ImageNet weights."""
    return flow.add("HypoNetLoadClassifier", title, model_name=RESNET50)

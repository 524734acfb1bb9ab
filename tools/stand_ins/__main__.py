"""python -m tools.stand_ins MODELS_DIR COMFYUI_DIR"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from .efficientnet import write_checkpoint
from .encoders import TEXT_L, taesd
from .families import write_families
from .files import save_sparse, save_views
from .models import lora, real_esrgan, sd15, sdxl, sdxl_refiner
from .weights import Weights


def write_all(folder: Path) -> None:
    """Write every stand-in below `folder`, laid out like ComfyUI's models."""
    small, xl = sd15((1, 2), middle=True), sdxl()
    save_views(folder / "checkpoints" / "tiny_sd15.ckpt", small)
    save_sparse(folder / "checkpoints" / "tiny_sd15_freeu.safetensors", sd15((1, 2, 4), middle=False).tensors)
    save_views(folder / "checkpoints" / "tiny_sdxl.ckpt", xl, seed=1)
    save_sparse(folder / "checkpoints" / "tiny_sdxl_refiner.safetensors", sdxl_refiner().tensors)
    about = {"ss_network_module": "networks.lora", "ss_network_dim": "4", "ss_network_alpha": "4"}
    small_lora = lora(small.tensors, TEXT_L, "lora_te_text_model_")
    xl_lora = lora(xl.tensors, "conditioner.embedders.0.transformer.text_model.", "lora_te1_text_model_")
    save_sparse(folder / "loras" / "tiny_sd15_lora.safetensors", small_lora, about)
    save_sparse(folder / "loras" / "tiny_sdxl_lora.safetensors", xl_lora, about)
    upscaler = {name: torch.from_numpy(value) for name, value in real_esrgan().items()}
    (folder / "upscale_models").mkdir(parents=True, exist_ok=True)
    torch.save({"params_ema": upscaler}, folder / "upscale_models" / "tiny_RealESRGAN_x4.pth")
    autoencoder = Weights(0)
    taesd(autoencoder, prefix="")
    save_sparse(folder / "vae" / "tiny_vae.safetensors", autoencoder.tensors)

    write_checkpoint(folder / "classifiers" / "tf_efficientnet_lite0.safetensors")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
    write_families(Path(sys.argv[1]), Path(sys.argv[2]))

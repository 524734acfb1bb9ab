"""The stand-ins of today's families, loaded in this process as the native loaders do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

MODELS = Path(os.environ.get("HYPONET_MODELS", ""))


@dataclass(frozen=True)
class Family:
    """A family's files, by the names that the loaders list, and what ComfyUI takes it for.

    Args:
        config: the class of its model config.
        model: a file of diffusion_models, or a checkpoint.
        clips: files of text_encoders.
        clip_type: of their loader.
        vae: a file of vae; "" where the checkpoint has one.
    """

    config: str
    model: str
    clips: tuple[str, ...]
    clip_type: str
    vae: str = ""

    def load(self) -> SimpleNamespace:
        """MODEL, CLIP and VAE in this process."""
        import comfy.sd
        import comfy.utils

        from tools.stand_ins import file_sizes

        file_sizes.install()
        kind = getattr(comfy.sd.CLIPType, self.clip_type.upper())
        clip = comfy.sd.load_clip([str(MODELS / "text_encoders" / name) for name in self.clips], clip_type=kind)
        if not self.vae:
            model, _, vae, _ = comfy.sd.load_checkpoint_guess_config(str(MODELS / "checkpoints" / self.model))
        else:
            model = comfy.sd.load_diffusion_model(str(MODELS / "diffusion_models" / self.model))
            vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(MODELS / "vae" / self.vae)))
        return SimpleNamespace(model=model, clip=clip, vae=vae)


CLIP_L, CLIP_G, T5 = "tiny_clip_l.pt", "tiny_clip_g.pt", "tiny_t5xxl.pt"
FLUX_VAE = "tiny_flux_vae.safetensors"
FAMILIES = {
    "SD3.5": Family("SD3", "tiny_sd35.safetensors", (CLIP_L, CLIP_G, T5), "sd3"),
    "FLUX.1 dev": Family("Flux", "tiny_flux_dev.safetensors", (CLIP_L, T5), "flux", FLUX_VAE),
    "FLUX.1 schnell": Family("FluxSchnell", "tiny_flux_schnell.safetensors", (CLIP_L, T5), "flux", FLUX_VAE),
    "FLUX.2": Family(
        "Flux2", "tiny_flux2.safetensors", ("tiny_mistral.safetensors",), "flux", "tiny_flux2_vae.safetensors"
    ),
    "Z-Image": Family("ZImage", "tiny_z_image.safetensors", ("tiny_qwen3_4b.safetensors",), "lumina2", FLUX_VAE),
    "Qwen-Image": Family(
        "QwenImage",
        "tiny_qwen_image.safetensors",
        ("tiny_qwen25_7b.safetensors",),
        "qwen_image",
        "tiny_qwen_image_vae.safetensors",
    ),
}

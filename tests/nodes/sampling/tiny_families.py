"""Diffusion models of newer families by ComfyUI's own classes, small and with random weights, and texts for them.

The texts are numbers of the shapes and by the names that the family's encoder in comfy/text_encoders gives: a model of
joint attention has to be shown other texts, not understand them.
"""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace

import torch

from hyponet.nodes.sampling.encoding import Encoder

FLUX = {
    "image_model": "flux", "in_channels": 16, "out_channels": 16, "patch_size": 2, "hidden_size": 32, "num_heads": 2,
    "axes_dim": [4, 6, 6], "mlp_ratio": 4.0, "theta": 10000, "qkv_bias": True, "depth": 1, "depth_single_blocks": 1,
    "context_in_dim": 24, "vec_in_dim": 8, "guidance_embed": True,
}  # fmt: skip
LUMINA = {
    "image_model": "lumina2", "patch_size": 2, "in_channels": 16, "dim": 256, "n_layers": 1, "n_refiner_layers": 1,
    "n_heads": 2, "n_kv_heads": 2, "cap_feat_dim": 24, "axes_dims": [32, 48, 48], "axes_lens": [64, 64, 64],
    "multiple_of": 16, "qk_norm": True, "z_image_modulation": True, "time_scale": 1000.0, "pad_tokens_multiple": 32,
}  # fmt: skip
QWEN = {
    "image_model": "qwen_image", "in_channels": 64, "num_layers": 1, "attention_head_dim": 16,
    "joint_attention_dim": 24, "num_attention_heads": 2, "axes_dims_rope": (4, 6, 6),
}  # fmt: skip
SD3 = {
    "in_channels": 16, "pos_embed_scaling_factor": None, "patch_size": 2, "depth": 2, "adm_in_channels": 8,
    "input_size": None, "pos_embed_max_size": 16, "num_patches": 256, "qk_norm": "rms", "x_block_self_attn_layers": [],
    "context_embedder_config": {"target": "torch.nn.Linear", "params": {"in_features": 24, "out_features": 128}},
}  # fmt: skip
# family: class in comfy.supported_models, its configuration, what the encoder gives: pooled, mask, lengths that vary
FAMILIES = {
    "flux": ("Flux", FLUX, True, False, False),
    "schnell": ("FluxSchnell", {**FLUX, "guidance_embed": False}, True, False, False),
    "z_image": ("ZImage", LUMINA, False, True, True),
    "qwen_image": ("QwenImage", QWEN, False, True, True),
    "sd3": ("SD3", SD3, True, False, False),
}


def tiny_family(comfyui, name):
    """MODEL and an encoder of one of FAMILIES."""
    import comfy.model_patcher
    import comfy.supported_models
    from comfy.ldm.flux.model import FluxParams

    kind, config, *texts = FAMILIES[name]
    if kind.startswith("Flux") and "txt_ids_dims" in {field.name for field in fields(FluxParams)}:
        config = {**config, "txt_ids_dims": []}  # newer than 0.3.75; what the loaders state of FLUX.1
    family = getattr(comfy.supported_models, kind)(config)
    family.set_inference_dtype(torch.float32, None)
    with torch.inference_mode(False):
        model = family.get_model({}, "", device="cpu")
        generator = torch.Generator().manual_seed(3)
        for weight in (*model.diffusion_model.parameters(), *model.diffusion_model.buffers()):
            weight.data.copy_(0.2 * torch.randn(weight.shape, generator=generator) + (weight.ndim == 1))
    patcher = comfy.model_patcher.ModelPatcher(model, torch.device("cpu"), torch.device("cpu"))
    return SimpleNamespace(model=patcher, vae=None, encoder=Encoder(Texts(*texts), lambda: None))


class Texts:
    """A CLIP whose texts are random numbers that the text decides."""

    patcher = None

    def __init__(self, pooled, mask, varies, width=24):
        self.pooled, self.mask, self.varies, self.width = pooled, mask, varies, width

    def tokenize(self, text):
        return text

    def encode_from_tokens_scheduled(self, text):
        generator = torch.Generator().manual_seed(sum(map(ord, text)))
        tokens = torch.randn(1, 4 + len(text.split()) if self.varies else 16, self.width, generator=generator)
        extras = {"pooled_output": torch.randn(1, 8, generator=generator) if self.pooled else None}
        if self.mask:
            extras["attention_mask"] = torch.ones(1, tokens.shape[1], dtype=torch.long)
        return [[tokens, extras]]

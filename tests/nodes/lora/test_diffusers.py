"""Our LoRA files in diffusers' own loader, where diffusers and peft are installed: every factor reaches its layer."""

from __future__ import annotations

import pytest
import torch

from hyponet.nodes.lora import lora_file
from hyponet.nodes.lora.adapter import make_layers
from hyponet.nodes.lora.settings import LoraSettings

from .test_engine import KOHYA

diffusers = pytest.importorskip("diffusers", reason="no diffusers: pip install diffusers peft accelerate")
pytest.importorskip("peft", reason="no peft: pip install diffusers peft accelerate")

# the blocks of SD 1.5 and of SDXL's base, a tenth as wide
NARROW = {
    "sd1": {"block_out_channels": (32, 64, 128, 128), "cross_attention_dim": 768, "attention_head_dim": 8},
    "sdxl": {
        "block_out_channels": (32, 64, 128),
        "cross_attention_dim": 2048,
        "attention_head_dim": (1, 2, 4),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 2, 10),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
    },
}


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_diffusers_adds_to_each_layer_what_we_trained_for_it(engine, family, tmp_path):
    """What fusing adds to a weight is up @ down * alpha / rank of the layer that ComfyUI's own table calls the same."""
    import comfy.model_detection
    import comfy.model_patcher
    import comfy.utils

    from hyponet.nodes.lora.unet import key_map, trainable_modules

    config, count, _ = KOHYA[family]
    known = comfy.model_detection.model_config_from_unet_config(dict(config))
    known.unet_config.update(dtype=torch.float32, model_channels=32)
    patcher = comfy.model_patcher.ModelPatcher(known.get_model({}, "", device="meta"), "meta", "meta")
    modules = trainable_modules(patcher)
    layers = make_layers(modules, 2, 1.0, torch.Generator().manual_seed(0))
    for layer in layers.values():
        torch.nn.init.normal_(layer.up.data)
    description = lora_file.LoraDescription(LoraSettings(rank=2), family, "epsilon", False, "x", {}, 1, {(64, 64): 1})
    names = lora_file.kohya_names(key_map(patcher), list(layers), family)
    path = tmp_path / "x.safetensors"
    lora_file.write(path, lora_file.file_bytes(lora_file.tensors_of(layers, names), description.metadata()))

    unet = diffusers.UNet2DConditionModel(**NARROW[family])
    before = {name: value.clone() for name, value in unet.state_dict().items()}
    mixins = diffusers.loaders
    is_sd1 = family == "sd1"
    loader = mixins.StableDiffusionLoraLoaderMixin if is_sd1 else mixins.StableDiffusionXLLoraLoaderMixin
    state, alphas = loader.lora_state_dict(path, unet_config=unet.config)[:2]
    loader.load_lora_into_unet(state, network_alphas=alphas, unet=unet)
    unet.fuse_lora()
    fused = {name.replace(".base_layer", ""): value for name, value in unet.state_dict().items() if "lora_" not in name}
    called = comfy.utils.unet_to_diffusers(known.unet_config)
    reached = set()
    for name, value in before.items():
        module, _, kind = called.get(name, "").rpartition(".")
        added = fused[name] - value
        if kind == "weight" and module in layers:
            down, up = (part.detach().half().float() for part in (layers[module].down, layers[module].up))
            torch.testing.assert_close(added.flatten(1), up.flatten(1) @ down.flatten(1) / 2, rtol=1e-3, atol=1e-4)
            reached.add(module)
        else:
            assert not added.any(), name
    assert len(reached) == count

"""Our LoRA files in diffusers' own loader: it adds to each layer what ComfyUI's native loader adds, and to no other."""

from __future__ import annotations

import diffusers
import pytest
import safetensors.torch
import torch

from hyponet.nodes.lora import lora_file
from hyponet.nodes.lora.adapter import make_layers
from hyponet.nodes.lora.settings import LoraSettings

from .test_engine import KOHYA

RANK, ALPHA = 2, 1.0

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
LOADERS = {
    "sd1": diffusers.loaders.StableDiffusionLoraLoaderMixin,
    "sdxl": diffusers.loaders.StableDiffusionXLLoraLoaderMixin,
}


def narrow_model(family):
    """ComfyUI's MODEL of NARROW, without weights."""
    import comfy.model_detection
    import comfy.model_patcher

    known = comfy.model_detection.model_config_from_unet_config(dict(KOHYA[family][0]))
    known.unet_config.update(dtype=torch.float32, model_channels=32)
    return comfy.model_patcher.ModelPatcher(known.get_model({}, "", device="meta"), "meta", "meta")


def write_lora(path, patcher, family):
    """A LoRA of every layer that we train, neither of whose factors is zero; by weight what it is to add, by hand."""
    from hyponet.nodes.lora.unet import key_map, trainable_modules

    layers = make_layers(trainable_modules(patcher), RANK, ALPHA, torch.Generator().manual_seed(0))
    for layer in layers.values():
        torch.nn.init.normal_(layer.up.data, generator=torch.Generator().manual_seed(1))
    settings = LoraSettings(rank=RANK, alpha=ALPHA)
    description = lora_file.LoraDescription(settings, family, "epsilon", False, "x", {}, 1, {(64, 64): 1})
    names = lora_file.kohya_names(key_map(patcher), list(layers), family)
    lora_file.write(path, lora_file.file_bytes(lora_file.tensors_of(layers, names), description.metadata()))
    halves = {name: [part.detach().half().float().flatten(1) for part in (x.up, x.down)] for name, x in layers.items()}
    return {f"{name}.weight": up @ down * ALPHA / RANK for name, (up, down) in halves.items()}


def added_by_comfyui(path, patcher):
    """Weight of the UNet -> what ComfyUI's own loader adds to it."""
    import comfy.lora

    keys = comfy.lora.model_lora_keys_unet(patcher.model, {})
    patches = comfy.lora.load_lora(safetensors.torch.load_file(path), keys)
    shapes = {name: value.shape for name, value in patcher.model.state_dict().items()}
    return {
        name.removeprefix("diffusion_model."): comfy.lora.calculate_weight(
            [(1.0, patch, 1.0, None, None)], torch.zeros(shapes[name]), name
        )
        for name, patch in patches.items()
    }


def added_by_diffusers(path, family):
    """Weight of the UNet -> what fusing in diffusers adds to it."""
    torch.manual_seed(0)
    unet = diffusers.UNet2DConditionModel(**NARROW[family])
    before = {name: value.clone() for name, value in unet.state_dict().items()}
    state, alphas = LOADERS[family].lora_state_dict(path, unet_config=unet.config)[:2]
    LOADERS[family].load_lora_into_unet(state, network_alphas=alphas, unet=unet)
    unet.fuse_lora()
    fused = {name.replace(".base_layer", ""): value for name, value in unet.state_dict().items() if "lora_" not in name}
    return {name: fused[name] - value for name, value in before.items()}


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_diffusers_adds_to_each_layer_what_the_native_loader_adds(engine, family, tmp_path):
    """Layers are held against each other by ComfyUI's own table of what diffusers calls them."""
    import comfy.utils

    path = tmp_path / "x.safetensors"
    patcher = narrow_model(family)
    by_hand = write_lora(path, patcher, family)
    native = added_by_comfyui(path, patcher)
    assert native.keys() == by_hand.keys()
    for name, added in native.items():
        torch.testing.assert_close(added.flatten(1), by_hand[name], rtol=1e-4, atol=1e-5)
    called = comfy.utils.unet_to_diffusers(patcher.model.model_config.unet_config)
    assert len(native) == KOHYA[family][1]
    reached = set()
    for name, added in added_by_diffusers(path, family).items():
        expected = native.get(called.get(name, ""))
        if expected is None:
            assert not added.any(), name
        else:
            assert expected.any(), name
            torch.testing.assert_close(added.flatten(1), expected.flatten(1), rtol=1e-4, atol=1e-5)
            reached.add(called[name])
    assert reached == set(native)

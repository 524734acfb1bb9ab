"""Today's families, a tiny model of each in the files that the native loaders take: shapes from ComfyUI's own classes.

    checkpoints/tiny_sd35.safetensors                   MODEL and a VAE of 16 channels, without text encoders
    diffusion_models/tiny_{flux_dev,flux_schnell,flux2,z_image,qwen_image}.safetensors
    text_encoders/tiny_{clip_l,clip_g,t5xxl}.pt         for SD3.5 (all three), FLUX.1 (the first and the last)
    text_encoders/tiny_{qwen3_4b,qwen25_7b,mistral}.safetensors   for Z-Image, Qwen-Image, FLUX.2
    vae/tiny_{flux,flux2,qwen_image}_vae.safetensors    Z-Image takes that of FLUX.1

ComfyUI loads them with `file_sizes` beside it: the number of heads and the sizes of text encoders stand in its code.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .encoders import taesd, token_table
from .file_sizes import HEAD, NOMINAL_WIDTH
from .files import save_sparse, save_views
from .weights import Weights, Zeros

T5_MARK = "encoder.block.23.layer.1.DenseReluDense.wi_1.weight"  # by which ComfyUI knows T5-XXL
CLIP_G_MARK = "text_model.encoder.layers.30.mlp.fc1.weight"
SHARPENED = ("key_norm.scale", "ln_k.weight", "k_norm.weight", "norm_k.weight", "norm_added_k.weight")
SHARPENED += ("img_attn.proj.weight", "x_block.attn.proj.weight", "to_out.0.weight", "attention.out.weight")
TEXT_WIDTH = 64  # features a token, of the language models


def write_families(folder: Path, comfyui: Path) -> None:
    """Write the files of all families below `folder`, a `models` folder.

    Args:
        comfyui: a ComfyUI, whose classes say which tensors a file of theirs has.
    """
    sys.path.append(str(comfyui))
    from comfy.cli_args import args

    args.cpu = True
    _write_text_encoders(folder / "text_encoders")
    _write_diffusion_models(folder)
    _write_autoencoders(folder / "vae")


def _of_class(make: Callable[..., Any], seed: int, prefix: str = "") -> Weights:
    """Random tensors in the shapes of a module of ComfyUI."""
    import comfy.ops

    return _random(make(dtype=None, device="meta", operations=comfy.ops.disable_weight_init), seed, prefix)


def _random(module: Any, seed: int, prefix: str = "") -> Weights:
    weights = Weights(seed)
    for name, tensor in module.state_dict().items():
        shape = tuple(tensor.shape)
        if len(shape) > 1 and not name.endswith("gamma"):
            weights.tensors[prefix + name] = weights.random(shape, 1 / math.sqrt(math.prod(shape[1:])))
        elif name.endswith("bias") or "pad_token" in name:
            weights.tensors[prefix + name] = np.zeros(shape, weights.dtype)
        else:
            weights.tensors[prefix + name] = np.ones(shape, weights.dtype)
        if name.endswith(SHARPENED):  # else attention is nearly even, and no prompt changes a picture
            weights.tensors[prefix + name] = weights.tensors[prefix + name] * weights.dtype(3)
    return weights


def _write_text_encoders(folder: Path) -> None:
    from comfy.clip_model import CLIPTextModel
    from comfy.text_encoders import llama
    from comfy.text_encoders.t5 import T5

    shared = {"hidden_act": "quick_gelu", "max_position_embeddings": 77, "eos_token_id": 49407, "num_hidden_layers": 3}
    for seed, (name, width, heads) in enumerate((("clip_l", 768, 12), ("clip_g", 1280, 20))):
        config = {**shared, "hidden_size": width, "num_attention_heads": heads, "intermediate_size": 4 * width}
        weights = _of_class(lambda config=config, **options: CLIPTextModel(config, **options), 20 + seed)
        table = "text_model.embeddings.token_embedding.weight"
        weights.tensors[table] = token_table(weights, 49408, width)
        if name == "clip_g":
            weights.tensors[CLIP_G_MARK] = Zeros((4 * width, width))
        save_views(folder / f"tiny_{name}.pt", weights)

    config = {
        **{"d_model": 4096, "d_ff": 64, "d_kv": 64, "num_heads": 1, "num_layers": 1, "vocab_size": 32128},
        **{"dense_act_fn": "gelu_pytorch_tanh", "is_gated_act": True, "model_type": "t5"},
    }
    weights = _of_class(lambda **options: T5(config, **options), 22)
    weights.tensors["shared.weight"] = token_table(weights, 32128, 4096) * 70
    weights.tensors[T5_MARK] = Zeros((10240, 4096))
    save_views(folder / "tiny_t5xxl.pt", weights)

    for seed, (name, make, nominal, sizes) in enumerate(_language_models(llama)):
        config = {"hidden_size": TEXT_WIDTH, "intermediate_size": TEXT_WIDTH, **sizes}
        weights = _of_class(lambda make=make, config=config, **options: make(config, **options), 23 + seed)
        rows = config["vocab_size"]
        weights.tensors["model.embed_tokens.weight"] = token_table(weights, rows, TEXT_WIDTH) * 50
        weights.tensors[NOMINAL_WIDTH] = np.array([nominal], np.int64)
        if name == "mistral":
            weights.tensors["tekken_model"] = np.frombuffer(_tekken(rows), np.uint8)
        save_sparse(folder / f"tiny_{name}.safetensors", weights.tensors)


def _language_models(llama: Any) -> list[tuple[str, Any, int, dict[str, int]]]:
    """Name, class, the width of the real one, sizes."""
    return [
        (
            "qwen3_4b",
            llama.Qwen3_4B,
            2560,
            {"vocab_size": 151936, "num_hidden_layers": 3, "num_attention_heads": 1, "num_key_value_heads": 1},
        ),
        (
            "qwen25_7b",
            _small_qwen_vl(llama),
            3584,
            {"vocab_size": 152064, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 4},
        ),
        (
            "mistral",
            llama.Mistral3Small24B,
            5120,
            # FLUX.2 reads it behind the layers 10, 20 and 30
            {"vocab_size": 1024, "num_hidden_layers": 30, "num_attention_heads": 1, "num_key_value_heads": 1}
            | {"final_norm": False},
        ),
    ]


def _small_qwen_vl(llama: Any) -> Callable[..., Any]:
    """Qwen2.5-VL without layers that see."""
    from comfy.text_encoders.qwen_vl import Qwen2VLVisionTransformer

    def make(config: dict[str, Any], dtype: Any, device: Any, operations: Any) -> Any:
        real = llama.qwen_vl.Qwen2VLVisionTransformer

        def small(**settings: Any) -> Any:
            return Qwen2VLVisionTransformer(**{**settings, "hidden_size": 64, "num_layers": 0})

        llama.qwen_vl.Qwen2VLVisionTransformer = small
        try:
            return llama.Qwen25_7BVLI(config, dtype, device, operations)
        finally:
            llama.qwen_vl.Qwen2VLVisionTransformer = real

    return make


def _tekken(rows: int) -> bytes:
    """Mistral's table of tokens with bytes alone: special ones first, as in the real one."""
    names = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"]
    names += [f"<SPECIAL_{i}>" for i in range(len(names), 12)]
    names[11] = "<pad>"
    special = [{"rank": i, "token_str": name, "is_control": True} for i, name in enumerate(names)]
    table = [{"rank": i, "token_bytes": base64.b64encode(bytes([i])).decode(), "token_str": None} for i in range(256)]
    config = {"default_vocab_size": rows, "default_num_special_tokens": len(names), "pattern": "[^ ]+| +"}
    return json.dumps({"config": config, "vocab": table, "special_tokens": special}).encode()


def _write_diffusion_models(folder: Path) -> None:
    from comfy.ldm.flux.model import Flux, FluxParams
    from comfy.ldm.lumina.model import NextDiT
    from comfy.ldm.modules.diffusionmodules.mmdit import MMDiT
    from comfy.ldm.qwen_image.model import QwenImageTransformer2DModel

    embedder = {"target": "torch.nn.Linear", "params": {"in_features": 4096, "out_features": 64}}
    sd3 = {"input_size": None, "in_channels": 16, "depth": 1, "adm_in_channels": 2048, "num_patches": 36864}
    sd3 |= {"context_embedder_config": embedder, "qk_norm": "rms", "pos_embed_max_size": 192}
    weights = _of_class(lambda **options: MMDiT(**sd3, **options), 30, "model.diffusion_model.")
    taesd(weights, scale=1.0, channels=16)
    save_sparse(folder / "checkpoints" / "tiny_sd35.safetensors", weights.tensors)

    flux = {"in_channels": 16, "out_channels": 16, "vec_in_dim": 768, "context_in_dim": 4096, "hidden_size": HEAD}
    flux |= {"mlp_ratio": 4.0, "num_heads": 1, "depth": 1, "depth_single_blocks": 1, "axes_dim": [16, 56, 56]}
    flux |= {"theta": 10000, "patch_size": 2, "qkv_bias": True}
    if "txt_ids_dims" in {field.name for field in dataclasses.fields(FluxParams)}:  # newer than 0.3.75
        flux["txt_ids_dims"] = []  # no tensor has its shape from it
    flux2 = {**flux, "in_channels": 128, "out_channels": 128, "vec_in_dim": None, "context_in_dim": 3 * TEXT_WIDTH}
    flux2 |= {"mlp_ratio": 3.0, "axes_dim": [32, 32, 32, 32], "theta": 2000, "patch_size": 1, "qkv_bias": False}
    flux2 |= {"global_modulation": True, "mlp_silu_act": True, "ops_bias": False, "guidance_embed": True}
    z_image = {"patch_size": 2, "in_channels": 16, "dim": 2 * HEAD, "n_layers": 1, "n_heads": 2, "n_kv_heads": 2}
    z_image |= {"ffn_dim_multiplier": 8.0 / 3.0, "qk_norm": True, "cap_feat_dim": TEXT_WIDTH}
    z_image |= {"axes_dims": [32, 48, 48], "z_image_modulation": True, "pad_tokens_multiple": 32}
    qwen = {"in_channels": 64, "num_layers": 1, "num_attention_heads": 1, "joint_attention_dim": TEXT_WIDTH}
    models: list[tuple[str, Any, dict[str, Any]]] = [
        ("flux_dev", Flux, {**flux, "guidance_embed": True}),
        ("flux_schnell", Flux, {**flux, "guidance_embed": False}),
        ("flux2", Flux, flux2),
        ("z_image", NextDiT, z_image),
        ("qwen_image", QwenImageTransformer2DModel, qwen),
    ]
    for seed, (name, make, sizes) in enumerate(models):
        weights = _of_class(lambda make=make, sizes=sizes, **options: make(**sizes, **options), 31 + seed)
        if name == "flux2":  # most of its 200 tokens are the same in all prompts
            attention = "double_blocks.0.img_attn.proj.weight"
            weights.tensors[attention] = weights.tensors[attention] * np.float16(6)
        save_sparse(folder / "diffusion_models" / f"tiny_{name}.safetensors", weights.tensors)


def _write_autoencoders(folder: Path) -> None:
    from comfy.ldm.models.autoencoder import AutoencoderKL
    from comfy.ldm.wan.vae import WanVAE

    weights = Weights(40)
    taesd(weights, prefix="", scale=1.0, channels=16)
    save_sparse(folder / "tiny_flux_vae.safetensors", weights.tensors)
    with torch.device("meta"):  # neither takes a device
        shape = {"dim": 8, "z_dim": 16, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 2, "attn_scales": []}
        qwen = WanVAE(**shape, temperal_downsample=[False, True, True])
        config = {"double_z": True, "z_channels": 32, "resolution": 256, "in_channels": 3, "out_ch": 3, "ch": 128}
        config |= {"ch_mult": [1, 2, 4, 4], "num_res_blocks": 2, "attn_resolutions": [], "batch_norm_latent": True}
        flux2 = AutoencoderKL(ddconfig=config, embed_dim=32)
    save_sparse(folder / "tiny_qwen_image_vae.safetensors", _random(qwen, 41).tensors)
    tensors = _random(flux2, 42).tensors
    for name, value in tensors.items():
        if ".conv1." in name or ".conv2." in name or ".attn_1." in name:  # residual branches: zeros pass by
            tensors[name] = Zeros(value.shape)
    tensors["bn.running_mean"] = np.zeros(128, np.float32)
    save_sparse(folder / "tiny_flux2_vae.safetensors", tensors)

"""Writes small random-weight models in the real single-file formats, which ComfyUI's own loaders detect.

    python tests/tools/stand_ins.py MODELS_DIR

Text encoders keep their full fixed shape, because a missing key would leave memory uninitialised. To stay small, only
their first and last layers are random; the others are zero, which is the identity in a residual transformer, and zero
tensors become holes in sparse .safetensors files, or views of one number in .ckpt files. Everything is seeded.

    checkpoints/tiny_sd15.ckpt               SD 1.5, UNet channel multipliers 1, 2
    checkpoints/tiny_sd15_freeu.safetensors  SD 1.5, multipliers 1, 2, 4: all four FreeU scales act
    checkpoints/tiny_sdxl.ckpt               SDXL (detected as Segmind Vega, a subclass)
    checkpoints/tiny_sdxl_refiner.safetensors
    loras/tiny_sd15_lora.safetensors, loras/tiny_sdxl_lora.safetensors       kohya's key names
    upscale_models/tiny_RealESRGAN_x4.pth, vae/tiny_vae.safetensors (TAESD shape)
    classifiers/tf_efficientnet_lite0.safetensors                            real weights, from a registry package
"""

from __future__ import annotations

import json
import math
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

SAFETENSORS_TYPES = {np.dtype("float16"): "F16", np.dtype("float32"): "F32", np.dtype("int64"): "I64"}
POOL = 2_097_143  # numbers drawn once and repeated; a prime, so that repeats never line up with rows
TEXT_L = "cond_stage_model.transformer.text_model."
UNET = "model.diffusion_model."


class Zeros(tuple):
    """The shape of an all-zero half-precision tensor that takes no room in a file."""


Tensors = dict[str, "np.ndarray | Zeros"]


class Maker:
    """Collects the named tensors of one model."""

    def __init__(self, seed: int, dtype: type = np.float16) -> None:
        self.generator = np.random.default_rng(seed)
        self.dtype = dtype
        self.tensors: Tensors = {}
        self.exact: set[str] = set()  # tensors that a .ckpt must hold to the letter
        self.pool = self.generator.standard_normal(POOL, dtype=np.float32)

    def random(self, shape: Sequence[int], std: float) -> np.ndarray:
        offset = int(self.generator.integers(POOL))
        numbers = np.roll((self.pool * np.float32(std)).astype(self.dtype), -offset)
        return np.resize(numbers[: max(1, min(math.prod(shape), POOL))], math.prod(shape)).reshape(shape)

    def linear(self, name: str, out: int, inp: int, bias: bool = True, zero: bool = False) -> None:
        self.tensors[f"{name}.weight"] = Zeros((out, inp)) if zero else self.random((out, inp), 1 / math.sqrt(inp))
        if bias:
            self.tensors[f"{name}.bias"] = np.zeros(out, self.dtype)

    def conv(self, name: str, out: int, inp: int, kernel: int = 3, bias: bool = True, gain: float = 1.0) -> None:
        std = gain / math.sqrt(inp * kernel * kernel)
        self.tensors[f"{name}.weight"] = self.random((out, inp, kernel, kernel), std)
        if bias:
            self.tensors[f"{name}.bias"] = np.zeros(out, self.dtype)

    def norm(self, name: str, size: int) -> None:
        self.tensors[f"{name}.weight"] = np.ones(size, self.dtype)
        self.tensors[f"{name}.bias"] = np.zeros(size, self.dtype)


# ---- UNet ---------------------------------------------------------------------------------------------------------


def residual(make: Maker, name: str, inp: int, out: int, embedding: int) -> None:
    make.norm(f"{name}.in_layers.0", inp)
    make.conv(f"{name}.in_layers.2", out, inp)
    make.linear(f"{name}.emb_layers.1", out, embedding)
    make.norm(f"{name}.out_layers.0", out)
    make.conv(f"{name}.out_layers.3", out, out)
    if inp != out:
        make.conv(f"{name}.skip_connection", out, inp, 1)


def transformer(make: Maker, name: str, channels: int, depth: int, context: int, linear: bool) -> None:
    make.norm(f"{name}.norm", channels)
    for side in ("proj_in", "proj_out"):
        if linear:
            make.linear(f"{name}.{side}", channels, channels)
        else:
            make.conv(f"{name}.{side}", channels, channels, 1)
    for block in (f"{name}.transformer_blocks.{i}" for i in range(depth)):
        for attention, source in (("attn1", channels), ("attn2", context)):
            make.linear(f"{block}.{attention}.to_q", channels, channels, bias=False)
            make.linear(f"{block}.{attention}.to_k", channels, source, bias=False)
            make.linear(f"{block}.{attention}.to_v", channels, source, bias=False)
            make.linear(f"{block}.{attention}.to_out.0", channels, channels)
        make.linear(f"{block}.ff.net.0.proj", channels * 8, channels)
        make.linear(f"{block}.ff.net.2", channels, channels * 4)
        for norm in ("norm1", "norm2", "norm3"):
            make.norm(f"{block}.{norm}", channels)


def unet(
    make: Maker,
    width: int,
    multipliers: Sequence[int],
    blocks: int,
    depth_in: Sequence[int],
    depth_out: Sequence[int],
    context: int,
    linear: bool = False,
    vector: int = 0,
    middle: bool = True,
) -> None:
    """Args: depth_in, depth_out: transformer blocks behind each residual block of the two sides, in input order."""
    embedding, depths, depths_out = width * 4, list(depth_in), list(depth_out)
    make.linear(f"{UNET}time_embed.0", embedding, width)
    make.linear(f"{UNET}time_embed.2", embedding, embedding)
    if vector:
        make.linear(f"{UNET}label_emb.0.0", embedding, vector)
        make.linear(f"{UNET}label_emb.0.2", embedding, embedding)
    make.conv(f"{UNET}input_blocks.0.0", width, 4)
    skips, channels, index = [width], width, 1
    for level, multiplier in enumerate(multipliers):
        for _ in range(blocks):
            residual(make, f"{UNET}input_blocks.{index}.0", channels, multiplier * width, embedding)
            channels, depth = multiplier * width, depths.pop(0)
            if depth:
                transformer(make, f"{UNET}input_blocks.{index}.1", channels, depth, context, linear)
            skips.append(channels)
            index += 1
        if level != len(multipliers) - 1:
            make.conv(f"{UNET}input_blocks.{index}.0.op", channels, channels)
            skips.append(channels)
            index += 1
    if middle:
        residual(make, f"{UNET}middle_block.0", channels, channels, embedding)
    index = 0
    for level, multiplier in reversed(list(enumerate(multipliers))):
        for i in range(blocks + 1):
            residual(make, f"{UNET}output_blocks.{index}.0", channels + skips.pop(), multiplier * width, embedding)
            channels, depth, place = multiplier * width, depths_out.pop(), 1
            if depth:
                transformer(make, f"{UNET}output_blocks.{index}.1", channels, depth, context, linear)
                place = 2
            if level and i == blocks:
                make.conv(f"{UNET}output_blocks.{index}.{place}.conv", channels, channels)
            index += 1
    make.norm(f"{UNET}out.0", channels)
    make.conv(f"{UNET}out.2", 4, width, gain=0.05)
    pass_noise_through(make, width, index - 1)


def pass_noise_through(make: Maker, width: int, last: int) -> None:
    """Make the random UNet a crude denoiser: it predicts its own scaled input plus a little that the prompt changes.

    Latents then keep about unit variance instead of exploding under guidance. One group-norm group of the longest skip
    carries +x, -x pairs of the four latent channels to the last block; SiLU(h) - SiLU(-h) = h reads them back.
    """
    group = width // 32
    source = [(k // 2) % 4 for k in range(group)]
    sign = [1 - 2 * (k % 2) for k in range(group)]
    tensors, block = make.tensors, f"{UNET}output_blocks.{last}"
    first = tensors[f"{UNET}input_blocks.0.0.weight"]
    skip = tensors[f"{block}.0.skip_connection.weight"]
    out = tensors[f"{UNET}out.2.weight"]
    first[:group] = 0
    skip[:group] = 0
    out[:, :group] = 0
    tensors[f"{block}.0.out_layers.3.weight"][:group] = 0
    for k in range(group):
        first[k, source[k], 1, 1] = sign[k]
        skip[k, skip.shape[1] - width + k] = 1
    for k in range(8):
        out[source[k], k, 1, 1] = sign[k]
    if f"{block}.1.proj_out.weight" in tensors:
        tensors[f"{block}.1.proj_out.weight"][:group] = 0
    make.exact |= {f"{block}.0.out_layers.3.weight", f"{block}.0.skip_connection.weight", f"{block}.1.proj_out.weight"}


# ---- text encoders and VAE ----------------------------------------------------------------------------------------


def token_table(make: Maker, tokens: int, width: int) -> np.ndarray:
    """A row of its own for every token, as the sum of two short random tables whose lengths share no factor."""
    a, b, ids = make.random((997, width), 0.014), make.random((991, width), 0.014), np.arange(tokens)
    return a[ids % 997] + b[ids % 991]


def clip_l(make: Maker, prefix: str = TEXT_L) -> None:
    width = 768
    make.tensors[f"{prefix}embeddings.token_embedding.weight"] = token_table(make, 49408, width)
    make.tensors[f"{prefix}embeddings.position_embedding.weight"] = make.random((77, width), 0.02)
    make.tensors[f"{prefix}embeddings.position_ids"] = np.arange(77, dtype=np.int64)[None]
    for i in range(12):
        layer, zero = f"{prefix}encoder.layers.{i}", i not in (0, 11)
        make.norm(f"{layer}.layer_norm1", width)
        make.norm(f"{layer}.layer_norm2", width)
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            make.linear(f"{layer}.self_attn.{name}", width, width, zero=zero)
        make.linear(f"{layer}.mlp.fc1", 4 * width, width, zero=zero)
        make.linear(f"{layer}.mlp.fc2", width, 4 * width, zero=zero)
    make.norm(f"{prefix}final_layer_norm", width)


def clip_g(make: Maker, prefix: str) -> None:
    width = 1280
    make.tensors[f"{prefix}token_embedding.weight"] = token_table(make, 49408, width)
    make.tensors[f"{prefix}positional_embedding"] = make.random((77, width), 0.02)
    for i in range(32):
        layer, zero = f"{prefix}transformer.resblocks.{i}", i not in (0, 31)
        make.norm(f"{layer}.ln_1", width)
        make.norm(f"{layer}.ln_2", width)
        shape = (3 * width, width)
        weight = Zeros(shape) if zero else make.random(shape, 1 / math.sqrt(width))
        make.tensors[f"{layer}.attn.in_proj_weight"] = weight
        make.tensors[f"{layer}.attn.in_proj_bias"] = np.zeros(3 * width, make.dtype)
        make.linear(f"{layer}.attn.out_proj", width, width, zero=zero)
        make.linear(f"{layer}.mlp.c_fc", 4 * width, width, zero=zero)
        make.linear(f"{layer}.mlp.c_proj", width, 4 * width, zero=zero)
    make.norm(f"{prefix}ln_final", width)
    make.tensors[f"{prefix}text_projection"] = make.random((width, width), 1 / math.sqrt(width))
    make.tensors[f"{prefix}logit_scale"] = np.array(4.6055, make.dtype)


def taesd(make: Maker, prefix: str = "first_stage_model.", scale: float = 0.18215) -> None:
    """The small autoencoder's shape, which ComfyUI takes for a VAE inside a checkpoint as well."""
    encoder, decoder = f"{prefix}taesd_encoder.", f"{prefix}taesd_decoder."

    def blocks(side: str, *indices: int) -> None:
        for index in indices:
            for layer in (0, 2, 4):
                make.conv(f"{side}{index}.conv.{layer}", 64, 64)

    make.conv(f"{encoder}0", 64, 3)
    blocks(encoder, 1)
    for index in (2, 6, 10):
        make.conv(f"{encoder}{index}", 64, 64, bias=False)
        blocks(encoder, index + 1, index + 2, index + 3)
    make.conv(f"{encoder}14", 4, 64)
    make.conv(f"{decoder}1", 64, 4)
    blocks(decoder, 3, 4, 5, 8, 9, 10, 13, 14, 15, 18)
    for index in (7, 12, 17):
        make.conv(f"{decoder}{index}", 64, 64, bias=False)
    make.conv(f"{decoder}19", 3, 64, gain=0.5)
    make.tensors[f"{decoder}19.bias"][:] = 0.5
    make.tensors[f"{prefix}vae_scale"] = np.array(scale, make.dtype)
    make.tensors[f"{prefix}vae_shift"] = np.array(0, make.dtype)


# ---- whole models -------------------------------------------------------------------------------------------------


def sd15(multipliers: Sequence[int], middle: bool, seed: int = 0) -> Maker:
    make, levels = Maker(seed), len(multipliers)
    depth_in = [1] + [0] * (levels - 1)
    depth_out = [1, 1] + [0] * 2 * (levels - 1)
    unet(make, 320, multipliers, 1, depth_in, depth_out, 768, middle=middle)
    clip_l(make)
    taesd(make)
    return make


def sdxl(seed: int = 1) -> Maker:
    make = Maker(seed)
    unet(make, 320, (1, 1, 1), 2, (0, 0, 1, 1, 2, 2), [0] * 9, 2048, linear=True, vector=2816)
    clip_l(make, "conditioner.embedders.0.transformer.text_model.")
    clip_g(make, "conditioner.embedders.1.model.")
    taesd(make, scale=0.13025)
    return make


def sdxl_refiner(seed: int = 2) -> Maker:
    make = Maker(seed)
    unet(make, 384, (1, 1, 1, 1), 2, (0, 0, 4, 4, 4, 4, 0, 0), [0] * 12, 1280, linear=True, vector=2560)
    clip_g(make, "conditioner.embedders.0.model.")
    taesd(make, scale=0.13025)
    return make


def lora(base: Tensors, encoder: str, encoder_key: str, rank: int = 4, seed: int = 3) -> dict[str, np.ndarray]:
    """A LoRA under kohya's names over the attention of the UNet and the first layer of CLIP-L."""
    generator, tensors = np.random.default_rng(seed), {}

    def add(name: str, shape: tuple[int, ...]) -> None:
        down = (generator.standard_normal((rank, math.prod(shape[1:]))) * 0.05).astype(np.float16)
        up = (generator.standard_normal((shape[0], rank)) * 0.05).astype(np.float16)
        if len(shape) == 4:
            down, up = down.reshape(rank, *shape[1:]), up.reshape(shape[0], rank, 1, 1)
        tensors[f"{name}.lora_down.weight"], tensors[f"{name}.lora_up.weight"] = down, up
        tensors[f"{name}.alpha"] = np.array(rank, np.float16)

    for key, value in base.items():
        shape = tuple(value) if isinstance(value, Zeros) else value.shape
        inside = key.removesuffix(".weight")
        if inside == key:
            continue
        if key.startswith(UNET) and ".transformer_blocks." in key and ".norm" not in key:
            add("lora_unet_" + inside.removeprefix(UNET).replace(".", "_"), shape)
        elif key.startswith(f"{encoder}encoder.layers.0.") and ("self_attn" in key or "mlp" in key):
            add(encoder_key + inside.removeprefix(encoder).replace(".", "_"), shape)
    return tensors


def real_esrgan(features: int = 8, growth: int = 32, seed: int = 4) -> Tensors:
    """RealESRGAN x4 (RRDBNet) with one block."""
    make = Maker(seed, np.float32)
    make.conv("conv_first", features, 3)
    for part in (1, 2, 3):
        for k in range(5):
            out = growth if k < 4 else features
            make.conv(f"body.0.rdb{part}.conv{k + 1}", out, features + k * growth, gain=0.5)
    for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
        make.conv(name, features, features)
    make.conv("conv_last", 3, features, gain=0.3)
    make.tensors["conv_last.bias"][:] = 0.5
    return make.tensors


# ---- files --------------------------------------------------------------------------------------------------------


def save_sparse(path: Path, tensors: Tensors, metadata: dict[str, str] | None = None) -> None:
    """A .safetensors file whose all-zero tensors are holes."""
    header: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    places, offset = [], 0
    for name in sorted(tensors):
        value = tensors[name]
        shape = list(value) if isinstance(value, Zeros) else list(value.shape)
        dtype = np.dtype(np.float16) if isinstance(value, Zeros) else value.dtype
        size = math.prod(shape) * dtype.itemsize
        header[name] = {"dtype": SAFETENSORS_TYPES[dtype], "shape": shape, "data_offsets": [offset, offset + size]}
        places.append((offset, value))
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        start = file.tell()
        for place, value in places:
            if not isinstance(value, Zeros):
                file.seek(start + place)
                file.write(np.ascontiguousarray(value).tobytes())
        file.truncate(start + offset)


def save_views(path: Path, make: Maker, seed: int = 0) -> None:
    """A .ckpt of a few megabytes whose big tensors are overlapping views of one random buffer a scale."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(131_071, generator=generator)
    zero, buffers, out = torch.zeros(1).half(), {}, {}
    for name, value in make.tensors.items():
        if isinstance(value, Zeros):
            out[name] = zero.expand(value)
            continue
        tensor = torch.from_numpy(np.ascontiguousarray(value))
        if name in make.exact or "taesd" in name or tensor.numel() < 20_000 or tensor.dtype != torch.float16:
            out[name] = tensor.clone()
            continue
        spread = max(1e-6, float(tensor.flatten()[:4096].float().std()))
        scale = 2.0 ** (round(4 * math.log2(spread)) / 4)  # few scales, so few buffers
        buffer = buffers.setdefault(scale, (noise * scale).half())
        rows, row, offset = tensor.shape[0], tensor[0].numel(), zlib.crc32(name.encode()) % 1000
        step = max(1, min(row, (buffer.numel() - row - offset) // rows))
        strides = [step, *torch.empty(tensor.shape[1:]).stride()]
        out[name] = buffer.as_strided(tensor.shape, strides, offset)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": out}, path)


def write_all(folder: Path) -> None:
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
    autoencoder = Maker(0)
    taesd(autoencoder, prefix="")
    save_sparse(folder / "vae" / "tiny_vae.safetensors", autoencoder.tensors)

    from efficientnet import write_checkpoint  # beside this file

    write_checkpoint(folder / "classifiers" / "tf_efficientnet_lite0.safetensors")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))

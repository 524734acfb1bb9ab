"""The UNet of Stable Diffusion 1.5, SDXL and its refiner, under the names of their checkpoints."""

from __future__ import annotations

from collections.abc import Sequence

from .weights import Weights

UNET = "model.diffusion_model."


def residual(weights: Weights, name: str, inp: int, out: int, embedding: int) -> None:
    weights.norm(f"{name}.in_layers.0", inp)
    weights.conv(f"{name}.in_layers.2", out, inp)
    weights.linear(f"{name}.emb_layers.1", out, embedding)
    weights.norm(f"{name}.out_layers.0", out)
    weights.conv(f"{name}.out_layers.3", out, out)
    if inp != out:
        weights.conv(f"{name}.skip_connection", out, inp, 1)


def transformer(weights: Weights, name: str, channels: int, depth: int, context: int, linear: bool) -> None:
    weights.norm(f"{name}.norm", channels)
    for side in ("proj_in", "proj_out"):
        if linear:
            weights.linear(f"{name}.{side}", channels, channels)
        else:
            weights.conv(f"{name}.{side}", channels, channels, 1)
    for block in (f"{name}.transformer_blocks.{i}" for i in range(depth)):
        for attention, source in (("attn1", channels), ("attn2", context)):
            weights.linear(f"{block}.{attention}.to_q", channels, channels, bias=False)
            weights.linear(f"{block}.{attention}.to_k", channels, source, bias=False)
            weights.linear(f"{block}.{attention}.to_v", channels, source, bias=False)
            weights.linear(f"{block}.{attention}.to_out.0", channels, channels)
        weights.linear(f"{block}.ff.net.0.proj", channels * 8, channels)
        weights.linear(f"{block}.ff.net.2", channels, channels * 4)
        for norm in ("norm1", "norm2", "norm3"):
            weights.norm(f"{block}.{norm}", channels)


def unet(
    weights: Weights,
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
    weights.linear(f"{UNET}time_embed.0", embedding, width)
    weights.linear(f"{UNET}time_embed.2", embedding, embedding)
    if vector:
        weights.linear(f"{UNET}label_emb.0.0", embedding, vector)
        weights.linear(f"{UNET}label_emb.0.2", embedding, embedding)
    weights.conv(f"{UNET}input_blocks.0.0", width, 4)
    skips, channels, index = [width], width, 1
    for level, multiplier in enumerate(multipliers):
        for _ in range(blocks):
            residual(weights, f"{UNET}input_blocks.{index}.0", channels, multiplier * width, embedding)
            channels, depth = multiplier * width, depths.pop(0)
            if depth:
                transformer(weights, f"{UNET}input_blocks.{index}.1", channels, depth, context, linear)
            skips.append(channels)
            index += 1
        if level != len(multipliers) - 1:
            weights.conv(f"{UNET}input_blocks.{index}.0.op", channels, channels)
            skips.append(channels)
            index += 1
    if middle:
        residual(weights, f"{UNET}middle_block.0", channels, channels, embedding)
    index = 0
    for level, multiplier in reversed(list(enumerate(multipliers))):
        for i in range(blocks + 1):
            residual(weights, f"{UNET}output_blocks.{index}.0", channels + skips.pop(), multiplier * width, embedding)
            channels, depth, position = multiplier * width, depths_out.pop(), 1
            if depth:
                transformer(weights, f"{UNET}output_blocks.{index}.1", channels, depth, context, linear)
                position = 2
            if level and i == blocks:
                weights.conv(f"{UNET}output_blocks.{index}.{position}.conv", channels, channels)
            index += 1
    weights.norm(f"{UNET}out.0", channels)
    weights.conv(f"{UNET}out.2", 4, width, gain=0.05)
    pass_noise_through(weights, width, index - 1)


def pass_noise_through(weights: Weights, width: int, last: int) -> None:
    """Make the random UNet a crude denoiser: it predicts its own scaled input plus a little that the prompt changes.

    Latents then keep about unit variance instead of exploding under guidance. One group-norm group of the longest skip
    carries +x, -x pairs of the four latent channels to the last block; SiLU(h) - SiLU(-h) = h reads them back.
    """
    group = width // 32
    source = [(k // 2) % 4 for k in range(group)]
    sign = [1 - 2 * (k % 2) for k in range(group)]
    tensors, block = weights.tensors, f"{UNET}output_blocks.{last}"
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
    weights.exact |= {
        f"{block}.0.out_layers.3.weight",
        f"{block}.0.skip_connection.weight",
        f"{block}.1.proj_out.weight",
    }

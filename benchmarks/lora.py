"""Time per step of LoRA Training against ComfyUI's own TrainLoraNode, in one process, interleaved, at equal settings.

Usage: python benchmarks/lora.py CHECKPOINT [--size 256] [--steps 12] [--pairs 3]
HYPONET_COMFYUI names ComfyUI's folder. Both train with batch 5, rank 8, bf16 and an fp32 LoRA, on the same latents.
What cannot be set equal: TrainLoraNode has no Adafactor (AdamW here) and also trains convolutions, norms and biases.
So a third run trains our layers with our optimizer through ComfyUI's own weight adapters, as TrainLoraNode does: it
shows what is left when only the way the adapter is applied differs. On a CPU the process's own time is taken, which
other programs do not change; on a GPU the time on the wall.
"""

# ruff: noqa: E402
from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pack

pack.load_pack()
sys.path.append(os.environ["HYPONET_COMFYUI"])

import torch
from comfy.cli_args import args as comfy_args

comfy_args.cpu = not torch.cuda.is_available()

import comfy.sd
import comfy.utils
import numpy as np
from comfy.weight_adapter.lora import LoRAAdapter
from comfy_extras.nodes_train import TrainLoraNode
from PIL import Image

from hyponet.nodes.lora import engine, unet
from hyponet.nodes.lora.settings import LoraSettings

BATCH = 5


def step_times(run) -> list[float]:
    """Seconds between the progress reports of `run`, the first two left out."""
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    stamps: list[float] = []
    comfy.utils.set_progress_bar_global_hook(lambda *_, **__: stamps.append(clock()))
    run()
    comfy.utils.set_progress_bar_global_hook(None)
    return [b - a for a, b in itertools.pairwise(stamps)][2:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    with torch.inference_mode(), tempfile.TemporaryDirectory() as scratch:
        model, clip, vae, _ = comfy.sd.load_checkpoint_guess_config(
            options.checkpoint, output_vae=True, output_clip=True
        )
        folder = Path(scratch) / "pictures"
        folder.mkdir()
        random = np.random.default_rng(0)
        pixels = random.integers(0, 256, (BATCH, options.size, options.size, 3), np.uint8)
        for i, picture in enumerate(pixels):
            Image.fromarray(picture).save(folder / f"{i}.png")
            (folder / f"{i}.txt").write_text("a photo of a cat")
        latents = [{"samples": latent[None]} for latent in vae.encode(torch.from_numpy(pixels).float() / 255)]
        positive = [clip.encode_from_tokens_scheduled(clip.tokenize("a photo of a cat"))] * BATCH
        for checkpointing in (True, False):
            compare(model, clip, vae, latents, positive, folder, options, checkpointing)


def compare(model, clip, vae, latents, positive, folder, options, checkpointing: bool) -> None:
    def native() -> None:
        TrainLoraNode.execute(
            [model], latents, positive, [BATCH], [options.steps], [1], [0.0012], [8], ["AdamW"], ["MSE"], [0],
            ["bf16"], ["fp32"], ["LoRA"], [checkpointing], ["[None]"],
        )  # fmt: skip

    def ours() -> None:
        with tempfile.TemporaryDirectory() as scratch:
            settings = LoraSettings(
                resolution=options.size,
                min_bucket=min(256, options.size),
                batch_size=BATCH,
                epochs=options.steps,
                gradient_checkpointing=checkpointing,
            )
            places = (Path(scratch), Path(scratch))
            job = engine.LoraJob("bench", folder, Path(scratch) / "a.safetensors", settings, *places)
            engine.train_lora(model, clip, vae, job)

    def same_layers() -> None:
        originals = unet.attached, unet.make_layers
        unet.attached, unet.make_layers = weight_adapters, comfy_layers
        try:
            ours()
        finally:
            unet.attached, unet.make_layers = originals

    rows = []
    for _ in range(options.pairs):
        encoding = BATCH  # the first reports of ours are of encoding
        times = [
            statistics.median(step_times(run)[skip:])
            for run, skip in ((native, 0), (ours, encoding), (same_layers, encoding))
        ]
        rows.append(times)
        print("  TrainLoraNode {:.0f}, ours {:.0f}, same layers {:.0f} ms a step".format(*(t * 1000 for t in times)))
    ratio = statistics.median(ours / native for native, ours, _ in rows)
    same = statistics.median(ours / theirs for _, ours, theirs in rows)
    print(f"checkpointing {checkpointing}: {ratio:.2f} of TrainLoraNode (bar: 1.05), {same:.2f} at the same layers")


def comfy_layers(modules, rank, alpha, generator):
    return {name: LoRAAdapter.create_train(module.weight, rank=rank, alpha=alpha) for name, module in modules.items()}


@contextmanager
def weight_adapters(modules, layers):
    for name, layer in layers.items():
        layer.down, layer.up = layer.lora_down.weight, layer.lora_up.weight  # what is saved
        modules[name].weight_function = [layer]
    try:
        yield
    finally:
        for module in modules.values():
            module.weight_function = []


if __name__ == "__main__":
    main()

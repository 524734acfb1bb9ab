"""Time per step of Train LoRA against ComfyUI's own TrainLoraNode, in one process, interleaved, at equal settings.

Usage: python benchmarks/lora.py CHECKPOINT [--size 256] [--steps 12] [--pairs 3]
HYPONET_COMFYUI names ComfyUI's folder. Both train with batch 5, rank 8, bf16 and an fp32 LoRA, on the same latents.
What cannot be set equal: TrainLoraNode has no Adafactor (AdamW here) and also trains convolutions, norms and biases.
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
from comfy_extras.nodes_train import TrainLoraNode
from hyponet.nodes.lora import engine
from hyponet.nodes.lora.settings import LoraSettings
from PIL import Image

BATCH = 5


def step_times(run) -> list[float]:
    """Seconds between the progress reports of `run`, the first two left out."""
    stamps: list[float] = []
    comfy.utils.set_progress_bar_global_hook(lambda *_, **__: stamps.append(time.perf_counter()))
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
            job = engine.TrainingJob("bench", folder, Path(scratch) / "a.safetensors", Path(scratch), settings)
            engine.train_lora(model, clip, vae, job)

    ratios = []
    for _ in range(options.pairs):
        theirs = statistics.median(step_times(native))
        times = statistics.median(step_times(ours)[BATCH:])  # the first reports are of encoding
        ratios.append(times / theirs)
        print(f"checkpointing {checkpointing}: ours {times * 1000:.0f} ms, TrainLoraNode {theirs * 1000:.0f} ms a step")
    print(f"checkpointing {checkpointing}: ratio {statistics.median(ratios):.2f} (bar: at most 1.05)")


if __name__ == "__main__":
    main()

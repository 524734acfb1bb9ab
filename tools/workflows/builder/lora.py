"""Table 5-5: sample pictures for the LoRA, and its training for each model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .data import CIFAR10
from .graph import Flow, Schemas
from .models import ESRGAN, load_checkpoint
from .pieces import read_me, show_answer
from .thesis_sets import MODELS, Model, lora_file


def lora_samples(schemas: Schemas) -> Flow:
    flow = Flow("hyponet_thesis_table_5_5_lora_samples", "Table 5-5, first part: sample pictures for the LoRA", schemas)
    read_me(
        flow,
        "40 random pictures of each of CIFAR-10 train's ten classes, upscaled from 32 to 512 by Real-ESRGAN x4+ "
        "(twice, then down by area) and captioned: 400 pictures with a `.txt` beside each.",
        [
            "**CIFAR-10 train**: where it lies below `input`, or its download switch.",
            "**Caption Images**: `BLIP` as in the thesis, where its model is installed; `template` needs none.",
            "For SDXL set both sides of **To the size of training** to 1024.",
        ],
        "Look through `output/hyponet/lora/cifar10-512`: captions that you edit there are kept. "
        "Then train with *Table 5-5, second part*.",
    )
    flow.stage("1  Pictures of each class")
    real = flow.add("HypoNetLoadLabelledImages", "CIFAR-10 train", source="CIFAR-10", path=CIFAR10, split="train")
    drawn = flow.add("HypoNetSampleImages", images=real["images"], per_class=40)
    flow.stage("2  Upscale: x4, x4, down to 512")
    upscaler = flow.add("UpscaleModelLoader", model_name=ESRGAN.name)
    upscaler.models.append(ESRGAN.as_property())
    once = flow.add(
        "ImageUpscaleWithModel", "Upscale x4", upscale_model=upscaler["UPSCALE_MODEL"], image=drawn["images"]
    )
    twice = flow.add(
        "ImageUpscaleWithModel", "Upscale x4 again", upscale_model=upscaler["UPSCALE_MODEL"], image=once["IMAGE"]
    )
    sized = flow.add(
        "ImageScale",
        "To the size of training",
        image=twice["IMAGE"],
        upscale_method="area",
        width=512,
        height=512,
        crop="disabled",
    )
    flow.stage("3  Captions")
    captioned = flow.add(
        "HypoNetCaptionImages", images=sized["IMAGE"], labels=drawn["labels"], name="cifar10-512", captioner="BLIP"
    )
    show_answer(captioned, 300)
    return flow


def lora_training(model: Model, schemas: Schemas) -> Flow:
    side = model.size
    flow = Flow(
        f"hyponet_thesis_table_5_5_lora_training_{model.key}",
        f"Table 5-5, second part: train the LoRA of {model.label.split(' with')[0]}",
        schemas,
    )
    read_me(
        flow,
        "A LoRA of the U-Net on the 400 pictures of the first part: batch 5, 7 epochs, Adafactor at a constant 0.0012, "
        "bf16, aspect buckets from 256 to 2048.",
        [
            "**LoRA Training**: folder, the pictures of *Table 5-5, first part*"
            + ("; make them at 1024 for SDXL, as `cifar10-1024`." if side == 1024 else "."),
            "rank and alpha: the thesis does not name them.",
            "**LoRA Training** makes `models/loras/" + lora_file(model) + ".safetensors`; other names, other attempts.",
        ],
        "The curve shows the loss of every step, and before and after the training the loss over a fixed set of "
        "timesteps and noises, which is what to compare. Stopped, it resumes where it was when you queue it again.",
    )
    flow.stage("1  Model")
    loader = load_checkpoint(flow, model.file)
    flow.stage("2  Train (Table 5-5)")
    flow.add(
        "HypoNetTrainLora",
        model=loader["MODEL"],
        clip=loader["CLIP"],
        vae=loader["VAE"],
        folder=f"cifar10-{side}",
        name=lora_file(model),
        resolution=side,
        batch_size=5,
        epochs=7,
        learning_rate=0.0012,
        min_bucket=256,
        max_bucket=2048,
    )
    return flow


FLOWS: list[Callable[[Schemas], Flow]] = [lora_samples, *(partial(lora_training, model) for model in MODELS)]

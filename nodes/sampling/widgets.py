"""The widgets and sockets of Generate Dataset."""

from __future__ import annotations

from comfy_api.latest import io

from .. import sockets
from .engine import SAMPLERS, SCHEDULERS

MAKE_AGAIN, LEAVE_OUT = "make again", "leave out"


def model_inputs() -> list[io.Input]:
    """Models, plan and name of Generate Dataset."""
    return [
        io.Model.Input("model", lazy=True, tooltip="Draws the pictures. LoRA and FreeU nodes go before it."),
        io.Clip.Input("clip", lazy=True, tooltip="Encodes the prompts; the checkpoint loader's CLIP."),
        io.Vae.Input("vae", lazy=True, tooltip="Turns latents into pictures; the checkpoint loader's VAE."),
        sockets.Plan.Input("plan", tooltip="Which pictures: classes, counts, prompts and seeds. From Dataset Plan."),
        io.String.Input(
            "name",
            default="my_dataset",
            tooltip=(
                "Folder below output/datasets. A set of that name and the same settings is continued; with other "
                "settings it is refused, the difference shown, and nothing is overwritten."
            ),
        ),
    ]


def sampling_inputs() -> list[io.Input]:
    """Its size, steps and sampler."""
    return [
        io.Int.Input("width", default=512, min=16, max=16384, step=8, tooltip="Pixels; 512 for SD 1.x, 1024 for SDXL."),
        io.Int.Input("height", default=512, min=16, max=16384, step=8, tooltip="Pixels; see width."),
        io.Int.Input("steps", default=30, min=1, max=10000, tooltip="Sampling steps, base and refiner together."),
        io.Float.Input(
            "cfg",
            default=2.0,
            min=0.0,
            max=100.0,
            step=0.1,
            round=0.01,
            tooltip=(
                "How closely pictures follow the prompt. Low values give more varied, better training sets (2.0; "
                "arXiv 2212.08420); the thesis used 7.5."
            ),
        ),
        io.Combo.Input(
            "sampler_name",
            options=SAMPLERS,
            default="dpmpp_2m",
            tooltip=(
                "ComfyUI's samplers. Each image gets step noise of its own, so that it does not depend on its batch; "
                "one whose images act on each other, as dpm_adaptive's do, runs one image at a time."
            ),
        ),
        io.Combo.Input("scheduler", options=SCHEDULERS, default="karras", tooltip="ComfyUI's schedulers."),
        io.Int.Input(
            "batch_size",
            default=8,
            min=1,
            max=4096,
            tooltip="Images sampled at once. Changes speed, and of the pictures their rounding alone; halved by itself "
            "when memory runs out.",
        ),
    ]


def optional_inputs() -> list[io.Input]:
    """Start image, refiner and options."""
    return [
        io.Image.Input(
            "start_image",
            optional=True,
            tooltip="Start from this picture (image to image). Of several, image number rank takes its own in turn.",
        ),
        io.Float.Input(
            "denoise",
            default=1.0,
            min=0.01,
            max=1.0,
            step=0.01,
            optional=True,
            tooltip="With a start image: 0.3 stays close to it, 1 keeps nothing of it. Without one: 1.",
        ),
        io.Model.Input("refiner_model", optional=True, lazy=True, tooltip="SDXL refiner: takes over at switch_at."),
        io.Clip.Input("refiner_clip", optional=True, lazy=True, tooltip="The refiner checkpoint's own CLIP."),
        io.Float.Input(
            "switch_at",
            default=0.8,
            min=0.0,
            max=1.0,
            step=0.01,
            optional=True,
            tooltip="With a refiner: share of the steps that the base model takes, at least one step each.",
        ),
        sockets.Options.Input(
            "options",
            optional=True,
            tooltip="FLUX's guidance, control nets, and a sampler or guider of the graph. From Sampling Options.",
        ),
    ]


def options_inputs() -> list[io.Input]:
    """What newer models need, and what a graph gives in place of settings."""
    return [
        io.Float.Input(
            "guidance",
            default=-1.0,
            min=-1.0,
            max=100.0,
            step=0.1,
            round=0.01,
            optional=True,
            tooltip="What FLUX and its kind are told beside the prompt, as by FluxGuidance; -1 leaves the model's own.",
        ),
        io.Boolean.Input(
            "zero_negative",
            default=False,
            optional=True,
            tooltip="Zeros in place of the negative prompt, as ConditioningZeroOut gives. Without effect at cfg 1.",
        ),
        io.Conditioning.Input(
            "conditioning",
            optional=True,
            tooltip=(
                "Laid under each image's prompt: control nets, reference latents, guidance, sizes. The text of its own "
                "gives way to the image's."
            ),
        ),
        io.Conditioning.Input(
            "negative_conditioning",
            optional=True,
            tooltip="The same for the negative prompt; control nets give one for each.",
        ),
        io.Sigmas.Input("sigmas", optional=True, tooltip="Noise levels in place of steps, scheduler and denoise."),
        io.Sampler.Input(
            "sampler",
            optional=True,
            tooltip=(
                "A sampler with its options, in place of sampler_name. One that draws from torch's global generator, "
                "as by s_churn, begins a refiner's steps by the image's seed again, so the same each time; native "
                "nodes go on with what the base model's steps left there."
            ),
        ),
        io.Guider.Input(
            "guider",
            optional=True,
            tooltip=(
                "Any guider of the same model, in place of cfg: its positive and negative text give way to each "
                "image's own, all else stays."
            ),
        ),
    ]


def deleted_input() -> io.Input:
    """What becomes of deleted pictures."""
    return io.Combo.Input(
        "deleted_pictures",
        options=[MAKE_AGAIN, LEAVE_OUT],
        default=MAKE_AGAIN,
        optional=True,
        tooltip=(
            "What becomes of pictures that you deleted from the set's folder: they count as rejected, and the next "
            "attempt is made, with another seed, or none is."
        ),
    )

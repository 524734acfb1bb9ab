"""The nodes of the LoRA room: sample pictures, caption them, train a LoRA on them (Table 5-5 of the thesis)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comfy.model_management
import folder_paths
import torch
from comfy_api.latest import io

from ...evaluation.pictures.tensors import to_image, to_uint8
from .. import paths
from ..checks import checked
from ..engine import progress_bar, schema, seed_input
from ..sockets import LabelledImages, Result
from .blip import DEFAULT_MODEL, blip_captioner, hub_snapshot
from .captions import edited_key, folder_key, template_captioner, write_folder
from .engine import TrainingJob, train_lora, was_trained
from .sample import sample_each_class
from .settings import LoraSettings

CAPTIONERS = ["template", "BLIP"]
BLIP_MEMORY = 3 * 2**30  # bytes; the large model in fp32 and a batch of pictures
CATEGORY = "HypoNet/LoRA"


def lora_dir() -> Path:
    """Where captioned pictures lie: output/hyponet/lora."""
    return paths.hyponet_dir() / "lora"


class SampleImages(io.ComfyNode):
    """n pictures of each class, drawn by a seed."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetSampleImages",
            display_name="Sample Images",
            category=CATEGORY,
            description="Draws the same number of pictures of each class at random, as a list: native nodes such as "
            "Upscale Image (using Model) then run on one picture at a time.",
            search_aliases=["pick images", "random subset", "per class"],
            inputs=[
                LabelledImages.Input("images", tooltip="The labelled pictures to draw from, such as CIFAR-10 train."),
                io.Int.Input(
                    "per_class",
                    default=40,
                    min=1,
                    max=10_000_000,
                    tooltip="Pictures of each class; the thesis's LoRA was trained on 40 of each of ten classes.",
                ),
                seed_input("Of the draw. A class's draw does not depend on the other classes."),
            ],
            outputs=[
                io.Image.Output(
                    "pictures",
                    display_name="images",
                    is_output_list=True,
                    tooltip="The drawn pictures, class after class, as a list of single images in their own sizes.",
                ),
                io.String.Output(
                    "labels",
                    display_name="labels",
                    is_output_list=True,
                    tooltip="The class name of each drawn picture, in the same order; link it to Caption Images.",
                ),
            ],
        )

    @classmethod
    @checked
    def execute(cls, images: Any, per_class: int, seed: int) -> io.NodeOutput:
        chosen = sample_each_class(images.labels, images.class_names, per_class, seed)
        report = progress_bar(len(chosen))
        pictures = []
        for done, place in enumerate(chosen, 1):
            pictures.append(to_image(images.read(place)))
            report(done, len(chosen))
        return io.NodeOutput(pictures, [images.class_names[images.labels[place]] for place in chosen])


class CaptionImages(io.ComfyNode):
    """A folder of pictures with an editable caption beside each."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetCaptionImages",
            display_name="Caption Images",
            category=CATEGORY,
            description="Writes the pictures to output/hyponet/lora/<name> with a .txt caption beside each. Captions "
            "that you edit there are kept. BLIP describes what is in the picture; the template writes the class name.",
            search_aliases=["BLIP", "describe", "interrogate", "txt"],
            is_input_list=True,
            is_output_node=True,
            inputs=[
                io.Image.Input("images", tooltip="The pictures, as a list or a batch, at the size to train on."),
                io.String.Input(
                    "labels",
                    default="cat",
                    dynamic_prompts=False,
                    tooltip="The class name of each picture, linked from Sample Images; one name alone goes for all.",
                ),
                io.String.Input(
                    "name",
                    default="cifar10-sample",
                    tooltip="Folder below output/hyponet/lora. A folder that holds other pictures is refused.",
                ),
                io.Combo.Input(
                    "captioner",
                    options=CAPTIONERS,
                    default="template",
                    tooltip="template: the text below, no model needed. BLIP: the model below describes each picture.",
                ),
                io.String.Input(
                    "caption_template",
                    default="a photo of a {label}",
                    dynamic_prompts=False,
                    tooltip="For the template captioner: {label} stands for the class name.",
                ),
                io.String.Input(
                    "blip_model",
                    default=DEFAULT_MODEL,
                    dynamic_prompts=False,
                    tooltip="For BLIP: a folder below models/captioners, or a name in the Hugging Face cache. "
                    "Nothing is downloaded.",
                ),
            ],
            outputs=[
                io.String.Output(
                    "folder", display_name="folder", tooltip="The folder's name; link it to the folder of Train LoRA."
                ),
                io.String.Output(
                    "captions",
                    display_name="captions",
                    tooltip="The captions that lie in the folder now, one a line, edited ones included.",
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, name: Any = None, **_: Any) -> str:
        """Changes when somebody edits a caption, not when the node itself writes one."""
        try:
            return edited_key(paths.confine(lora_dir(), name[0]))
        except (ValueError, OSError, TypeError, IndexError):
            return ""

    @classmethod
    @checked
    def execute(
        cls,
        images: list[torch.Tensor],
        labels: list[str],
        name: list[str],
        captioner: list[str],
        caption_template: list[str],
        blip_model: list[str],
    ) -> io.NodeOutput:
        folder = paths.confine(lora_dir(), name[0])
        pictures = [to_uint8(picture) for batch in images for picture in batch]
        names = labels * len(pictures) if len(labels) == 1 else labels
        report = progress_bar(len(pictures))
        if captioner[0] == "BLIP":
            device = comfy.model_management.get_torch_device()
            model = _blip_folder(blip_model[0])
            comfy.model_management.free_memory(BLIP_MEMORY, device)
            caption = blip_captioner(model, str(device))
            settings = f"BLIP {blip_model[0]}"
        else:
            caption = template_captioner(caption_template[0])
            settings = f"template {caption_template[0]}"
        captions = write_folder(folder, pictures, names, caption, settings, progress=report)
        return io.NodeOutput(name[0], "\n".join(captions), ui={"text": ["\n".join(captions[:20])]})


class TrainLora(io.ComfyNode):
    """A LoRA of SD 1.x or SDXL from a folder of captioned pictures."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetTrainLora",
            display_name="Train LoRA",
            category=CATEGORY,
            description="Trains a LoRA of the UNet on a folder of captioned pictures and saves it in models/loras "
            "after every epoch, for the native Load LoRA and other tools. Defaults are the thesis's Table 5-5 for "
            "SD 1.x; for SDXL set resolution to 1024. A finished training with the same settings is not repeated.",
            search_aliases=["finetune", "kohya", "dreambooth", "Adafactor"],
            is_output_node=True,
            inputs=[
                io.Model.Input("model", tooltip="SD 1.x or SDXL base. Patches such as FreeU play no part in training."),
                io.Clip.Input("clip", tooltip="The CLIP of the same checkpoint; it is not trained."),
                io.Vae.Input("vae", tooltip="The VAE of the same checkpoint."),
                io.String.Input(
                    "folder",
                    default="cifar10-sample",
                    tooltip="Pictures with a .txt caption beside each: a folder below output/hyponet/lora (from "
                    "Caption Images) or below input.",
                ),
                io.String.Input(
                    "name",
                    default="hyponet/cifar10-sample",
                    tooltip="File in models/loras, without ending. A file that was trained otherwise is never written "
                    "over.",
                ),
                io.Int.Input(
                    "resolution",
                    default=512,
                    min=64,
                    max=4096,
                    step=64,
                    tooltip="Side of the square bucket; buckets have about its area. 512 for SD 1.x, 1024 for SDXL.",
                ),
                io.Int.Input("batch_size", default=5, min=1, max=256, tooltip="Pictures a step."),
                io.Int.Input("epochs", default=7, min=1, max=100_000, tooltip="Times every picture is seen."),
                io.Float.Input(
                    "learning_rate",
                    default=0.0012,
                    min=1e-7,
                    max=1.0,
                    step=1e-7,
                    tooltip="Constant rate of Adafactor.",
                ),
                io.Int.Input("rank", default=8, min=1, max=1024, tooltip="Rank of the LoRA: its capacity and size."),
                io.Float.Input(
                    "alpha",
                    default=1.0,
                    min=0.001,
                    max=1024.0,
                    step=0.001,
                    tooltip="The LoRA is scaled by alpha / rank.",
                ),
                io.Int.Input(
                    "min_bucket",
                    default=256,
                    min=64,
                    max=4096,
                    step=64,
                    tooltip="Smallest side of an aspect bucket; buckets go in steps of 64.",
                ),
                io.Int.Input(
                    "max_bucket", default=2048, min=64, max=4096, step=64, tooltip="Largest side of an aspect bucket."
                ),
                io.Boolean.Input(
                    "gradient_checkpointing",
                    default=True,
                    tooltip="Much less memory for about a third more time; the result is the same.",
                ),
                seed_input(
                    "Of the LoRA's start, the order, the timesteps and the noise: same seed, same file (to the bit on "
                    "CPU)."
                ),
            ],
            outputs=[
                io.String.Output(
                    "lora_name", display_name="lora name", tooltip="The file's name below models/loras, for Load LoRA."
                ),
                io.Image.Output(
                    "loss_curve",
                    display_name="loss curve",
                    tooltip="The loss of each step and epoch, and of 32 fixed (timestep, noise) pairs before and after",
                ),
                Result.Output("result", display_name="result", tooltip="The training's result file, for Report."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, folder: Any = None, name: Any = None, **_: Any) -> str:
        """Changes when the folder does, and when a file that was trained is gone; not by the training itself."""
        try:
            found = folder_key(_caption_folder(folder)) if folder is not None else ""
            missing = name is not None and not _lora_file(name).exists()
            return f"{found} gone" if missing and was_trained(_results_dir(), name) else found
        except (ValueError, OSError):
            return ""

    @classmethod
    @checked
    def execute(
        cls,
        model: Any,
        clip: Any,
        vae: Any,
        folder: str,
        name: str,
        **settings: Any,
    ) -> io.NodeOutput:
        job = TrainingJob(name, _caption_folder(folder), _lora_file(name), _results_dir(), LoraSettings(**settings))
        result, curve = train_lora(model, clip, vae, job)
        image = to_image(curve)
        return io.NodeOutput(f"{name}.safetensors", image, result, ui=result.as_ui())


def _caption_folder(folder: str) -> Path:
    found = paths.confine_any([lora_dir(), Path(folder_paths.get_input_directory())], folder, what="folder")
    if not found.is_dir():
        raise ValueError(f"folder is {ascii(folder)[:80]}, which is a file; expected a folder of pictures")
    return found


def _lora_file(name: str) -> Path:
    paths.confine(_results_dir(), name)  # the result's folder, before anything is trained
    return paths.confine(paths.model_folders("loras")[0], f"{name}.safetensors")


def _results_dir() -> Path:
    return paths.hyponet_dir() / "results"


def _blip_folder(name: str) -> Path:
    bases = paths.model_folders("captioners")
    try:
        found = paths.confine_any(bases, name, what="blip_model")
    except FileNotFoundError:
        return hub_snapshot(name, bases)
    if not found.is_dir():
        raise ValueError(f"blip_model is {ascii(name)[:80]}, which is a file; expected the folder of a BLIP model")
    return found


NODES: list[type[io.ComfyNode]] = [SampleImages, CaptionImages, TrainLora]

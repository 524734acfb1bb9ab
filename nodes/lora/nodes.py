"""The nodes of the LoRA room: sample pictures, caption them, train a LoRA on them (Table 5-5 of the thesis)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from comfy_api.latest import io

from ...evaluation.pictures.pixels import count_shared
from ...evaluation.pictures.tensors import to_image
from ..checks import checked
from ..engine import answer, answer_of, progress_bar
from ..paths import results_dir
from ..sockets import LabelledImages, Result
from ..widgets import schema, seed_input
from . import engine
from .blip import DEFAULT_MODEL
from .captioning import engine as captioning_engine
from .job import LoraJob
from .paths import lora_path, training_folder, unfinished_dir
from .sample import sample_each_class
from .settings import LoraSettings
from .widgets import file_inputs, lora_settings, model_inputs

CATEGORY = "HypoNet/LoRA"


class HypoNetSampleImages(io.ComfyNode):
    """n pictures of each class, drawn by a seed."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetSampleImages",
            display_name="Sample Images",
            category=CATEGORY,
            description=(
                "Draws the same number of pictures of each class at random, as a list: native nodes such as "
                "Upscale Image (using Model) then run on one picture at a time."
            ),
            search_aliases=["pick images", "random subset", "per class"],
            inputs=[
                LabelledImages.Input("images", tooltip="The labelled pictures to draw from, such as CIFAR-10 train."),
                LabelledImages.Input(
                    "test_images",
                    optional=True,
                    tooltip="Test pictures that must not be drawn: those that are, pixel by pixel, are counted here.",
                ),
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
            is_output_node=True,
        )

    @classmethod
    @checked
    def execute(cls, images: Any, per_class: int, seed: int, test_images: Any = None) -> io.NodeOutput:
        indices = sample_each_class(images.labels, images.class_names, per_class, seed)
        progress = progress_bar(len(indices))
        pictures = []
        for index in indices:
            pictures.append(to_image(images.read(index)))
            progress(len(pictures), len(indices))
        labels = [images.class_names[images.labels[index]] for index in indices]
        counts = Counter(labels)
        lines = [f"{len(indices):,} pictures: " + ", ".join(f"{name} {count}" for name, count in counts.items())]
        if test_images is not None:
            chosen = images.select(indices).pixel_digests()
            shared = count_shared(test_images.pixel_digests(progress_bar(len(test_images))), chosen)
            lines.append(
                f"pictures of {test_images.name} among the {len(indices):,} drawn: {shared:,} of {len(test_images):,}"
            )
        return io.NodeOutput(pictures, labels, ui=answer("\n".join(lines)))


class HypoNetCaptionImages(io.ComfyNode):
    """A folder of pictures with an editable caption beside each."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetCaptionImages",
            display_name="Caption Images (BLIP)",
            category=CATEGORY,
            description=(
                "Writes the pictures to output/hyponet/lora/<name> with a .txt caption beside each. Captions that you "
                "edit there are kept. BLIP describes what is in the picture; the template writes the class name."
            ),
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
                    options=list(captioning_engine.CAPTIONERS),
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
                    tooltip=(
                        "For BLIP: a folder below models/captioners, or a name in the Hugging Face cache. "
                        "Nothing is downloaded."
                    ),
                ),
            ],
            outputs=[
                io.String.Output(
                    "folder",
                    display_name="folder",
                    tooltip="The folder's name; link it to the folder of LoRA Training.",
                ),
                io.String.Output(
                    "captions",
                    display_name="captions",
                    tooltip="The captions that lie in the folder now, one a line, edited ones included.",
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, name: Sequence[str | None] = (None,), **_: Any) -> str | float:
        """Changes when somebody edits a caption, not when the node itself writes one."""
        return captioning_engine.captions_fingerprint(name[0])

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
        captioning = captioning_engine.Captioning(captioner[0], caption_template[0], blip_model[0])
        captions = captioning_engine.caption_images(images, labels, name[0], captioning)
        sheet = captioning_engine.captioned_sheet(images, captions)
        return io.NodeOutput(name[0], "\n".join(captions), ui=answer("\n".join(captions[:20]), sheet))


class HypoNetTrainLora(io.ComfyNode):
    """A LoRA of SD 1.x or SDXL from a folder of captioned pictures."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetTrainLora",
            display_name="LoRA Training",
            category=CATEGORY,
            description=(
                "Trains a LoRA of the UNet on a folder of captioned pictures and saves it in models/loras when it is "
                "finished, for the native Load LoRA and other tools. Defaults are the thesis's Table 5-5 for SD 1.x; "
                "for SDXL set resolution to 1024. Stopped, it resumes where it was when you queue it again; a finished "
                "training with the same settings is not repeated."
            ),
            search_aliases=["finetune", "kohya", "dreambooth", "Adafactor"],
            is_output_node=True,
            hidden=[io.Hidden.unique_id],
            advanced=(
                "min_bucket",
                "max_bucket",
                "gradient_checkpointing",
                "weighted_captions",
                "scale_v_pred_loss_like_noise_pred",
            ),
            inputs=[
                *model_inputs(),
                *file_inputs(),
                *lora_settings(),
                seed_input(
                    "Of the LoRA's start, the order, the timesteps and the noise: same seed, same file (to the bit on "
                    "CPU).",
                    limit=2**32 - 1,  # torch's generator on a CPU takes the lower 32 bits of a seed only
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
    def fingerprint_inputs(cls, folder: str | None = None, name: str | None = None, **_: Any) -> str | float:
        """Changes when the folder does, and when a file that was trained is gone; not by the training itself."""
        return engine.training_fingerprint(folder, name)

    @classmethod
    @checked
    def execute(
        cls,
        model: Any,
        clip: Any,
        vae: Any,
        folder: str,
        name: str,
        sample_count: int,
        test_images: Any = None,
        **settings: Any,
    ) -> io.NodeOutput:
        job = LoraJob(
            name,
            training_folder(folder),
            lora_path(name),
            LoraSettings(**settings),
            results_dir(),
            unfinished_dir(name),
            sample_count,
        )
        trained = engine.train_lora(model, clip, vae, job, test_images, cls.hidden.unique_id)
        curve = to_image(trained.curve)
        pictures = [curve] if trained.samples is None else [curve, to_image(trained.samples)]
        file, result = f"{name}.safetensors", trained.result
        return io.NodeOutput(file, curve, result, ui=answer_of(result, *pictures))


NODES: list[type[io.ComfyNode]] = [HypoNetSampleImages, HypoNetCaptionImages, HypoNetTrainLora]

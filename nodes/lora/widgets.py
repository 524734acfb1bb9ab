"""The inputs of LoRA Training."""

from __future__ import annotations

from comfy_api.latest import io

from ..sockets import LabelledImages
from .settings import LoraSettings


def model_inputs() -> list[io.Input]:
    """What a LoRA is trained on, and the pictures that it must not see."""
    return [
        io.Model.Input(
            "model",
            tooltip=(
                "SD 1.x or SDXL base; SD 3, FLUX, Z-Image, Qwen-Image are refused. Patches such as FreeU play no "
                "part in training."
            ),
        ),
        io.Clip.Input("clip", tooltip="The CLIP of the same checkpoint; it is not trained."),
        io.Vae.Input("vae", tooltip="The VAE of the same checkpoint."),
        LabelledImages.Input(
            "test_images",
            optional=True,
            tooltip=(
                "Test pictures that the LoRA must not be trained on: those that it is are counted here and in "
                "the result. Pictures that were enlarged in between are other pictures; see Sample Images."
            ),
        ),
    ]


def file_inputs() -> list[io.Input]:
    """The folder that is read and the file that is made."""
    return [
        io.String.Input(
            "folder",
            default="cifar10-sample",
            tooltip=(
                "Pictures with a .txt caption beside each, also in sub-folders: a folder below "
                "output/hyponet/lora (from Caption Images), output/hyponet/exports (of Export Dataset, such as "
                "pets/captions) or input."
            ),
        ),
        io.String.Input(
            "name",
            default="hyponet/cifar10-sample",
            tooltip=("File in models/loras, without ending. A file that was trained otherwise is never written over."),
        ),
    ]


def lora_settings() -> list[io.Input]:
    """The widgets of LoraSettings, and how many pictures are drawn meanwhile."""
    return [
        _side(
            "resolution",
            "Side of the square bucket; buckets have about its area. 512 for SD 1.x, 1024 for SDXL.",
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
        _side("min_bucket", "Smallest side of an aspect bucket; buckets go in steps of 64."),
        _side("max_bucket", "Largest side of an aspect bucket."),
        io.Boolean.Input(
            "gradient_checkpointing",
            default=True,
            tooltip="Much less memory for about a third more time; the result is the same.",
        ),
        io.Boolean.Input(
            "weighted_captions",
            default=False,
            tooltip="Off: captions are text as it stands. On: they are prompts, with (word:1.2) and the like.",
        ),
        io.Boolean.Input(
            "scale_v_pred_loss_like_noise_pred",
            default=False,
            tooltip=(
                "For v-prediction models, kohya's option of that name: the error of v counts times alpha "
                "squared, so that the noisiest steps teach next to nothing. Off: the plain error of v."
            ),
        ),
        io.Int.Input(
            "sample_count",
            default=0,
            min=0,
            max=8,
            tooltip=(
                "Draw so many of the folder's captions after each epoch, from the same noise, to see what was "
                "learnt: 20 steps each, so it takes time. The LoRA is the same with and without."
            ),
        ),
    ]


def _side(name: str, tooltip: str) -> io.Input:
    """The widget of a side in pixels, with its default in LoraSettings."""
    return io.Int.Input(name, default=getattr(LoraSettings, name), min=64, max=4096, step=64, tooltip=tooltip)

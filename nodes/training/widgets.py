"""The widgets of a training, each a field of Settings, and those that several training nodes share."""

from __future__ import annotations

from comfy_api.latest import io

from ...evaluation.training.settings import CHOICES, RANGES, Settings
from .. import sockets
from ..widgets import FileCombo
from .paths import weight_files

CATEGORY = "HypoNet/Training"
SCRATCH = "scratch"
DOWNLOAD = "ImageNet (download)"
COUNTS = "One line a class: how many pictures it has."


def network_inputs() -> list[io.Input]:
    """Which network is trained, and from which weights on."""
    return [
        _setting("architecture", "torchvision's ResNet. Thesis: resnet18."),
        _setting(
            "stem",
            "The first layer. `7x7` is torchvision's and the thesis's; for 32 pixels `3x3 stride 2` is more "
            "accurate at 3 times the time, `3x3 stride 1 (CIFAR)` more so at 14 times.",
        ),
        FileCombo(
            "start",
            options=[SCRATCH, DOWNLOAD, *weight_files()],
            default=SCRATCH,
            tooltip=(
                "New random weights (thesis), or torchvision's ImageNet weights from models/classifiers with "
                "frozen batch-norm. ImageNet's classes then leak into the figure, and results say so. "
                "Set normalisation to ImageNet with them: batch-norm stays as it was for such inputs."
            ),
        ),
    ]


def picture_inputs() -> list[io.Input]:
    """How pictures become squares of the network's size."""
    return [
        _setting("size", "Side in pixels. Thesis: 32 to test on CIFAR-10, 96 on STL-10, 224 on ImageNet."),
        _setting("filter", "How pictures are made small. The thesis's script really ran `bilinear`."),
        _setting("crop", "Squash to the square (thesis), or cut the largest central square."),
    ]


def optimization_inputs() -> list[io.Input]:
    """How the weights are learned from them."""
    return [
        _setting("epochs", "Times each picture is seen. Thesis: 50."),
        _setting("batch_size", "Pictures a step. Thesis: 32."),
        _setting(
            "learning_rate",
            "The schedule's highest rate. Thesis: 0.001. SGD with one-cycle at batch 128: 0.1.",
            step=1e-8,
        ),
        _setting("optimizer", "AdamW (thesis), or SGD with Nesterov momentum 0.9."),
        _setting("weight_decay", "AdamW's usual 0.01; for SGD 0.0005.", step=1e-6),
        _setting("schedule", "How the rate goes: constant (thesis), cosine to 0, or one-cycle."),
        _setting("label_smoothing", "0 (thesis); 0.1 is usual."),
        _setting("augmentation", "Drawn anew for each picture and epoch; none in the thesis."),
        _setting("normalisation", "`none` leaves inputs in 0..1, as the thesis did."),
        _setting("precision", "The thesis used float32; bfloat16 is faster on GPUs and on CPUs that have it."),
        _setting("held_out", "Share of each class kept from training, to choose the best epoch. Thesis: 0."),
    ]


def images_input(name: str, tooltip: str) -> io.Input:
    """The socket for labelled pictures that a node makes others of."""
    return sockets.LabelledImages.Input(name, tooltip=tooltip)


def images_output(tooltip: str) -> io.Output:
    """The socket for the labelled pictures that it makes."""
    return sockets.LabelledImages.Output("labelled", display_name="images", tooltip=tooltip)


def _setting(name: str, tooltip: str, step: float = 0.01) -> io.Input:
    """The widget of one field of Settings, with the field's default and limits."""
    default = getattr(Settings, name)
    if name in CHOICES:
        return io.Combo.Input(name, options=list(CHOICES[name]), default=default, tooltip=tooltip)
    low, high = RANGES[name]
    if isinstance(default, int):
        return io.Int.Input(name, default=default, min=int(low), max=int(high), tooltip=tooltip)
    return io.Float.Input(name, default=default, min=low, max=high, step=step, round=False, tooltip=tooltip)

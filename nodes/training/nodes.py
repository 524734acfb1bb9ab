"""The nodes of the training room: pictures (data/nodes.py), then training, testing and comparing classifiers."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...evaluation.pictures.labelled_images import LabelledImages
from ...evaluation.training.checkpoint import Checkpoint, about
from ...evaluation.training.records import BEST_EPOCH, LAST_EPOCH
from ...evaluation.training.settings import CHOICES, RANGES, Settings
from ...evaluation.training.train import weights_key
from .. import sockets
from ..checks import checked
from ..engine import answer
from ..widgets import FileCombo, name_input, names_found_when_opened, schema, seed_input
from . import engine
from .data.nodes import NODES as DATA_NODES
from .loop.nodes import NODES as LOOP_NODES
from .paths import (
    NOTHING_TRAINED,
    checked_run_name,
    checkpoint_files,
    checkpoint_fingerprint,
    open_checkpoint,
    start_weights,
    weight_files,
)

CATEGORY = "HypoNet/Training"
SCRATCH = "scratch"
DOWNLOAD = "ImageNet (download)"
CHOSEN_EPOCHS = (LAST_EPOCH, BEST_EPOCH)


class HypoNetTrainClassifier(io.ComfyNode):
    """Classifiers trained on labelled pictures, one a run."""

    validate_inputs = names_found_when_opened("start")

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetTrainClassifier",
            display_name="Train Classifier",
            category=CATEGORY,
            description=(
                "Trains a ResNet on labelled pictures; the defaults are Table 5-2 of the thesis. Shows loss, accuracy, "
                "images a second and time left. Interrupting keeps a checkpoint; queueing again resumes from it and "
                "reaches the result that an unbroken run has; a finished run is not trained again."
            ),
            essentials_category="HypoNet",
            search_aliases=["ResNet", "resnet18", "train image classifier", "fit"],
            is_output_node=True,
            hidden=[io.Hidden.unique_id],
            advanced=(
                "filter",
                "crop",
                "optimizer",
                "weight_decay",
                "schedule",
                "label_smoothing",
                "normalisation",
                "precision",
            ),
            inputs=[
                sockets.LabelledImages.Input("images", tooltip="The training pictures."),
                name_input(
                    "classifier",
                    "Where checkpoints and results go: output/hyponet/classifiers/<name>, .../results/<name>.",
                ),
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
                _setting("size", "Side in pixels. Thesis: 32 to test on CIFAR-10, 96 on STL-10, 224 on ImageNet."),
                _setting("filter", "How pictures are made small. The thesis's script really ran `bilinear`."),
                _setting("crop", "Squash to the square (thesis), or cut the largest central square."),
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
                io.Combo.Input(
                    "chosen_epoch",
                    options=list(CHOSEN_EPOCHS),
                    default=CHOSEN_EPOCHS[0],
                    tooltip="Which weights go out: the last epoch's (thesis), or the best on the held-out share.",
                ),
                io.Int.Input(
                    "runs", default=1, min=1, max=100, tooltip="Training runs with the seeds seed, seed + 1, ..."
                ),
                seed_input(
                    "Of weights, order, augmentation and the held-out draw, which all runs share. One seed, one "
                    "result on one machine."
                ),
            ],
            outputs=[
                sockets.Checkpoint.Output(
                    "checkpoint", display_name="classifier", is_output_list=True, tooltip="One checkpoint a run."
                ),
                io.Image.Output("curves", display_name="curves", tooltip="Loss and accuracy by epoch, all runs."),
                sockets.Result.Output(
                    "result", display_name="result", is_output_list=True, tooltip="One result a run, for the report."
                ),
            ],
        )

    @classmethod
    @checked
    def execute(
        cls,
        images: LabelledImages,
        name: str,
        architecture: str,
        start: str,
        chosen_epoch: str,
        runs: int,
        **settings: Any,
    ) -> io.NodeOutput:
        run_name = checked_run_name(name)
        weights = start_weights(start, architecture, SCRATCH, DOWNLOAD)
        asked = Settings(architecture=architecture, weights_key=weights_key(weights), **settings)
        trained = engine.train_runs(
            images, asked, run_name, runs, chosen_epoch == CHOSEN_EPOCHS[1], weights, cls.hidden.unique_id
        )
        return io.NodeOutput(trained.checkpoints, trained.curves, trained.results, ui=trained.as_ui())


class HypoNetOpenClassifier(io.ComfyNode):
    """A classifier that was trained earlier."""

    validate_inputs = names_found_when_opened("file")

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetOpenClassifier",
            display_name="Open Trained Classifier",
            category=CATEGORY,
            description="Opens a checkpoint that Train Classifier saved earlier, to test or compare it.",
            search_aliases=["load checkpoint", "load classifier"],
            inputs=[
                FileCombo(
                    "file",
                    options=checkpoint_files() or [NOTHING_TRAINED],
                    tooltip="A file below output/hyponet/classifiers or models/classifiers.",
                ),
            ],
            outputs=[
                sockets.Checkpoint.Output("checkpoint", display_name="classifier", tooltip="The classifier."),
                io.String.Output(
                    "about", display_name="about", tooltip="Classes, settings and training data, as text."
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, file: str | None = None) -> str | float:
        return checkpoint_fingerprint(file)

    @classmethod
    @checked
    def execute(cls, file: str) -> io.NodeOutput:
        checkpoint = open_checkpoint(file)
        return io.NodeOutput(checkpoint, about(checkpoint))


class HypoNetTestClassifier(io.ComfyNode):
    """The accuracy of a classifier on one to four test sets."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetTestClassifier",
            display_name="Test Classifier",
            category=CATEGORY,
            description=(
                "Accuracy on one to four test sets: overall and per class, 95 % Wilson interval, confusion matrix, "
                "calibration error, and the worst mistakes. Several training seeds give mean and deviation."
            ),
            essentials_category="HypoNet",
            search_aliases=["evaluate", "accuracy", "confusion matrix", "Table 5-9"],
            is_output_node=True,
            is_input_list=True,
            hidden=[io.Hidden.unique_id],
            inputs=[
                sockets.Checkpoint.Input("checkpoint", tooltip="One classifier, or the list that several runs give."),
                sockets.LabelledImages.Input("images", tooltip="A test set, with the classifier's class names."),
                sockets.LabelledImages.Input("images_2", optional=True, tooltip="A second test set."),
                sockets.LabelledImages.Input("images_3", optional=True, tooltip="A third test set."),
                sockets.LabelledImages.Input("images_4", optional=True, tooltip="A fourth test set."),
                name_input(
                    "classifier", "How tables name the classifier; results go to output/hyponet/results/<name>."
                ),
                io.Int.Input(
                    "mistakes", default=16, min=1, max=64, tooltip="How many of the surest mistakes the sheet shows."
                ),
            ],
            outputs=[
                sockets.Result.Output(
                    "result", display_name="result", is_output_list=True, tooltip="One result a classifier."
                ),
                io.String.Output("table", display_name="table", tooltip="The figures as a Markdown table."),
                io.Image.Output("confusion", display_name="confusion", tooltip="Confusion matrices, one a test set."),
                io.Image.Output(
                    "worst",
                    display_name="mistakes",
                    tooltip="The pictures it was surest and wrong about; of several runs, the first's.",
                ),
            ],
        )

    @classmethod
    @checked
    def execute(
        cls,
        checkpoint: list[Checkpoint],
        images: list[LabelledImages],
        name: list[str],
        mistakes: list[int],
        images_2: list[LabelledImages] | None = None,
        images_3: list[LabelledImages] | None = None,
        images_4: list[LabelledImages] | None = None,
    ) -> io.NodeOutput:
        links = (images, images_2, images_3, images_4)
        sets = [data for linked in links for data in linked or () if data is not None]
        node_id = _node_id(cls.hidden.unique_id)
        tested = engine.test(checkpoint, sets, checked_run_name(name[0]), mistakes[0], node_id)
        return io.NodeOutput(tested.results, tested.table, tested.confusion, tested.mistakes, ui=tested.as_ui())


class HypoNetCompareClassifiers(io.ComfyNode):
    """Whether two classifiers differ by more than chance."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetCompareClassifiers",
            display_name="Compare Classifiers",
            category=CATEGORY,
            description=(
                "McNemar's test: do two classifiers differ on the same test pictures by more than chance? With several "
                "training seeds, run by run, p-values adjusted by Holm."
            ),
            search_aliases=["McNemar", "significance test"],
            is_output_node=True,
            is_input_list=True,
            hidden=[io.Hidden.unique_id],
            inputs=[
                sockets.Checkpoint.Input("checkpoint", tooltip="The first classifier, or its runs."),
                sockets.Checkpoint.Input("other", tooltip="The second, or as many runs of it."),
                sockets.LabelledImages.Input("images", tooltip="The test set."),
                name_input("classifier", "Results go to output/hyponet/results/<name>."),
            ],
            outputs=[
                sockets.Result.Output("result", display_name="result", tooltip="The comparison, for the report."),
                io.String.Output("table", display_name="table", tooltip="The figures as a Markdown table."),
            ],
        )

    @classmethod
    @checked
    def execute(
        cls,
        checkpoint: list[Checkpoint],
        other: list[Checkpoint],
        images: list[LabelledImages],
        name: list[str],
    ) -> io.NodeOutput:
        node_id = _node_id(cls.hidden.unique_id)
        result, table = engine.compare(checkpoint, other, images[0], checked_run_name(name[0]), node_id)
        return io.NodeOutput(result, table, ui=answer(table, results=[result]))


def _node_id(hidden: object) -> str | None:
    value = hidden[0] if isinstance(hidden, list) and hidden else hidden
    return None if value is None else str(value)


def _setting(name: str, tooltip: str, step: float = 0.01) -> io.Input:
    """The widget of one field of Settings, with the field's default and limits."""
    default = getattr(Settings, name)
    if name in CHOICES:
        return io.Combo.Input(name, options=list(CHOICES[name]), default=default, tooltip=tooltip)
    low, high = RANGES[name]
    if isinstance(default, int):
        return io.Int.Input(name, default=default, min=int(low), max=int(high), tooltip=tooltip)
    return io.Float.Input(name, default=default, min=low, max=high, step=step, round=False, tooltip=tooltip)


NODES: list[type[io.ComfyNode]] = [
    *DATA_NODES,
    HypoNetTrainClassifier,
    HypoNetOpenClassifier,
    HypoNetTestClassifier,
    HypoNetCompareClassifiers,
    *LOOP_NODES,
]

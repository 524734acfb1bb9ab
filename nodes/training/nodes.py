"""The nodes of the training room: training a classifier and opening it again; the folders have faces of their own."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ...evaluation.pictures.labelled_images import LabelledImages
from ...evaluation.training.checkpoint import about
from ...evaluation.training.records import BEST_EPOCH, LAST_EPOCH
from ...evaluation.training.settings import Settings
from ...evaluation.training.train import weights_key
from .. import sockets
from ..checks import checked
from ..widgets import FileCombo, name_input, names_found_when_opened, schema, seed_input
from . import engine, widgets
from .data.nodes import NODES as DATA_NODES
from .loop.nodes import NODES as LOOP_NODES
from .parts.nodes import NODES as PARTS_NODES
from .paths import (
    NOTHING_TRAINED,
    checked_run_name,
    checkpoint_files,
    checkpoint_fingerprint,
    open_checkpoint,
    start_weights,
)
from .testing.nodes import NODES as TESTING_NODES

CHOSEN_EPOCHS = (LAST_EPOCH, BEST_EPOCH)


class HypoNetTrainClassifier(io.ComfyNode):
    """Classifiers trained on labelled pictures, one a run."""

    validate_inputs = names_found_when_opened("start")

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetTrainClassifier",
            display_name="Train Classifier",
            category=widgets.CATEGORY,
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
                *widgets.network_inputs(),
                *widgets.picture_inputs(),
                *widgets.optimization_inputs(),
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
        weights = start_weights(start, architecture, widgets.SCRATCH, widgets.DOWNLOAD)
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
            category=widgets.CATEGORY,
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


NODES: list[type[io.ComfyNode]] = [
    *DATA_NODES,
    *PARTS_NODES,
    HypoNetTrainClassifier,
    HypoNetOpenClassifier,
    *TESTING_NODES,
    *LOOP_NODES,
]

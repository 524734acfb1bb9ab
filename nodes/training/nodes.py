"""The nodes of the training room: pictures (data/nodes.py), then training, testing and comparing classifiers."""

from __future__ import annotations

from comfy_api.latest import io

from ...evaluation.pictures.decode import CROPS, FILTERS
from ...evaluation.pictures.labelled_images import LabelledImages
from ...evaluation.training.model import ARCHITECTURES, STEMS, Checkpoint
from ...evaluation.training.settings import AUGMENTATIONS, NORMALISATIONS, OPTIMIZERS, PRECISIONS, SCHEDULES, Settings
from ...evaluation.training.train import weights_key
from .. import checks, sockets
from ..engine import SEED_LIMIT, schema, seed_input
from . import engine
from .data.nodes import NODES as DATA_NODES

CATEGORY = "HypoNet/Training"
SCRATCH = "scratch"
DOWNLOAD = "ImageNet (download)"
TAKEN = ("last epoch", "best held-out epoch")


class HypoNetTrainClassifier(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetTrainClassifier",
            display_name="Train Classifier",
            category=CATEGORY,
            description=(
                "Trains a ResNet on labelled pictures; the defaults are Table 5-2 of the thesis. Shows loss, accuracy, "
                "images a second and time left. Interrupting keeps a checkpoint; queueing again goes on from it to the "
                "result that an unbroken run has; a finished run is not trained again."
            ),
            search_aliases=["ResNet", "resnet18", "train image classifier", "fit"],
            is_output_node=True,
            hidden=[io.Hidden.unique_id],
            inputs=[
                sockets.LabelledImages.Input("images", tooltip="The training pictures."),
                _name("Where checkpoints and results go: output/hyponet/classifiers/<name>, .../results/<name>."),
                _combo("architecture", ARCHITECTURES, "torchvision's ResNet. Thesis: resnet18."),
                _combo(
                    "stem",
                    STEMS,
                    "The first layer. `7x7` is torchvision's and the thesis's; for 32 pixels `3x3 stride 2` is more "
                    "accurate at 3 times the time, `3x3 stride 1 (CIFAR)` more so at 14 times.",
                ),
                io.Combo.Input(
                    "start",
                    options=[SCRATCH, DOWNLOAD, *engine.weight_files()],
                    default=SCRATCH,
                    tooltip=(
                        "New random weights (thesis), or torchvision's ImageNet weights from models/classifiers with "
                        "frozen batch-norm. ImageNet's classes then leak into the figure, and results say so. "
                        "Set normalisation to ImageNet with them: batch-norm stays as it was for such inputs."
                    ),
                ),
                io.Int.Input(
                    "size",
                    default=32,
                    min=8,
                    max=4096,
                    tooltip="Side in pixels. Thesis: 32 to test on CIFAR-10, 96 on STL-10, 224 on ImageNet.",
                ),
                _combo("filter", FILTERS, "How pictures are made small. The thesis's script really ran `bilinear`."),
                _combo("crop", CROPS, "Squash to the square (thesis), or cut the largest central square."),
                io.Int.Input(
                    "epochs", default=50, min=1, max=100_000, tooltip="Times each picture is seen. Thesis: 50."
                ),
                io.Int.Input("batch_size", default=32, min=2, max=65_536, tooltip="Pictures a step. Thesis: 32."),
                io.Float.Input(
                    "learning_rate",
                    default=0.001,
                    min=1e-8,
                    max=100.0,
                    step=1e-8,
                    round=False,
                    tooltip="The schedule's highest rate. Thesis: 0.001. SGD with one-cycle at batch 128: 0.1.",
                ),
                _combo("optimizer", OPTIMIZERS, "AdamW (thesis), or SGD with Nesterov momentum 0.9."),
                io.Float.Input(
                    "weight_decay",
                    default=0.01,
                    min=0.0,
                    max=10.0,
                    step=1e-6,
                    round=False,
                    tooltip="AdamW's usual 0.01; for SGD 0.0005.",
                ),
                _combo("schedule", SCHEDULES, "How the rate goes: constant (thesis), cosine to 0, or one-cycle."),
                io.Float.Input(
                    "label_smoothing", default=0.0, min=0.0, max=0.99, step=0.01, tooltip="0 (thesis); 0.1 is usual."
                ),
                _combo("augmentation", AUGMENTATIONS, "Drawn anew for each picture and epoch; none in the thesis."),
                _combo("normalisation", NORMALISATIONS, "`none` leaves inputs in 0..1, as the thesis did."),
                _combo(
                    "precision",
                    PRECISIONS,
                    "The thesis used float32; bfloat16 is faster on GPUs and on CPUs that have it.",
                ),
                io.Float.Input(
                    "held_out",
                    default=0.0,
                    min=0.0,
                    max=0.9,
                    step=0.01,
                    tooltip="Share of each class kept from training, to choose the best epoch. Thesis: 0.",
                ),
                io.Combo.Input(
                    "taken",
                    options=list(TAKEN),
                    default=TAKEN[0],
                    tooltip="Which weights go out: the last epoch's (thesis), or the best on the held-out share.",
                ),
                io.Int.Input(
                    "runs", default=1, min=1, max=100, tooltip="Training runs with the seeds seed, seed + 1, ..."
                ),
                seed_input(
                    "Of weights, order, augmentation and the held-out draw. One seed, one result on one machine."
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
    def execute(
        cls,
        images: LabelledImages,
        run_name: str,
        architecture: str,
        stem: str,
        start: str,
        size: int,
        filter: str,
        crop: str,
        epochs: int,
        batch_size: int,
        learning_rate: float,
        optimizer: str,
        weight_decay: float,
        schedule: str,
        label_smoothing: float,
        augmentation: str,
        normalisation: str,
        precision: str,
        held_out: float,
        taken: str,
        runs: int,
        seed: int,
    ) -> io.NodeOutput:
        name = engine.run_name(run_name)
        best = checks.choice(taken, TAKEN, "taken") == TAKEN[1]
        checks.choice(architecture, ARCHITECTURES, "architecture")
        weights = engine.start_weights(checks.text(start, "start", 4096), architecture, SCRATCH, DOWNLOAD)
        settings = Settings(
            architecture=architecture,
            stem=stem,
            weights_key=weights_key(weights),
            size=checks.integer(size, 8, 4096, "size"),
            filter=filter,
            crop=crop,
            epochs=checks.integer(epochs, 1, 100_000, "epochs"),
            batch_size=checks.integer(batch_size, 2, 65_536, "batch size"),
            learning_rate=checks.number(learning_rate, 1e-8, 100.0, "learning rate"),
            optimizer=optimizer,
            weight_decay=checks.number(weight_decay, 0.0, 10.0, "weight decay"),
            schedule=schedule,
            label_smoothing=checks.number(label_smoothing, 0.0, 0.99, "label smoothing"),
            augmentation=augmentation,
            normalisation=normalisation,
            precision=precision,
            held_out=checks.number(held_out, 0.0, 0.9, "held-out share"),
            seed=checks.integer(seed, 0, SEED_LIMIT, "seed"),
        )
        number = checks.integer(runs, 1, 100, "runs")
        done = engine.train_runs(images, settings, name, number, best, weights, cls.hidden.unique_id)
        return io.NodeOutput(done.checkpoints, done.curves, done.results, ui=done.as_ui())


class HypoNetOpenClassifier(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetOpenClassifier",
            display_name="Open Trained Classifier",
            category=CATEGORY,
            description="Opens a checkpoint that Train Classifier saved earlier, to test or compare it.",
            search_aliases=["load checkpoint", "load classifier"],
            inputs=[
                io.Combo.Input(
                    "checkpoint_file",
                    options=engine.checkpoint_files() or [engine.NOTHING_TRAINED],
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
    def fingerprint_inputs(cls, checkpoint_file: str | None = None) -> str:
        return engine.checkpoint_stamp(checkpoint_file)

    @classmethod
    def execute(cls, checkpoint_file: str) -> io.NodeOutput:
        checkpoint = engine.open_checkpoint(checkpoint_file)
        return io.NodeOutput(checkpoint, engine.about(checkpoint))


class HypoNetTestClassifier(io.ComfyNode):
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
                _name("How tables name the classifier; results go to output/hyponet/results/<name>."),
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
    def execute(
        cls,
        checkpoint: list[Checkpoint],
        images: list[LabelledImages],
        run_name: list[str],
        mistakes: list[int],
        images_2: list[LabelledImages] | None = None,
        images_3: list[LabelledImages] | None = None,
        images_4: list[LabelledImages] | None = None,
    ) -> io.NodeOutput:
        sets = [data for given in (images, images_2, images_3, images_4) if given for data in given if data is not None]
        number = checks.integer(mistakes[0], 1, 64, "mistakes")
        done = engine.test(checkpoint, sets, engine.run_name(run_name[0]), number, _node_id(cls.hidden.unique_id))
        return io.NodeOutput(done.results, done.table, done.confusion, done.mistakes, ui=done.as_ui())


class HypoNetCompareClassifiers(io.ComfyNode):
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
                _name("Results go to output/hyponet/results/<name>."),
            ],
            outputs=[
                sockets.Result.Output("result", display_name="result", tooltip="The comparison, for the report."),
                io.String.Output("table", display_name="table", tooltip="The figures as a Markdown table."),
            ],
        )

    @classmethod
    def execute(
        cls,
        checkpoint: list[Checkpoint],
        other: list[Checkpoint],
        images: list[LabelledImages],
        run_name: list[str],
    ) -> io.NodeOutput:
        name = engine.run_name(run_name[0])
        result, table = engine.compare(checkpoint, other, images[0], name, _node_id(cls.hidden.unique_id))
        return io.NodeOutput(result, table, ui={**result.as_ui(), "text": [table]})


def _node_id(hidden: object) -> str | None:
    value = hidden[0] if isinstance(hidden, list) and hidden else hidden
    return None if value is None else str(value)


def _combo(name: str, options: tuple[str, ...], tooltip: str) -> io.Input:
    return io.Combo.Input(name, options=list(options), default=options[0], tooltip=tooltip)


def _name(tooltip: str) -> io.Input:
    return io.String.Input(
        "run_name", default="classifier", dynamic_prompts=False, display_name="name", tooltip=tooltip
    )


NODES: list[type[io.ComfyNode]] = [
    *DATA_NODES,
    HypoNetTrainClassifier,
    HypoNetOpenClassifier,
    HypoNetTestClassifier,
    HypoNetCompareClassifiers,
]

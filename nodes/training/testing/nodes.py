"""The nodes that test classifiers, and compare them."""

from __future__ import annotations

from comfy_api.latest import io

from ....evaluation.pictures.labelled_images import LabelledImages
from ....evaluation.training.checkpoint import Checkpoint
from ... import sockets
from ...checks import checked
from ...engine import answer
from ...widgets import name_input, schema
from .. import engine, widgets
from ..paths import (
    checked_run_name,
)


class HypoNetTestClassifier(io.ComfyNode):
    """The accuracy of a classifier on one to four test sets."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetTestClassifier",
            display_name="Test Classifier (accuracy, confusion)",
            category=widgets.CATEGORY,
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
                    tooltip="Its surest mistakes; of several runs, the first's; of none a note that says so.",
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
            display_name="Compare Classifiers (McNemar)",
            category=widgets.CATEGORY,
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


NODES: list[type[io.ComfyNode]] = [HypoNetTestClassifier, HypoNetCompareClassifiers]

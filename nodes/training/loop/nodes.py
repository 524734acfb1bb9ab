"""The nodes that close the loop: more pictures of weak classes, how many are enough, synthetic against real."""

from __future__ import annotations

from comfy_api.latest import io

from ....evaluation.pictures.labelled_images import LabelledImages
from ....evaluation.results import Result, write_result
from ....evaluation.training.checkpoint import Checkpoint
from ....evaluation.training.ratio import ratio_measurement, ratio_table, ratios_to_real
from ....evaluation.training.top_up import STEERED_BY
from ... import sockets
from ...checks import checked
from ...engine import answer
from ...paths import results_dir
from ...prompts.plan import Plan
from ...widgets import name_input, schema
from .. import widgets
from ..paths import checked_run_name
from . import engine


class HypoNetTopUpPlan(io.ComfyNode):
    """The same plan with more images of the classes that a test found weak."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetTopUpPlan",
            display_name="Top Up Plan",
            category=widgets.CATEGORY,
            description=(
                "More images of the classes that a test found weak: the same plan with higher counts, so that Generate "
                "Dataset keeps what is there and makes what is new. The pictures that steer are none of those that you "
                "report: divide the test set, and connect both parts."
            ),
            search_aliases=["feedback", "active learning", "weak classes", "rebalance"],
            is_output_node=True,
            is_input_list=True,
            inputs=[
                sockets.Plan.Input("plan", tooltip="Of the set that the classifier learned: Load Dataset has it."),
                sockets.Result.Input(
                    "result", tooltip="Test Classifier's, on the steering pictures; of several runs all."
                ),
                sockets.LabelledImages.Input("steering", tooltip="The pictures that result was measured on."),
                sockets.LabelledImages.Input(
                    "reported",
                    tooltip="The test pictures that you will report. Refused where one of them is among the steering.",
                ),
                io.Int.Input(
                    "budget", default=100, min=1, max=10_000_000, tooltip="Images that are added, over all classes."
                ),
                io.Combo.Input(
                    "steer_by",
                    options=list(STEERED_BY),
                    default=STEERED_BY[0],
                    tooltip=(
                        "What makes a class weak: accuracy, its pictures that are called otherwise; confusion, others "
                        "called by it too; entropy, how undecided the classifier is about its pictures."
                    ),
                ),
                name_input(
                    "top-up", "How the report names this top-up; the result goes to output/hyponet/results/<name>."
                ),
            ],
            outputs=[
                sockets.Plan.Output(
                    "topped", display_name="plan", tooltip="For Generate Dataset, under the set's name."
                ),
                sockets.Result.Output("decided", display_name="result", tooltip="What was decided, for the report."),
                io.String.Output(
                    "table", display_name="table", tooltip="Each class's accuracy and images, as Markdown."
                ),
            ],
        )

    @classmethod
    @checked
    def execute(
        cls,
        plan: list[Plan],
        result: list[Result],
        steering: list[LabelledImages],
        reported: list[LabelledImages],
        budget: list[int],
        steer_by: list[str],
        name: list[str],
    ) -> io.NodeOutput:
        stated = checked_run_name(name[0])
        topped, decided, table = engine.top_up(
            plan[0], result, steering[0], reported[0], budget[0], steer_by[0], stated
        )
        return io.NodeOutput(topped, decided, table, ui=answer(table, results=[decided]))


class HypoNetLearningCurve(io.ComfyNode):
    """Accuracy against the number of pictures a class."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetLearningCurve",
            display_name="Learning Curve",
            category=widgets.CATEGORY,
            description=(
                "How many pictures are enough: trains on nested subsets of the set, with about as many updates each, "
                "and draws accuracy against pictures a class. Several runs give an interval over seeds. Each point "
                "takes as long as the training of the whole set; what is trained is not trained again."
            ),
            search_aliases=["how many images", "sample size", "data scaling"],
            is_output_node=True,
            is_input_list=True,
            hidden=[io.Hidden.unique_id],
            inputs=[
                sockets.Checkpoint.Input(
                    "checkpoint", tooltip="Trained on the whole set: settings, seeds, and the curve's last point."
                ),
                sockets.LabelledImages.Input("images", tooltip="The training pictures of that classifier."),
                sockets.LabelledImages.Input("test_images", tooltip="The test pictures."),
                io.String.Input(
                    "sizes",
                    default="10, 20, 50, 100",
                    dynamic_prompts=False,
                    tooltip="Pictures a class of each subset; those that the set does not have are left out.",
                ),
                name_input(
                    "learning-curve",
                    "How the report names the curve; checkpoints go to output/hyponet/classifiers/<name>.",
                ),
            ],
            outputs=[
                sockets.Result.Output("result", display_name="result", tooltip="The curve, for the report."),
                io.String.Output("table", display_name="table", tooltip="The points as a Markdown table."),
                io.Image.Output("plot", display_name="plot", tooltip="Accuracy against pictures a class."),
            ],
        )

    @classmethod
    @checked
    def execute(
        cls,
        checkpoint: list[Checkpoint],
        images: list[LabelledImages],
        test_images: list[LabelledImages],
        sizes: list[str],
        name: list[str],
    ) -> io.NodeOutput:
        hidden = cls.hidden.unique_id
        node_id = hidden[0] if isinstance(hidden, list) and hidden else hidden
        stated = checked_run_name(name[0])
        result, table, plot = engine.learning_curve(checkpoint, images[0], test_images[0], sizes[0], stated, node_id)
        return io.NodeOutput(result, table, plot, ui=answer(table, plot, results=[result]))


class HypoNetRatioToReal(io.ComfyNode):
    """Training on synthetic against training on real pictures, as one figure."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetRatioToReal",
            display_name="Ratio to Real",
            category=widgets.CATEGORY,
            description=(
                "Accuracy after training on synthetic pictures divided by that after training on real ones, on the "
                "same test pictures, with its interval over training seeds. Refused where the two were trained or "
                "tested otherwise."
            ),
            search_aliases=["TSTR", "TRTR", "synthetic to real"],
            is_output_node=True,
            is_input_list=True,
            inputs=[
                sockets.Result.Input("synthetic", tooltip="Test Classifier's result after training on synthetic ones."),
                sockets.Result.Input("real", tooltip="The same after training on real ones, best of the same seeds."),
                name_input(
                    "ratio", "How the report names the comparison; the result goes to output/hyponet/results/<name>."
                ),
            ],
            outputs=[
                sockets.Result.Output("result", display_name="result", tooltip="The ratio, for the report."),
                io.String.Output("table", display_name="table", tooltip="The figures as a Markdown table."),
            ],
        )

    @classmethod
    @checked
    def execute(cls, synthetic: list[Result], real: list[Result], name: list[str]) -> io.NodeOutput:
        stated = checked_run_name(name[0])
        ratios = ratios_to_real(synthetic, real)
        result = write_result(results_dir(), ratio_measurement(stated, ratios, synthetic, real))
        table = "\n".join([ratio_table(ratios), *(f"warning: {warning}" for warning in result.warnings)])
        return io.NodeOutput(result, table, ui=answer(table, results=[result]))


NODES: list[type[io.ComfyNode]] = [HypoNetTopUpPlan, HypoNetLearningCurve, HypoNetRatioToReal]

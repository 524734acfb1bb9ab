"""The nodes that compare the features of a set with those of a reference."""

from __future__ import annotations

from comfy_api.latest import io

from ....evaluation.metrics.charts import fid_bars, precision_bars
from ....evaluation.metrics.feature_statistics import FeatureStatistics
from ....evaluation.metrics.features import ImageFeatures
from ....evaluation.metrics.fid import measure_fid
from ....evaluation.metrics.kid import Kernel, measure_kid
from ....evaluation.metrics.precision_recall import measure_precision_recall
from ....evaluation.pictures.tensors import to_image
from ... import sockets
from ...checks import checked
from ...engine import answer_of, progress_bar
from ...widgets import schema, seed_input
from .. import engine, widgets


class HypoNetMeasureFID(io.ComfyNode):
    """Frechet Inception Distance of two sets."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMeasureFID",
            display_name="FID (Frechet distance, metric)",
            category=widgets.CATEGORY,
            description=(
                "Frechet Inception Distance between a set and a reference: 0 means alike, higher is worse. "
                "It depends on the number of pictures, the network and the convention, which are kept with it; on "
                "features of DINOv2 it is FD-DINOv2."
            ),
            search_aliases=["frechet inception distance", "FD-DINOv2", "compare sets", "Table 5-11"],
            inputs=[
                sockets.Features.Input("features", tooltip="Features of the set to judge."),
                io.MultiType.Input(
                    "reference",
                    types=[sockets.Features, sockets.Statistics],
                    tooltip="What it is compared with: features of a real set, or loaded statistics.",
                ),
                io.Boolean.Input(
                    "each_class",
                    default=False,
                    tooltip=(
                        "Also one FID a class, against the same class of the reference (needs its features). "
                        "Few pictures a class give high, noisy numbers."
                    ),
                ),
                widgets.name_input(),
            ],
            outputs=[
                widgets.result_output("The FID with its convention and both numbers of pictures."),
                io.Float.Output("fid", display_name="FID", tooltip="The distance; lower is better."),
            ],
            is_output_node=True,
        )

    @classmethod
    @checked
    def execute(
        cls, features: ImageFeatures, reference: ImageFeatures | FeatureStatistics, each_class: bool, name: str
    ) -> io.NodeOutput:
        name = engine.checked_name(name)
        measurement = measure_fid(features, reference, per_class=each_class, progress=progress_bar(1))
        result = engine.write_measurement(measurement, name)
        bars = fid_bars(result)
        pictures = [] if bars is None else [to_image(bars)]
        return io.NodeOutput(result, result.figures["fid"], ui=answer_of(result, *pictures))


class HypoNetMeasureKID(io.ComfyNode):
    """Kernel Inception Distance of two sets."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMeasureKID",
            display_name="KID (metric)",
            category=widgets.CATEGORY,
            description=(
                "Kernel Inception Distance between two sets: like FID, but without its bias for small sets; "
                "0 means alike and slightly negative values are normal there. On features of DINOv2 it is KD-DINOv2."
            ),
            search_aliases=["kernel inception distance", "KDD", "MMD", "compare sets"],
            advanced=("degree", "gamma", "coef0"),
            inputs=[
                sockets.Features.Input("features", tooltip="Features of the set to judge."),
                sockets.Features.Input("reference", tooltip="Features of the real set."),
                io.Int.Input("subsets", default=100, min=1, max=10000, tooltip="Random subsets to average over."),
                io.Int.Input(
                    "subset_size",
                    default=1000,
                    min=2,
                    max=100000,
                    tooltip="Pictures in a subset; a smaller set shrinks it, with a warning.",
                ),
                io.Int.Input("degree", default=3, min=1, max=10, tooltip="Degree of the polynomial kernel."),
                io.Float.Input(
                    "gamma", default=0.0, min=0.0, max=10.0, step=0.0001, tooltip="Kernel scale; 0: 1 / features."
                ),
                io.Float.Input("coef0", default=1.0, min=0.0, max=100.0, step=0.1, tooltip="Kernel offset."),
                widgets.name_input(),
                seed_input(
                    "Draws the subsets; 2020 gives torch-fidelity's draws.", default=2020, limit=widgets.MAX_NUMPY_SEED
                ),
            ],
            outputs=[
                widgets.result_output("Mean and spread over the subsets, with all settings."),
                io.Float.Output("kid", display_name="KID", tooltip="Mean over the subsets; lower is better."),
            ],
            is_output_node=True,
        )

    @classmethod
    @checked
    def execute(
        cls,
        features: ImageFeatures,
        reference: ImageFeatures,
        subsets: int,
        subset_size: int,
        degree: int,
        gamma: float,
        coef0: float,
        name: str,
        seed: int,
    ) -> io.NodeOutput:
        name = engine.checked_name(name)
        measurement = measure_kid(
            features,
            reference,
            subsets=subsets,
            subset_size=subset_size,
            kernel=Kernel(degree, gamma, coef0),
            seed=seed,
            progress=progress_bar(1),
        )
        result = engine.write_measurement(measurement, name)
        return io.NodeOutput(result, result.figures["kid"], ui=answer_of(result))


class HypoNetMeasurePrecisionRecall(io.ComfyNode):
    """Precision, recall, density and coverage of a set."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMeasurePrecisionRecall",
            display_name="Precision and Recall",
            category=widgets.CATEGORY,
            description=(
                "Precision: how much of a set looks like the reference; recall: how much of the reference the set "
                "reaches. Density and coverage are their sturdier relatives. All from nearest neighbours of features."
            ),
            search_aliases=["fidelity", "coverage", "density", "compare sets"],
            inputs=[
                sockets.Features.Input("features", tooltip="Features of the generated set."),
                sockets.Features.Input("reference", tooltip="Features of the real set; best of equal size."),
                io.Int.Input(
                    "closed_k",
                    default=3,
                    min=1,
                    max=1000,
                    tooltip="Neighbours for precision and recall as torch-fidelity counts them (edges inside).",
                ),
                io.Int.Input(
                    "open_k",
                    default=5,
                    min=1,
                    max=1000,
                    tooltip="Neighbours for density and coverage as the package prdc counts them (edges outside).",
                ),
                io.Boolean.Input(
                    "each_class",
                    default=False,
                    tooltip=(
                        "Also the figures of each class, against the same class of the reference, from equal numbers: "
                        "as many pictures of every class and set as the smallest of them has."
                    ),
                ),
                widgets.name_input(),
                seed_input("Draws the pictures of each class; used with each_class alone."),
            ],
            outputs=[
                widgets.result_output("All six figures with their rules."),
                io.Float.Output("precision", display_name="precision", tooltip="By the closed rule, 0 to 1."),
                io.Float.Output("recall", display_name="recall", tooltip="By the closed rule, 0 to 1."),
                io.Float.Output("density", display_name="density", tooltip="By the open rule; may exceed 1."),
                io.Float.Output("coverage", display_name="coverage", tooltip="By the open rule, 0 to 1."),
            ],
            is_output_node=True,
        )

    @classmethod
    @checked
    def execute(
        cls,
        features: ImageFeatures,
        reference: ImageFeatures,
        closed_k: int,
        open_k: int,
        each_class: bool,
        name: str,
        seed: int,
    ) -> io.NodeOutput:
        name = engine.checked_name(name)
        measurement = measure_precision_recall(
            features,
            reference,
            closed_k=closed_k,
            open_k=open_k,
            per_class=each_class,
            seed=seed,
            progress=progress_bar(1),
        )
        result = engine.write_measurement(measurement, name)
        figures = [result.figures[key] for key in ("precision", "recall", "density", "coverage")]
        return io.NodeOutput(result, *figures, ui=answer_of(result, to_image(precision_bars(result))))


NODES: list[type[io.ComfyNode]] = [HypoNetMeasureFID, HypoNetMeasureKID, HypoNetMeasurePrecisionRecall]

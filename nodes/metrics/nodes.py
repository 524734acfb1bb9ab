"""The nodes of the metrics room: one pass of a network over a set, then every number that its features give."""

from __future__ import annotations

import math

import comfy.model_management
import torch
from comfy_api.latest import io

from ...evaluation.metrics.charts import diversity_bars, fid_bars, precision_bars
from ...evaluation.metrics.conventions import Preparation
from ...evaluation.metrics.diversity import measure_diversity
from ...evaluation.metrics.feature_statistics import FeatureStatistics
from ...evaluation.metrics.features import ImageFeatures, extract_features
from ...evaluation.metrics.fid import measure_fid
from ...evaluation.metrics.inception_score import measure_inception_score
from ...evaluation.metrics.kid import Kernel, measure_kid
from ...evaluation.metrics.precision_recall import measure_precision_recall
from ...evaluation.pictures.labelled_images import LabelledImages
from ...evaluation.pictures.memory import pictures_as_images
from ...evaluation.pictures.samples import keep_samples
from ...evaluation.pictures.tensors import to_image
from .. import paths, sockets
from ..checks import checked
from ..engine import answer_of, progress_bar
from ..widgets import schema, seed_input
from . import engine, widgets
from .clip.nodes import NODES as CLIP
from .distortion.nodes import NODES as DISTORTION
from .statistics.nodes import NODES as STATISTICS


class HypoNetExtractFeatures(io.ComfyNode):
    """What a network sees in every picture of a set."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetExtractFeatures",
            display_name="Image Features",
            category=widgets.CATEGORY,
            description=(
                "Runs Inception, DINOv2 or CLIP once over a set of pictures. FID, Inception Score, KID, CMMD, "
                "precision and recall and diversity are all computed from what it returns. Kept on disk by content, so "
                "that the same set is never run twice."
            ),
            search_aliases=["inception", "fid", "embedding", "DINOv2", "CLIP", "FD-DINOv2"],
            advanced=("filter", "crop"),
            inputs=[
                sockets.LabelledImages.Input(
                    "images", optional=True, tooltip="A labelled set from Load Labelled Images. Or link pictures."
                ),
                io.Image.Input("pictures", optional=True, tooltip="Pictures straight from a graph, without labels."),
                *widgets.preparation_inputs(),
            ],
            outputs=[
                sockets.Features.Output(
                    "features",
                    display_name="features",
                    tooltip="The features of every picture, and Inception's logits.",
                )
            ],
        )

    @classmethod
    @checked
    def execute(
        cls,
        network: str,
        convention: str,
        size: int,
        filter: str,
        crop: str,
        download: bool,
        batch_size: int,
        images: LabelledImages | None = None,
        pictures: torch.Tensor | None = None,
    ) -> io.NodeOutput:
        if (images is None) == (pictures is None):
            raise ValueError("images and pictures are both linked or both empty; expected one of them; link a set")
        source = images if pictures is None else pictures_as_images(pictures)
        assert source is not None
        source.hash_pictures(progress_bar(len(source)))
        features = extract_features(
            source,
            engine.open_network(network, convention, download),
            Preparation(convention, size, filter, crop),
            cache=paths.hyponet_dir() / "cache" / "features",
            batch=batch_size,
            progress=progress_bar(len(source)),
        )
        comfy.model_management.soft_empty_cache()
        keep_samples(source, paths.samples_dir())
        return io.NodeOutput(features)


class HypoNetMeasureFID(io.ComfyNode):
    """Frechet Inception Distance of two sets."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMeasureFID",
            display_name="FID",
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


class HypoNetMeasureInceptionScore(io.ComfyNode):
    """Inception Score of one set."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMeasureInceptionScore",
            display_name="Inception Score",
            category=widgets.CATEGORY,
            description=(
                "Inception Score of one set: high when each picture is clearly of one class and all classes "
                "occur. It needs no reference. The thesis used torchvision's network; the literature the FID network."
            ),
            search_aliases=["IS", "sharpness and variety", "Table 5-12"],
            inputs=[
                sockets.Features.Input("features", tooltip="Features of the set to judge."),
                io.Int.Input(
                    "splits",
                    default=10,
                    min=1,
                    max=1000,
                    tooltip=(
                        "Parts over which mean and spread are taken; a set of fewer pictures has as many parts "
                        "as pictures, with a warning."
                    ),
                ),
                widgets.name_input(),
                seed_input(
                    "Shuffles the pictures before they are split; 2020 is torch-fidelity's.",
                    default=2020,
                    limit=widgets.MAX_NUMPY_SEED,
                ),
            ],
            outputs=[
                widgets.result_output("Mean and spread with splits, seed and network."),
                io.Float.Output("score", display_name="IS", tooltip="Mean over the splits; higher is better."),
                io.Float.Output("spread", display_name="sd", tooltip="Standard deviation over splits; NaN with one."),
            ],
            is_output_node=True,
        )

    @classmethod
    @checked
    def execute(cls, features: ImageFeatures, splits: int, name: str, seed: int) -> io.NodeOutput:
        name = engine.checked_name(name)
        measurement = measure_inception_score(features, splits=splits, seed=seed)
        result = engine.write_measurement(measurement, name)
        score, spread = result.figures["inception_score"], result.figures["inception_score_sd"]
        return io.NodeOutput(result, score, math.nan if spread is None else spread, ui=answer_of(result))


class HypoNetMeasureKID(io.ComfyNode):
    """Kernel Inception Distance of two sets."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMeasureKID",
            display_name="KID",
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


class HypoNetMeasureDiversity(io.ComfyNode):
    """How unlike the pictures of each class are."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMeasureDiversity",
            display_name="Diversity",
            category=widgets.CATEGORY,
            description=(
                "How unlike the pictures of each class are: mean distance of all pairs, distance to the "
                "nearest other picture, and the Vendi score (the number of truly different pictures). Near-copies show."
            ),
            search_aliases=["vendi score", "variety", "pairwise distance"],
            inputs=[
                sockets.Features.Input("features", tooltip="Features of the set to judge."),
                widgets.name_input(),
            ],
            outputs=[
                widgets.result_output("The figures of each class and their means."),
                io.Float.Output("vendi", display_name="Vendi", tooltip="Mean over classes; 1 means copies."),
                io.Float.Output("distance", display_name="distance", tooltip="Mean pairwise distance over classes."),
            ],
            is_output_node=True,
        )

    @classmethod
    @checked
    def execute(cls, features: ImageFeatures, name: str) -> io.NodeOutput:
        name = engine.checked_name(name)
        result = engine.write_measurement(measure_diversity(features, progress=progress_bar(len(features))), name)
        return io.NodeOutput(
            result,
            result.figures["vendi"],
            result.figures["mean_pairwise_distance"],
            ui=answer_of(result, to_image(diversity_bars(result))),
        )


NODES: list[type[io.ComfyNode]] = [
    HypoNetExtractFeatures,
    HypoNetMeasureFID,
    HypoNetMeasureInceptionScore,
    HypoNetMeasureKID,
    HypoNetMeasurePrecisionRecall,
    HypoNetMeasureDiversity,
    *CLIP,
    *STATISTICS,
    *DISTORTION,
]

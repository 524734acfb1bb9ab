"""The nodes of the metrics room: one pass of a network over a set, then what its features say of the set alone."""

from __future__ import annotations

import math

import comfy.model_management
import torch
from comfy_api.latest import io

from ...evaluation.metrics.charts import diversity_bars
from ...evaluation.metrics.conventions import Preparation
from ...evaluation.metrics.diversity import measure_diversity
from ...evaluation.metrics.features import ImageFeatures, extract_features
from ...evaluation.metrics.inception_score import measure_inception_score
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
from .reference.nodes import HypoNetMeasureFID, HypoNetMeasureKID, HypoNetMeasurePrecisionRecall
from .statistics.nodes import NODES as STATISTICS


class HypoNetExtractFeatures(io.ComfyNode):
    """What a network sees in every picture of a set."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetExtractFeatures",
            display_name="Image Features (embedding, DINOv2)",
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


class HypoNetMeasureDiversity(io.ComfyNode):
    """How unlike the pictures of each class are."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMeasureDiversity",
            display_name="Diversity (metric, Vendi)",
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

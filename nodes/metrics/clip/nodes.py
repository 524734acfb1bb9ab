"""The nodes that need CLIP: CMMD of two sets, and the CLIP score of a set's pictures and prompts."""

from __future__ import annotations

import comfy.model_management
from comfy_api.latest import io

from ....evaluation.metrics.charts import clip_score_bars
from ....evaluation.metrics.clip_score import measure_clip_score, text_features
from ....evaluation.metrics.cmmd import measure_cmmd
from ....evaluation.metrics.conventions import Preparation
from ....evaluation.metrics.features import ImageFeatures, extract_features
from ....evaluation.pictures.samples import keep_samples
from ....evaluation.pictures.sources.ours import read_ours
from ....evaluation.pictures.tensors import to_image
from ... import paths, sockets
from ...checks import checked
from ...dataset.store.store import DatasetRef
from ...engine import answer_of, progress_bar
from ...widgets import schema
from .. import engine, widgets
from .prompts import prompts_of


class HypoNetMeasureCMMD(io.ComfyNode):
    """Maximum mean discrepancy of CLIP features of two sets."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMeasureCMMD",
            display_name="CMMD (metric)",
            category=widgets.CATEGORY,
            description=(
                "Distance of two sets in CLIP's features under a Gaussian kernel, times 1,000: 0 means alike. It "
                "settles at far fewer pictures than FID. Published figures are of CLIP ViT-L/14 at 336 px; choose the "
                "convention transformers in Image Features, which crops the middle square as they do."
            ),
            search_aliases=["maximum mean discrepancy", "MMD", "CLIP distance", "compare sets"],
            inputs=[
                sockets.Features.Input("features", tooltip="Features by CLIP of the set to judge."),
                sockets.Features.Input("reference", tooltip="Features by CLIP of the real set."),
                widgets.name_input(),
            ],
            outputs=[
                widgets.result_output("The CMMD with its network, its convention and both numbers of pictures."),
                io.Float.Output("cmmd", display_name="CMMD", tooltip="Times 1,000; lower is better."),
            ],
            is_output_node=True,
        )

    @classmethod
    @checked
    def execute(cls, features: ImageFeatures, reference: ImageFeatures, name: str) -> io.NodeOutput:
        name = engine.checked_name(name)
        result = engine.write_measurement(measure_cmmd(features, reference, progress=progress_bar(1)), name)
        return io.NodeOutput(result, result.figures["cmmd"], ui=answer_of(result))


class HypoNetMeasureCLIPScore(io.ComfyNode):
    """Agreement of the pictures of a set with their prompts."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetMeasureCLIPScore",
            display_name="CLIP Score",
            category=widgets.CATEGORY,
            description=(
                "How well the pictures of a generated set agree with the prompts that they were made of, by CLIP: 100 "
                "times the mean cosine of picture and prompt, for the set and for each class. It says nothing of how "
                "real or how varied they are."
            ),
            search_aliases=["text alignment", "prompt adherence", "clipscore"],
            inputs=[
                sockets.Dataset.Input("dataset", tooltip="The set; each picture is held against its own prompt."),
                io.Combo.Input(
                    "clip_network",
                    options=widgets.CLIP_NAMES,
                    default=widgets.CLIP_NAMES[0],
                    tooltip=(
                        "Which CLIP: a folder of Hugging Face below models/classifiers, such as clip-vit-base-patch32. "
                        "Scores of different ones do not compare."
                    ),
                ),
                io.Boolean.Input(
                    "download",
                    default=False,
                    tooltip=(
                        "Fetch CLIP (0.6 to 1.7 GB, once) from the Hugging Face hub into its own cache if it is not "
                        "there."
                    ),
                ),
                widgets.batch_size_input(),
                widgets.name_input(),
            ],
            outputs=[
                widgets.result_output("The score of the set and of each class."),
                io.Float.Output("score", display_name="CLIP score", tooltip="0 to 100; higher agrees better."),
            ],
            is_output_node=True,
        )

    @classmethod
    @checked
    def execute(
        cls, dataset: DatasetRef, clip_network: str, download: bool, batch_size: int, name: str
    ) -> io.NodeOutput:
        name = engine.checked_name(name)
        images = read_ours(dataset.path, dataset.name, paths.hyponet_dir() / "cache")
        prompts = prompts_of(dataset.path, images)
        images.hash_pictures(progress_bar(len(images)))
        clip = engine.open_clip(clip_network, download)
        features = extract_features(
            images,
            clip,
            Preparation(engine.CLIP_SCORE_CONVENTION),
            cache=paths.hyponet_dir() / "cache" / "features",
            batch=batch_size,
            name_pixels=False,
            progress=progress_bar(len(images)),
        )
        texts, cut = text_features(clip, prompts, progress_bar(len(images)))
        comfy.model_management.soft_empty_cache()
        keep_samples(images, paths.samples_dir())
        result = engine.write_measurement(measure_clip_score(features, texts, cut), name)
        bars = to_image(clip_score_bars(result))
        return io.NodeOutput(result, result.figures["clip_score"], ui=answer_of(result, bars))


NODES: list[type[io.ComfyNode]] = [HypoNetMeasureCMMD, HypoNetMeasureCLIPScore]

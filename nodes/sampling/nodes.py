"""The nodes of the sampling room: a whole data set in one node, and the same as pieces around native samplers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import torch
from comfy_api.latest import io

from ...evaluation.pictures.tensors import check_pixels
from .. import sockets
from ..checks import checked
from ..dataset.store.description import Copies, parse_sizes
from ..dataset.store.encode import Encoding
from ..dataset.store.names import check_set_name
from ..dataset.widgets import WRITING, writing_inputs
from ..engine import metadata_is_off
from ..prompts.item import Item
from ..prompts.plan import Plan
from ..widgets import counting_up, schema
from . import engine
from .batching import batch_count, plan_batch
from .job import GenerationJob, Request
from .noise import PerImageNoise
from .options import GraphInputs, SamplingOptions
from .pipeline import MODELS, encode_batch
from .settings import SamplingSettings
from .stages import per_image_sampler
from .widgets import MAKE_AGAIN, deleted_input, model_inputs, optional_inputs, options_inputs, sampling_inputs

CATEGORY = "HypoNet/Sampling"


class HypoNetGenerateDataset(io.ComfyNode):
    """A whole labelled set out of a plan."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetGenerateDataset",
            display_name="Generate Dataset (batch)",
            category=CATEGORY,
            description=(
                "Makes every picture of a plan and writes a labelled data set to output/datasets: different prompts "
                "in one batch, each image with its own seed. Stop it, queue it again, and it resumes; a finished set "
                "is returned without loading a model, but for what Sampling Options needs."
            ),
            essentials_category="HypoNet",
            search_aliases=["text to dataset", "batch generate", "labelled images", "synthetic dataset"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.dynprompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id],
            advanced=("denoise", "switch_at", *WRITING, "deleted_pictures"),
            inputs=[*model_inputs(), *sampling_inputs(), *optional_inputs(), *writing_inputs(), deleted_input()],
            outputs=[
                sockets.Dataset.Output(
                    "dataset", display_name="dataset", tooltip="The set on disk, for training, checks and exports."
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, name: str | None = None, **_: object) -> str | float:
        return engine.dataset_fingerprint(name)

    @classmethod
    @checked
    def check_lazy_status(cls, **values: Any) -> list[str]:
        missing = cls._job(values).prepare()
        return [key for key in MODELS if key in values] if missing else []

    @classmethod
    @checked
    def execute(cls, **values: Any) -> io.NodeOutput:
        outputs = engine.generate_dataset(cls._job(values), values, cls.hidden.unique_id)
        return io.NodeOutput(outputs.dataset, ui=outputs.ui)

    @classmethod
    def _job(cls, values: Mapping[str, Any]) -> GenerationJob:
        return engine.make_job(read_request(values, metadata=not metadata_is_off()), cls.hidden)


def read_request(values: Mapping[str, Any], *, metadata: bool = True) -> Request:
    """What the inputs of Generate Dataset ask for; types and ranges of widgets are checked by the node's schema.

    Args:
        values: inputs by name.
        metadata: whether the server allows pictures to carry their graph.

    Raises:
        ValueError: an input is of the wrong kind, or values that may stand alone do not go together.
    """
    plan = values["plan"]
    if not isinstance(plan, Plan):
        raise ValueError(f"plan is {type(plan).__name__}; expected a plan; connect Dataset Plan")
    options = values.get("options") or SamplingOptions()
    named = {field.name: values[field.name] for field in fields(SamplingSettings) if field.name in values}
    named |= {"guidance": options.guidance, "zero_negative": options.zero_negative}
    settings = SamplingSettings(**{**named, "sampler": values["sampler_name"]})
    start = values.get("start_image")
    if start is not None and (not isinstance(start, torch.Tensor) or start.ndim != 4 or not len(start)):
        raise ValueError("start_image holds no pictures; expected an IMAGE [B, H, W, C]; connect Load Image")
    if start is not None:
        check_pixels(start, "start_image")
    encoding = Encoding(
        values["image_format"],
        values["quality"],
        values["embed_metadata"] and metadata,
        values["embed_parameters"] and metadata,
    )
    name = check_set_name(values["name"].strip())
    copies = Copies(parse_sizes(values["small_copies"]), values["copy_filter"])
    again = values["deleted_pictures"] == MAKE_AGAIN
    return Request(plan, name, settings, start, encoding, copies, again, options.given)


class HypoNetSamplingOptions(io.ComfyNode):
    """What few sets need of Generate Dataset, in one link."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetSamplingOptions",
            display_name="Sampling Options",
            category=CATEGORY,
            description=(
                "What few models and graphs need, for Generate Dataset: FLUX's guidance, a zeroed negative, control "
                "nets and reference pictures under each prompt, and noise levels, a sampler or a guider of the graph. "
                "All of it is part of what a set is continued by."
            ),
            search_aliases=["FluxGuidance", "CFGGuider", "ControlNet", "BasicScheduler"],
            inputs=options_inputs(),
            outputs=[sockets.Options.Output("options", display_name="options", tooltip="For Generate Dataset.")],
        )

    @classmethod
    @checked
    def execute(cls, guidance: float, zero_negative: bool, **graph_inputs: Any) -> io.NodeOutput:
        return io.NodeOutput(SamplingOptions(guidance, zero_negative, GraphInputs(**graph_inputs)))


class HypoNetPlanBatch(io.ComfyNode):
    """One batch of a plan, for a graph of one's own."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetPlanBatch",
            display_name="Plan Batch",
            category=CATEGORY,
            description=(
                "One batch of a plan, for a graph of your own: Encode Prompts, any native sampler with Per-image "
                "Noise, VAE Decode, Save to Dataset. Let the batch number increment and queue as often as there are "
                "batches."
            ),
            search_aliases=["prompts from plan", "batch prompts"],
            inputs=[
                sockets.Plan.Input("plan", tooltip="Which pictures. From Dataset Plan."),
                io.Int.Input(
                    "batch_size", default=8, min=1, max=4096, tooltip="Images in a batch; the last may be shorter."
                ),
                io.Int.Input(
                    "batch_number",
                    default=0,
                    min=0,
                    max=2**31,
                    control_after_generate=counting_up(),
                    tooltip="Which batch: 0 the first, 1 the next. Set it to increment to continue with each queueing.",
                ),
            ],
            outputs=[
                sockets.Items.Output("items", display_name="items", tooltip="The batch, for the other pieces."),
                io.String.Output("prompts", display_name="prompts", is_output_list=True, tooltip="One text an image."),
                io.String.Output("negatives", display_name="negatives", is_output_list=True, tooltip="One an image."),
                io.Int.Output("seeds", display_name="seeds", is_output_list=True, tooltip="One an image."),
                io.String.Output("labels", display_name="labels", is_output_list=True, tooltip="One class an image."),
                io.Int.Output(
                    "count", display_name="count", tooltip="Images in this batch: the empty latent's batch size."
                ),
                io.Int.Output("batches", display_name="batches", tooltip="How many batches the plan has."),
            ],
        )

    @classmethod
    @checked
    def execute(cls, plan: Plan, batch_size: int, batch_number: int) -> io.NodeOutput:
        items = plan_batch(plan, batch_number, batch_size)
        return io.NodeOutput(
            items,
            [item.prompt for item in items],
            [item.negative for item in items],
            [item.seed for item in items],
            [item.label for item in items],
            len(items),
            batch_count(plan, batch_size),
        )


class HypoNetEncodePrompts(io.ComfyNode):
    """The different prompts of a batch as one CONDITIONING."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetEncodePrompts",
            display_name="Encode Prompts",
            category=CATEGORY,
            description=(
                "Encodes the different prompts of a batch as one conditioning, so that one native sampler draws them "
                "together. Prompts of different length are brought to one length, which changes nothing for SD 1.x, "
                "SD 2 and SDXL; for other models give prompts of one length or use a batch size of 1. Generate Dataset "
                "sorts prompts by length itself."
            ),
            search_aliases=["CLIP text encode batch"],
            inputs=[
                io.Clip.Input("clip", tooltip="The checkpoint loader's CLIP."),
                sockets.Items.Input("items", tooltip="From Plan Batch."),
            ],
            outputs=[
                io.Conditioning.Output("positive", display_name="positive", tooltip="The prompts, one an image."),
                io.Conditioning.Output("negative", display_name="negative", tooltip="The negatives, one an image."),
            ],
        )

    @classmethod
    @checked
    def execute(cls, clip: Any, items: tuple[Item, ...]) -> io.NodeOutput:
        return io.NodeOutput(*encode_batch(clip, items))


class HypoNetPerImageNoise(io.ComfyNode):
    """NOISE in which each image has its own seed."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetPerImageNoise",
            display_name="Per-image Noise (seed)",
            category=CATEGORY,
            description=(
                "Noise for SamplerCustomAdvanced in which each image of the batch has its own seed: the picture is "
                "the one that KSampler draws alone with that seed. Samplers that draw noise at each step need "
                "Per-image Sampler as well."
            ),
            search_aliases=["batch seeds", "noise per image"],
            inputs=[sockets.Items.Input("items", tooltip="From Plan Batch.")],
            outputs=[io.Noise.Output("noise", display_name="noise", tooltip="For SamplerCustomAdvanced.")],
        )

    @classmethod
    @checked
    def execute(cls, items: tuple[Item, ...]) -> io.NodeOutput:
        return io.NodeOutput(PerImageNoise(tuple(item.seed for item in items)))


class HypoNetPerImageSampler(io.ComfyNode):
    """A SAMPLER whose step noise comes from each image's own seed."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return schema(
            node_id="HypoNetPerImageSampler",
            display_name="Per-image Sampler",
            category=CATEGORY,
            description=(
                "A sampler for SamplerCustomAdvanced that draws the step noise of each image from the image's own "
                "seed, so that ancestral and SDE samplers give the same picture in any batch."
            ),
            search_aliases=["KSamplerSelect", "ancestral batch"],
            inputs=[
                sockets.Items.Input("items", tooltip="From Plan Batch."),
                io.Combo.Input(
                    "sampler_name", options=engine.SAMPLERS, default="dpmpp_2m", tooltip="ComfyUI's samplers."
                ),
            ],
            outputs=[io.Sampler.Output("sampler", display_name="sampler", tooltip="For SamplerCustomAdvanced.")],
        )

    @classmethod
    @checked
    def execute(cls, items: tuple[Item, ...], sampler_name: str) -> io.NodeOutput:
        return io.NodeOutput(per_image_sampler(sampler_name, [item.seed for item in items]))


NODES: list[type[io.ComfyNode]] = [
    HypoNetGenerateDataset,
    HypoNetSamplingOptions,
    HypoNetPlanBatch,
    HypoNetEncodePrompts,
    HypoNetPerImageNoise,
    HypoNetPerImageSampler,
]

"""Generate Dataset: the set that a node asks for, and making what is missing of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import comfy.samplers
import numpy as np

from .. import paths
from ..dataset.culling.deleted import reject_deleted
from ..dataset.store.writer import BackgroundWriter
from ..engine import last_line, versions
from ..graph import upstream_of
from ..prompts.item import Item
from . import job
from .advice import advise, first_prompts
from .generate import PREFETCH_ITEMS, GenerationLoop
from .job import GenerationJob, Outputs, Request
from .loras import check_loras
from .memory import out_of_memory, release_memory
from .model_facts import facts_of
from .options import GRAPH_INPUTS, OPTIONS_NODE
from .pipeline import MODELS, ComfyPipeline, make_pipeline
from .reporter import GenerationReporter
from .step_noise import step_noise_version

SAMPLERS: list[str] = comfy.samplers.KSampler.SAMPLERS  # the lists themselves: packs loaded later add to them
SCHEDULERS: list[str] = comfy.samplers.KSampler.SCHEDULERS


def dataset_fingerprint(name: str | None) -> str | float:
    """See `job.fingerprint`; NaN, which never equals itself, when the name comes through a link."""
    if not isinstance(name, str):
        return float("nan")
    try:
        return job.fingerprint(paths.confine(paths.datasets_dir(), name.strip()))
    except ValueError:
        return ""  # running it will say what is wrong with the name


def make_job(request: Request, hidden: Any) -> GenerationJob:
    """The set that `request` asks for, with what stands behind the node's models.

    Args:
        hidden: what the server tells the node: prompt, dynprompt, extra_pnginfo, unique_id.

    Raises:
        ValueError: the name leads out of output/datasets.
    """
    root = paths.confine(paths.datasets_dir(), request.name, what="name")
    upstream = upstream_of(hidden, (*MODELS, *GRAPH_INPUTS, "options"), part=OPTIONS_NODE)
    workflow = (hidden.extra_pnginfo or {}).get("workflow")
    provenance = job.provenance(request, upstream, versions(), workflow, hidden.prompt)
    identity = job.identity(request, upstream)
    if version := step_noise_version(request.given.sampler or request.settings.sampler):
        # a set is not continued where its sampler draws other noise: the name says to the user what to put back
        identity["step_noise_by_comfyui_version_and_device"] = version
    return GenerationJob(root, request, identity, provenance)


def generate_dataset(generation: GenerationJob, models: Mapping[str, Any], node_id: str | None) -> Outputs:
    """Make what is missing of a set.

    Args:
        models: MODELS by name; those that are not connected are None or left out. None is needed for a finished set.

    Raises:
        ValueError: a model is missing, is no match for another one or for its LoRA, or the disk is too small.
    """
    start, created, tiled = time.monotonic(), 0, 0
    warnings: tuple[str, ...] = ()
    settings = generation.request.settings
    plan = generation.request.plan
    with generation.open() as store, last_line(node_id, lambda: job.standing(store, plan)):
        deleted = reject_deleted(store)
        missing = generation.count_missing(store)
        if missing:
            job.check_space(generation.root.parent, missing, settings)
            pipeline = make_pipeline(generation.request, models)
            warnings = check_loras({name: models.get(name) for name in MODELS}, generation.provenance)
            facts = facts_of(pipeline.model, pipeline.encoder.clip, generation.provenance.models)
            prompts = first_prompts(plan.item(*key).prompt for key in plan.schedule())
            given = pipeline.given
            is_plain = not (given.guider or given.sampler) and given.sigmas is None
            warnings += advise(facts, settings if is_plain else None, prompts)
            report = GenerationReporter(missing, pipeline.model, node_id)
            with BackgroundWriter(store, queue_size=min(2 * settings.batch_size, 32)) as writer:
                loop = _make_loop(pipeline, writer, report)
                created = loop.generate(generation.missing(store))
            tiled = pipeline.tiled
            warnings += tuple(pipeline.warnings(loop.batch_size))
        subfolder = f"{paths.datasets_dir().name}/{generation.request.name}"
        run = job.RunSummary(created, tiled, time.monotonic() - start, deleted, warnings)
        return job.make_outputs(store, generation.request, run, subfolder)


def _make_loop(pipeline: ComfyPipeline, writer: BackgroundWriter, report: GenerationReporter) -> GenerationLoop:
    settings = pipeline.settings
    base_share = 1.0
    if pipeline.refiner is not None:
        base_share = pipeline.switch_step / pipeline.steps

    def put(item: Item, picture: np.ndarray) -> None:
        writer.put(item, picture)
        report.add(picture)

    return GenerationLoop(
        pipeline,
        put,
        report,
        out_of_memory,
        release_memory,
        batch_size=settings.batch_size,
        steps=pipeline.steps,
        base_share=base_share,
        # so many at a time, too, where only texts of one length share a batch
        prefetch=PREFETCH_ITEMS if pipeline.needs_model_swapping() or pipeline.max_repeat() == 1 else 0,
    )

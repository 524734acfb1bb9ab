"""The part of generation that talks to ComfyUI: encode, noise, sample, refine, decode, preview.

Reads MODEL, CLIP, VAE; writes uint8 pictures (H, W, 3). No picture depends on which others share its batch.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import comfy.k_diffusion.sampling as k_diffusion
import comfy.model_management
import comfy.sample
import comfy.samplers
import comfy.sd
import comfy.utils
import numpy as np
import torch

from ...evaluation.pictures.tensors import to_uint8
from .. import paths
from ..dataset.store.writer import BackgroundWriter
from ..engine import progress_text, throw_if_interrupted, versions
from ..graph import upstream_of
from ..prompts.item import Item
from . import job
from .conditioning import MAX_REPEAT, Conditioning, can_merge, merge
from .decoding import decode, tiling_methods
from .encoding import EncodedItem, Encoder
from .generate import PREFETCH_ITEMS, GenerationLoop, Pipeline, StepCallback
from .job import GenerationJob, Outputs, Request
from .noise import generator_noise, start_noise
from .progress import Throughput
from .samplers import StepNoise, check_batch, step_noise
from .settings import SamplingSettings, refiner_step

SAMPLERS: list[str] = comfy.samplers.KSampler.SAMPLERS  # the lists themselves: packs loaded later add to them
SCHEDULERS: list[str] = comfy.samplers.KSampler.SCHEDULERS
logger = logging.getLogger("hyponet")
MODELS = ("model", "clip", "vae", "refiner_model", "refiner_clip")  # the node's inputs that are loaded lazily


def out_of_memory(error: BaseException) -> bool:
    """Whether a smaller batch may help: the device, or the machine, has no memory left."""
    device_error = comfy.model_management.OOM_EXCEPTION  # Exception itself on devices that have none of their own
    if isinstance(error, MemoryError) or (device_error is not Exception and isinstance(error, device_error)):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error) for words in ("out of memory", "can't allocate memory", "not enough memory")
    )


def release_memory() -> None:
    """Give back what the failed batch held."""
    comfy.model_management.soft_empty_cache()


@dataclass
class ComfyPipeline(Pipeline):
    """The models of one call and how they are used.

    Args:
        start_latents: the start images' (S, C, h, w), or None for pictures out of noise alone.
        tiled: pictures decoded in tiles so far, because memory was short.
    """

    model: Any
    vae: Any
    encoder: Encoder
    settings: SamplingSettings
    refiner: Any = None
    refiner_encoder: Encoder | None = None
    start_latents: torch.Tensor | None = None
    tiled: int = 0

    def encode(self, items: Sequence[Item]) -> list[EncodedItem]:
        """Base first, then refiner: on a small GPU each text encoder is loaded once for all of `items`."""
        base = [_encode_pair(self.encoder, item) for item in items]
        if self.refiner_encoder is None:
            return [EncodedItem(item, *pair) for item, pair in zip(items, base, strict=True)]
        refiner = [_encode_pair(self.refiner_encoder, item) for item in items]
        return [EncodedItem(item, *pair, *second) for item, pair, second in zip(items, base, refiner, strict=True)]

    def max_repeat(self) -> int:
        """1 for models of joint attention (SD3, Flux): their pictures would change if a text were repeated."""
        try:
            from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
        except ImportError:  # never repeating is right for every model, only slower
            return 1
        models = [model for model in (self.model, self.refiner) if model is not None]
        cross_attention = all(isinstance(model.model.diffusion_model, UNetModel) for model in models)
        return MAX_REPEAT if cross_attention else 1

    def needs_model_swapping(self) -> bool:
        """Whether the models do not fit on the device together, so that each change loads one anew."""
        device = comfy.model_management.get_torch_device()
        if device.type == "cpu":
            return False
        encoders = [encoder.clip.patcher for encoder in (self.encoder, self.refiner_encoder) if encoder is not None]
        optional = (self.model, self.refiner, self.vae.patcher, *encoders)
        size = sum(patcher.model_size() for patcher in optional if patcher is not None)
        # weights and 30 % for activations: a guess; wrong either way costs time, never a picture
        return bool(1.3 * size > comfy.model_management.get_total_memory(device))

    def runs_alone(self, encoded: EncodedItem) -> bool:
        """Whether this item cannot share a batch."""
        alone = step_noise(self.settings.sampler) is StepNoise.ALONE
        return alone or not all(map(can_merge, encoded.conditionings()))

    def sample(self, batch: Sequence[EncodedItem], callback: StepCallback) -> torch.Tensor:
        """The latents of `batch` (B, C, h, w): finished, or as the refiner is to take them over."""
        latents = self._start(batch)
        last = None if self.refiner is None else refiner_step(self.settings.steps, self.settings.switch_at)
        seeds = [encoded.item.seed for encoded in batch]
        base = Stage(
            self.model,
            merge([encoded.positive for encoded in batch]),
            merge([encoded.negative for encoded in batch]),
            seeds,
            noise=start_noise(latents, seeds),
            latents=latents,
            last_step=last,
        )
        return run_stage(base, self.settings, callback)

    def refine(self, batch: Sequence[EncodedItem], latents: torch.Tensor, callback: StepCallback) -> torch.Tensor:
        """`latents` (B, C, h, w) after the refiner's steps; without a refiner, unchanged."""
        if self.refiner is None:
            return latents
        refiner = Stage(
            self.refiner,
            merge([encoded.refiner_positive or [] for encoded in batch]),
            merge([encoded.refiner_negative or [] for encoded in batch]),
            [encoded.item.seed for encoded in batch],
            noise=torch.zeros_like(latents, device="cpu"),  # the latents still hold what the base has not removed
            latents=latents,
            first_step=refiner_step(self.settings.steps, self.settings.switch_at),
        )
        return run_stage(refiner, self.settings, callback)

    def decode(self, latents: torch.Tensor) -> np.ndarray:
        """Pictures (B, H, W, 3) uint8, truncated as Save Image does."""
        pixels, tiled = decode(self.vae, latents, release_memory)  # (B, H, W, C) in 0..1
        self.tiled += tiled
        size = (latents.shape[0], self.settings.height, self.settings.width)
        if tuple(pixels.shape[:3]) != size:
            count, height, width = pixels.shape[:3]
            raise ValueError(
                f"the VAE gives {count} pictures of {width}x{height} for {size[0]} latents; expected {size[0]} of "
                f"{size[2]}x{size[1]}; connect the VAE that belongs to the model, or choose a size that it can draw"
            )
        return to_uint8(pixels)

    def _start(self, batch: Sequence[EncodedItem]) -> torch.Tensor:
        """What the noise is added to, (B, C, h, w): each item's start image by its rank, or zeros."""
        if self.start_latents is not None:
            return self.start_latents[[encoded.item.rank % self.start_latents.shape[0] for encoded in batch]]
        ratio = shrink_ratio(self.vae)
        shape = (len(batch), 4, self.settings.height // ratio, self.settings.width // ratio)
        empty = torch.zeros(shape, device=comfy.model_management.intermediate_device())
        return comfy.sample.fix_empty_latent_channels(self.model, empty)  # 4 channels -> the model's own C


def _encode_pair(encoder: Encoder, item: Item) -> tuple[Conditioning, Conditioning]:
    return encoder.encode(item.prompt), encoder.encode(item.negative)


@dataclass(frozen=True)
class Stage:
    """One model's part of the denoising of a batch: all of it, the base's, or the refiner's.

    Three devices meet in it: latents stand on the intermediate device (the CPU as a rule), noise on the CPU, and the
    callback gets x0 on the model's; the sampler moves what it is given by itself.

    Args:
        positive, negative: one conditioning for the whole batch, see `conditioning.merge`.
        seeds: one an image.
        noise: (B, C, h, w), added at the first sigma; zeros when the latents are noisy already.
        latents: (B, C, h, w).
        first_step, last_step: of the whole schedule's steps, as in KSampler Advanced; None for its end.
    """

    model: Any
    positive: Conditioning
    negative: Conditioning
    seeds: Sequence[int]
    noise: torch.Tensor
    latents: torch.Tensor
    first_step: int = 0
    last_step: int | None = None


def run_stage(stage: Stage, settings: SamplingSettings, callback: StepCallback) -> torch.Tensor:
    """Latents (B, C, h, w) after the stage's steps: KSampler (Advanced), with step noise of each image's own."""
    model = stage.model
    names = (settings.sampler, settings.scheduler, settings.denoise)
    native = comfy.samplers.KSampler(model, settings.steps, model.load_device, *names, model.model_options)
    # one more sigma than steps: sigmas[k] is the noise that step k starts from
    end = None if stage.last_step is None else stage.last_step + 1
    samples = comfy.samplers.sample(
        model,
        stage.noise,
        stage.positive,
        stage.negative,
        settings.cfg,
        model.load_device,
        per_image_sampler(settings.sampler, stage.seeds),
        native.sigmas[stage.first_step : end],
        model.model_options,
        latent_image=stage.latents,
        callback=callback,
        disable_pbar=True,
        seed=stage.seeds[0],  # of noise that custom nodes draw; ours has its own generators
    )
    return samples.to(comfy.model_management.intermediate_device())


def per_image_sampler(name: str, seeds: Sequence[int]) -> comfy.samplers.Sampler:
    """ComfyUI's sampler `name`, drawing the step noise of each image of a batch from that image's seed.

    Raises:
        ValueError: the sampler has to run one image at a time and there are several seeds.
    """
    check_batch(name, len(seeds))
    native = comfy.samplers.sampler_object(name)
    kind = step_noise(name)
    if kind in (StepNoise.NONE, StepNoise.ALONE):
        return native

    def function(
        model: Any, x: torch.Tensor, sigmas: torch.Tensor, extra_args: Any, callback: Any, disable: Any
    ) -> torch.Tensor:
        if len(sigmas) <= 1:
            return x
        if kind is StepNoise.GENERATOR:
            noise_sampler: Callable[..., torch.Tensor] = generator_noise(x, seeds)
        else:
            low, high = sigmas[sigmas > 0].min(), sigmas.max()
            on_cpu = kind is StepNoise.TREE
            noise_sampler = k_diffusion.BrownianTreeNoiseSampler(x, low, high, seed=list(seeds), cpu=on_cpu)
        arguments = {"extra_args": extra_args, "callback": callback, "disable": disable}
        return native.sampler_function(model, x, sigmas, **arguments, noise_sampler=noise_sampler)

    return comfy.samplers.KSAMPLER(function)


def encode_start_images(vae: Any, images: torch.Tensor, settings: SamplingSettings) -> torch.Tensor:
    """Start images (S, H, W, C) as latents (S, C, h, w) at the size of `settings`, cut to its shape in the middle."""
    pixels = images.float()
    if pixels.shape[1:3] != (settings.height, settings.width):
        planes = pixels.movedim(-1, 1)  # (S, C, H, W)
        planes = comfy.utils.common_upscale(planes, settings.width, settings.height, "lanczos", "center")
        pixels = planes.movedim(1, -1)  # (S, height, width, C)
    # one by one: a VAE of video models takes a batch for the frames of one video
    return torch.cat([vae.encode(picture[None, ..., :3]) for picture in pixels])


def shrink_ratio(vae: Any) -> int:
    """How many pixels a side of a latent stands for: 8 for SD and SDXL, 16 for Flux.2, 1 for models of pixels."""
    return int(vae.spacial_compression_decode()) if hasattr(vae, "spacial_compression_decode") else 8


def check_size(settings: SamplingSettings, vae: Any) -> None:
    """Refuse sides that the VAE cannot draw.

    Raises:
        ValueError: a side is no multiple of the VAE's ratio.
    """
    ratio = shrink_ratio(vae)
    for name, side in (("width", settings.width), ("height", settings.height)):
        if side % ratio:
            raise ValueError(
                f"{name} is {side}; expected a multiple of {ratio} for this VAE; try {max(1, side // ratio) * ratio}"
            )


def encode_batch(clip: Any, items: Sequence[Item]) -> tuple[Conditioning, Conditioning]:
    """The items' prompts and negatives, each merged to one conditioning."""
    encoder = Encoder(clip, throw_if_interrupted)
    pairs = [_encode_pair(encoder, item) for item in items]
    return merge([positive for positive, _ in pairs]), merge([negative for _, negative in pairs])


def dataset_fingerprint(name: str | None) -> str | float:
    """See `job.fingerprint`; NaN, which never equals itself, when the name comes through a link."""
    if not isinstance(name, str):
        return float("nan")
    try:
        return job.fingerprint(paths.confine(paths.datasets_dir(), name.strip()))
    except ValueError:
        return ""  # running it will say what is wrong with the name


class ProgressReporter:
    """Bar, text and preview of one running node.

    Args:
        total: images to be made.
        model: whose latents are previewed.
    """

    def __init__(self, total: int, model: Any, node_id: str | None) -> None:
        self._throughput = Throughput(total)
        self._bar = comfy.utils.ProgressBar(1000)
        self._node_id = node_id
        self._last_text = 0.0  # time.monotonic() of it
        self._previewer = _previewer(model)

    def __call__(self, finished: float, denoised: Any) -> None:
        """Moves the bar to `finished` images; `denoised` is a step's x0 (B, C, h, w), or None.

        Raises:
            comfy.model_management.InterruptProcessingException: the user pressed stop (ProgressBar looks at it).
        """
        preview = None
        if self._previewer is not None and denoised is not None:
            preview = self._previewer.decode_latent_to_preview_image("JPEG", denoised)
        self._bar.update_absolute(int(1000 * finished / max(1, self._throughput.total)), 1000, preview)
        now = time.monotonic()
        if now - self._last_text > 0.5 or denoised is None:
            self._last_text = now
            progress_text(self._throughput.line(finished), self._node_id)


def _previewer(model: Any) -> Any:
    """What draws latents of `model` while they are sampled; None when previews are off, or not as they were."""
    try:
        import latent_preview

        return latent_preview.get_previewer(model.load_device, model.model.latent_format)
    except (ImportError, AttributeError, TypeError) as error:
        logger.warning("no previews while sampling: this ComfyUI draws them in another way (%s)", error)
        return None


def make_job(request: Request, hidden: Any) -> GenerationJob:
    """The set that `request` asks for, with what stands behind the node's models.

    Args:
        hidden: what the server tells the node: prompt, dynprompt, extra_pnginfo, unique_id.

    Raises:
        ValueError: the name leads out of output/datasets.
    """
    root = paths.confine(paths.datasets_dir(), request.name, what="name")
    upstream = upstream_of(hidden, MODELS)
    workflow = (hidden.extra_pnginfo or {}).get("workflow")
    provenance = job.provenance(request, upstream, versions(), workflow, hidden.prompt)
    return GenerationJob(root, request, job.identity(request, upstream), provenance)


def generate_dataset(generation: GenerationJob, models: Mapping[str, Any], node_id: str | None) -> Outputs:
    """Make what is missing of a set.

    Args:
        models: MODELS by name; those that are not connected are None or left out. None is needed for a finished set.
    """
    start, created, tiled = time.monotonic(), 0, 0
    settings = generation.request.settings
    with generation.open() as store:
        missing = generation.count_missing(store)
        if missing:
            job.check_space(generation.root.parent, missing, settings)
            pipeline = make_pipeline(generation.request, models)
            report = ProgressReporter(missing, pipeline.model, node_id)
            with BackgroundWriter(store, queue_size=min(2 * settings.batch_size, 32)) as writer:
                created = _make_loop(pipeline, writer, report).generate(generation.missing(store))
            tiled = pipeline.tiled
        subfolder = f"{paths.datasets_dir().name}/{generation.request.name}"
        run = job.RunSummary(created, tiled, time.monotonic() - start)
        return job.make_outputs(store, generation.request.plan, run, subfolder)


def make_pipeline(request: Request, models: Mapping[str, Any]) -> ComfyPipeline:
    """The models by name as a pipeline, the start images encoded.

    Raises:
        ValueError: one is missing, or the VAE cannot draw pictures of that size.
        RuntimeError: this ComfyUI's VAE decodes in tiles by a way that cannot be watched.
    """
    model, clip, vae, refiner, refiner_clip = (models.get(name) for name in MODELS)
    if model is None:
        raise ValueError("MODEL is empty; expected a diffusion model; connect a checkpoint loader")
    if vae is None:
        raise ValueError("VAE is empty; expected a VAE; connect the checkpoint loader's VAE output or Load VAE")
    if isinstance(vae, comfy.sd.VAE) and not tiling_methods(vae):
        raise RuntimeError(
            "this ComfyUI's VAE has no method decode_tiled_, by which HypoNet notices that a picture is decoded in "
            "tiles; expected one that has it, as 0.3.75; update HypoNet"
        )
    check_size(request.settings, vae)
    if (refiner is None) != (refiner_clip is None):
        raise ValueError("only one of refiner_model and refiner_clip is connected; connect both or none")
    start_image = request.start_image
    return ComfyPipeline(
        model,
        vae,
        Encoder(clip, throw_if_interrupted),
        request.settings,
        refiner,
        None if refiner_clip is None else Encoder(refiner_clip, throw_if_interrupted),
        None if start_image is None else encode_start_images(vae, start_image, request.settings),
    )


def _make_loop(pipeline: ComfyPipeline, writer: BackgroundWriter, report: ProgressReporter) -> GenerationLoop:
    settings = pipeline.settings
    base_share = 1.0
    if pipeline.refiner is not None:
        base_share = refiner_step(settings.steps, settings.switch_at) / settings.steps
    return GenerationLoop(
        pipeline,
        writer.put,
        report,
        out_of_memory,
        release_memory,
        batch_size=settings.batch_size,
        steps=settings.steps,
        base_share=base_share,
        prefetch=PREFETCH_ITEMS if pipeline.needs_model_swapping() else 0,
    )

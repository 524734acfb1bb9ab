"""The part of generation that talks to ComfyUI: encode, noise, sample, refine, decode, preview.

Reads MODEL, CLIP, VAE; writes uint8 pictures (H, W, 3). No picture depends on which others share its batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import comfy.k_diffusion.sampling as k_diffusion
import comfy.model_management
import comfy.sample
import comfy.samplers
import comfy.utils
import latent_preview
import numpy as np
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

from ...evaluation.pictures.tensors import to_uint8
from .. import paths
from ..dataset.store.writer import BackgroundWriter
from ..engine import metadata_is_off, progress_text, throw_if_interrupted, versions
from ..graph import upstream_of
from ..prompts.item import Item
from . import job
from .batching import LONGEST_REPEAT
from .conditioning import Conditioning, can_merge, merge
from .decoding import decode
from .encoding import Encoded, Encoder
from .generate import AHEAD, Run
from .noise import generator_noise, start_noise
from .progress import Pace
from .samplers import StepNoise, step_noise
from .settings import Settings, check_settings, refiner_step

SAMPLERS: list[str] = comfy.samplers.KSampler.SAMPLERS  # the lists themselves: packs loaded later add to them
SCHEDULERS: list[str] = comfy.samplers.KSampler.SCHEDULERS
MODELS = ("model", "clip", "vae", "refiner_model", "refiner_clip")

StepCallback = Callable[[int, torch.Tensor, torch.Tensor, int], None]  # (step, denoised, x, steps)


def out_of_memory(error: BaseException) -> bool:
    """Whether a smaller batch may help: the device, or the machine, has no memory left."""
    known = comfy.model_management.OOM_EXCEPTION
    if isinstance(error, MemoryError) or (known is not Exception and isinstance(error, known)):
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error) for words in ("out of memory", "can't allocate memory", "not enough memory")
    )


def recover() -> None:
    """Give back what the failed batch held."""
    comfy.model_management.soft_empty_cache()


@dataclass(slots=True)
class Studio:
    """The models of one run and how they are used.

    Args:
        starts: latents of the start images (S, C, h, w), or None for pictures out of noise alone.
    """

    model: Any
    vae: Any
    encoder: Encoder
    settings: Settings
    refiner: Any = None
    refiner_encoder: Encoder | None = None
    starts: torch.Tensor | None = None
    tiled: int = field(default=0)  # pictures decoded in tiles because memory was short

    def encode(self, items: Sequence[Item]) -> list[Encoded]:
        """Base first, then refiner: on a small GPU each text encoder is loaded once for all of `items`."""
        pairs = [(self.encoder.encode(item.prompt), self.encoder.encode(item.negative)) for item in items]
        if self.refiner_encoder is None:
            return [Encoded(item, *pair) for item, pair in zip(items, pairs, strict=True)]
        second = self.refiner_encoder
        more = [(second.encode(item.prompt), second.encode(item.negative)) for item in items]
        return [Encoded(item, *pair, *extra) for item, pair, extra in zip(items, pairs, more, strict=True)]

    def longest_repeat(self) -> int:
        """How often a conditioning may be repeated: joint attention (SD3, Flux) would change, so not at all."""
        models = [each for each in (self.model, self.refiner) if each is not None]
        crossed = all(isinstance(each.model.diffusion_model, UNetModel) for each in models)
        return LONGEST_REPEAT if crossed else 1

    def swaps(self) -> bool:
        """Whether the models do not fit on the device together, so that each change loads one anew."""
        device = comfy.model_management.get_torch_device()
        if device.type == "cpu":
            return False
        encoders = [each.clip.patcher for each in (self.encoder, self.refiner_encoder) if each is not None]
        patchers = [each for each in (self.model, self.refiner, self.vae.patcher, *encoders) if each is not None]
        size = sum(each.model_size() for each in patchers)
        return bool(1.3 * size > comfy.model_management.get_total_memory(device))

    def runs_alone(self, encoded: Encoded) -> bool:
        """Whether this item cannot share a batch."""
        return step_noise(self.settings.sampler) is StepNoise.ALONE or not all(map(can_merge, encoded.all()))

    def sample(self, batch: Sequence[Encoded], callback: StepCallback) -> torch.Tensor:
        """The latents of `batch` (B, C, h, w): finished, or as the refiner is to take them over."""
        latents = self._latents(batch)
        seeds = [each.item.seed for each in batch]
        last = refiner_step(self.settings.steps, self.settings.switch_at) if self.refiner is not None else None
        positive, negative = merge([each.positive for each in batch]), merge([each.negative for each in batch])
        noise = start_noise(latents, seeds)
        return _run(self.model, noise, latents, positive, negative, seeds, self.settings, callback, last=last)

    def refine(self, batch: Sequence[Encoded], latents: torch.Tensor, callback: StepCallback) -> torch.Tensor:
        """`latents` after the refiner's steps; without a refiner, unchanged."""
        if self.refiner is None:
            return latents
        positive = merge([each.refiner_positive or [] for each in batch])
        negative = merge([each.refiner_negative or [] for each in batch])
        seeds = [each.item.seed for each in batch]
        first = refiner_step(self.settings.steps, self.settings.switch_at)
        noise = torch.zeros_like(latents, device="cpu")
        return _run(self.refiner, noise, latents, positive, negative, seeds, self.settings, callback, first=first)

    def decode(self, latents: torch.Tensor) -> np.ndarray:
        """Pictures (B, H, W, 3) uint8, truncated as Save Image does."""
        pixels, tiled = decode(self.vae, latents, recover)
        self.tiled += tiled
        return to_uint8(pixels)

    def _latents(self, batch: Sequence[Encoded]) -> torch.Tensor:
        if self.starts is not None:
            rows = [each.item.rank % self.starts.shape[0] for each in batch]
            return self.starts[rows]
        size = (len(batch), 4, self.settings.height // 8, self.settings.width // 8)
        empty = torch.zeros(size, device=comfy.model_management.intermediate_device())
        return comfy.sample.fix_empty_latent_channels(self.model, empty)


def _run(
    model: Any,
    noise: torch.Tensor,
    latents: torch.Tensor,
    positive: Conditioning,
    negative: Conditioning,
    seeds: Sequence[int],
    settings: Settings,
    callback: StepCallback,
    *,
    first: int = 0,
    last: int | None = None,
) -> torch.Tensor:
    """KSampler (Advanced) from step `first` to `last`, with step noise of each image's own."""
    names = (settings.sampler, settings.scheduler, settings.denoise)
    native = comfy.samplers.KSampler(model, settings.steps, model.load_device, *names, model.model_options)
    sigmas = native.sigmas if last is None else native.sigmas[: last + 1]
    samples = comfy.samplers.sample(
        model,
        noise,
        positive,
        negative,
        settings.cfg,
        model.load_device,
        per_image_sampler(settings.sampler, seeds),
        sigmas[first:],
        model.model_options,
        latent_image=latents,
        callback=callback,
        disable_pbar=True,
        seed=seeds[0],
    )
    return samples.to(comfy.model_management.intermediate_device())


def per_image_sampler(name: str, seeds: Sequence[int]) -> comfy.samplers.Sampler:
    """ComfyUI's sampler `name`, drawing the step noise of each image of a batch from that image's seed.

    Raises:
        ValueError: the sampler has to run one image at a time and there are several seeds.
    """
    kind = step_noise(name)
    if kind is StepNoise.ALONE and len(seeds) > 1:
        raise ValueError(f"sampler is {name} for {len(seeds)} images; {kind.value}; use a batch of 1")
    native = comfy.samplers.sampler_object(name)
    if kind in (StepNoise.NONE, StepNoise.ALONE):
        return native

    def function(
        model: Any, x: torch.Tensor, sigmas: torch.Tensor, extra_args: Any, callback: Any, disable: Any
    ) -> torch.Tensor:
        if len(sigmas) <= 1:
            return x
        if kind is StepNoise.GENERATOR:
            noise: Callable[..., torch.Tensor] = generator_noise(x, seeds)
        else:
            low, high = sigmas[sigmas > 0].min(), sigmas.max()
            on_cpu = kind is StepNoise.TREE
            noise = k_diffusion.BrownianTreeNoiseSampler(x, low, high, seed=list(seeds), cpu=on_cpu)
        arguments = {"extra_args": extra_args, "callback": callback, "disable": disable}
        return native.sampler_function(model, x, sigmas, **arguments, noise_sampler=noise)

    return comfy.samplers.KSAMPLER(function)


def encode_starts(vae: Any, images: torch.Tensor, settings: Settings) -> torch.Tensor:
    """Start images (S, H, W, C) as latents at the size of `settings`, cut to its shape around the middle."""
    pixels = images.float()
    if pixels.shape[1:3] != (settings.height, settings.width):
        moved = pixels.movedim(-1, 1)
        moved = comfy.utils.common_upscale(moved, settings.width, settings.height, "lanczos", "center")
        pixels = moved.movedim(1, -1)
    return vae.encode(pixels[..., :3])


def encode_batch(clip: Any, items: Sequence[Item]) -> tuple[Conditioning, Conditioning]:
    """The items' prompts and negatives, each merged to one conditioning."""
    encoder = Encoder(clip, throw_if_interrupted)
    return merge([encoder.encode(item.prompt) for item in items]), merge([encoder.encode(i.negative) for i in items])


def dataset_fingerprint(name: str | None) -> str | float:
    """See `job.fingerprint`; NaN, which never equals itself, when the name comes through a link."""
    if not isinstance(name, str):
        return float("nan")
    try:
        return job.fingerprint(paths.confine(paths.datasets_dir(), name.strip()))
    except ValueError:
        return ""  # running it will say what is wrong with the name


class Reporter:
    """Bar, text and preview of one running node."""

    def __init__(self, total: int, model: Any, node_id: str | None) -> None:
        self.pace = Pace(total)
        self._bar = comfy.utils.ProgressBar(1000)
        self._node_id = node_id
        self._told = 0.0
        self._previewer = latent_preview.get_previewer(model.load_device, model.model.latent_format)

    def __call__(self, done: float, denoised: Any) -> None:
        """Moves the bar; raises when the user pressed stop."""
        preview = None
        if self._previewer is not None and denoised is not None:
            preview = self._previewer.decode_latent_to_preview_image("JPEG", denoised)
        self._bar.update_absolute(int(1000 * done / max(1, self.pace.total)), 1000, preview)
        now = time.monotonic()
        if now - self._told > 0.5 or denoised is None:
            self._told = now
            progress_text(self.pace.line(done), self._node_id)


@dataclass(frozen=True, slots=True)
class Task:
    """One call of the node Generate Dataset."""

    request: job.Request
    job: job.Job
    node_id: str | None

    @classmethod
    def read(cls, values: dict[str, Any], hidden: Any) -> Task:
        """From the node's inputs and what the server tells it about the graph."""
        request = job.Request.read(values, metadata=not metadata_is_off())
        check_settings(request.settings, has_start=request.start_image is not None)
        root = paths.confine(paths.datasets_dir(), request.name, what="name")
        found = upstream_of(hidden, MODELS)
        workflow = (hidden.extra_pnginfo or {}).get("workflow")
        record = job.provenance(request, found, versions(), workflow, hidden.prompt)
        return cls(request, job.Job(root, request, job.identity(request, found), record), hidden.unique_id)

    def run(self, model: Any, clip: Any, vae: Any, refiner_model: Any, refiner_clip: Any) -> job.Done:
        """Make what is missing."""
        began, made, tiled = time.monotonic(), 0, 0
        with self.job.open() as store:
            count = self.job.count_missing(store)
            if count:
                job.check_space(self.job.root.parent, count, self.request.settings)
                studio = self._studio(model, clip, vae, refiner_model, refiner_clip)
                with BackgroundWriter(store, queue_size=min(2 * self.request.settings.batch_size, 32)) as writer:
                    run = self._run(studio, writer, Reporter(count, model, self.node_id))
                    made = run.make(self.job.missing(store))
                tiled = studio.tiled
            place = f"{paths.datasets_dir().name}/{self.request.name}"
            return job.finish(store, self.request.plan, made, tiled, time.monotonic() - began, place)

    def _studio(self, model: Any, clip: Any, vae: Any, refiner_model: Any, refiner_clip: Any) -> Studio:
        if model is None:
            raise ValueError("MODEL is empty; expected a diffusion model; connect a checkpoint loader")
        if vae is None:
            raise ValueError("VAE is empty; expected a VAE; connect the checkpoint loader's VAE output or Load VAE")
        if (refiner_model is None) != (refiner_clip is None):
            raise ValueError("only one of refiner_model and refiner_clip is connected; connect both or none")
        starts = self.request.start_image
        return Studio(
            model,
            vae,
            Encoder(clip, throw_if_interrupted),
            self.request.settings,
            refiner_model,
            Encoder(refiner_clip, throw_if_interrupted) if refiner_clip is not None else None,
            None if starts is None else encode_starts(vae, starts, self.request.settings),
        )

    def _run(self, studio: Studio, writer: BackgroundWriter, report: Reporter) -> Run:
        steps, share = self.request.settings.steps, 1.0
        if studio.refiner is not None:
            share = refiner_step(steps, self.request.settings.switch_at) / steps
        return Run(
            studio,
            writer.put,
            report,
            out_of_memory,
            recover,
            batch_size=self.request.settings.batch_size,
            steps=steps,
            base_share=share,
            ahead=AHEAD if studio.swaps() else 0,
        )

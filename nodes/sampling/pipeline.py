"""The models of one call and how they are used: encode, noise, sample, refine, decode.

Reads MODEL, CLIP, VAE; writes uint8 pictures (H, W, 3). No picture depends on which others share its batch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import comfy.model_management
import comfy.sd
import numpy as np
import torch

from ...evaluation.pictures.tensors import check_pixels, to_uint8
from ..engine import throw_if_interrupted
from ..prompts.item import Item
from .batching import small_batches_text
from .conditioning import MAX_REPEAT, Conditioning, as_batch, merge
from .decoding import decode, tiling_methods
from .encoding import EncodedItem, Encoder
from .generate import Pipeline, StepCallback
from .job import Request
from .latents import check_size, empty_latents, encode_start_images, pixels_per_latent
from .memory import release_memory
from .noise import start_noise
from .per_image_conds import CannotShareBatch, with_per_image_conds
from .samplers import StepNoise, step_noise
from .settings import SamplingSettings, refiner_step
from .stages import Stage, run_stage

MODELS = ("model", "clip", "vae", "refiner_model", "refiner_clip")  # the node's inputs that are loaded lazily


@dataclass
class ComfyPipeline(Pipeline):
    """The models of one call and how they are used.

    Args:
        start_latents: the start images' (S, C, h, w), or None for pictures out of noise alone.
        tiled: pictures decoded in tiles so far, because memory was short.
        batches: images in each batch that was sampled so far.
        apart: why images were not sampled together.
    """

    model: Any
    vae: Any
    encoder: Encoder
    settings: SamplingSettings
    refiner: Any = None
    refiner_encoder: Encoder | None = None
    start_latents: torch.Tensor | None = None
    tiled: int = 0
    batches: list[int] = field(default_factory=list)
    apart: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.model = with_per_image_conds(self.model)
        self.refiner = None if self.refiner is None else with_per_image_conds(self.refiner)

    @functools.cached_property
    def ratio(self) -> int:
        """Pixels a side of a latent; see `pixels_per_latent`."""
        return pixels_per_latent(self.model, self.vae)

    def encode(self, items: Sequence[Item]) -> list[EncodedItem]:
        """Base first, then refiner: on a small GPU each text encoder is loaded once for all of `items`."""
        encoded = self._encode(items)
        if self.max_repeat() == 1 and len({one.lengths() for one in encoded}) > 1:
            self.apart.add("the prompts have different numbers of tokens, and this model takes one number at a time")
        return encoded

    def _encode(self, items: Sequence[Item]) -> list[EncodedItem]:
        base = [_encode_pair(self.encoder, item) for item in items]
        check_clip("clip", base[0][0], self.model)
        if self.refiner_encoder is None:
            return [EncodedItem(item, *pair) for item, pair in zip(items, base, strict=True)]
        refiner = [_encode_pair(self.refiner_encoder, item) for item in items]
        check_clip("refiner_clip", refiner[0][0], self.refiner)
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
        if step_noise(self.settings.sampler) is StepNoise.ALONE:
            self.apart.add(f"{self.settings.sampler} runs one image at a time")
            return True
        if reason := encoded.obstacle():
            self.apart.add(f"the text encoder gives {reason}")
        return bool(reason)

    def warnings(self) -> list[str]:
        """What the user is told of how it went."""
        text = small_batches_text(sum(self.batches), len(self.batches), self.settings.batch_size, self.apart)
        return [text] if text else []

    def sample(self, batch: Sequence[EncodedItem], callback: StepCallback) -> torch.Tensor:
        """The latents of `batch` (B, C, h, w): finished, or as the refiner is to take them over."""
        return self._together_or_alone(batch, self._start(batch), callback, self._base)

    def refine(self, batch: Sequence[EncodedItem], latents: torch.Tensor, callback: StepCallback) -> torch.Tensor:
        """`latents` (B, C, h, w) after the refiner's steps; without a refiner, unchanged."""
        if self.refiner is None:
            return latents
        return self._together_or_alone(batch, latents, callback, self._refine)

    def _together_or_alone(
        self,
        batch: Sequence[EncodedItem],
        latents: torch.Tensor,
        callback: StepCallback,
        stage: Callable[[Sequence[EncodedItem], torch.Tensor], Stage],
    ) -> torch.Tensor:
        """The latents (B, C, h, w) after one stage; image by image where the model does not take the texts at once."""
        try:
            result = run_stage(stage(batch, latents), self.settings, callback)
        except CannotShareBatch as error:
            self.apart.add(str(error))
        else:
            self.batches += [len(batch)] if stage == self._base else []
            return result
        parts = zip(batch, torch.split(latents, 1), strict=True)
        return torch.cat([self._together_or_alone([one], latent, callback, stage) for one, latent in parts])

    def _base(self, batch: Sequence[EncodedItem], latents: torch.Tensor) -> Stage:
        last = None if self.refiner is None else refiner_step(self.settings.steps, self.settings.switch_at)
        seeds = [encoded.item.seed for encoded in batch]
        return Stage(
            self.model,
            as_batch([encoded.positive for encoded in batch], seeds),
            as_batch([encoded.negative for encoded in batch], seeds),
            seeds,
            noise=start_noise(latents, seeds),
            latents=latents,
            last_step=last,
        )

    def _refine(self, batch: Sequence[EncodedItem], latents: torch.Tensor) -> Stage:
        seeds = [encoded.item.seed for encoded in batch]
        return Stage(
            self.refiner,
            as_batch([encoded.refiner_positive or [] for encoded in batch], seeds),
            as_batch([encoded.refiner_negative or [] for encoded in batch], seeds),
            seeds,
            noise=torch.zeros_like(latents, device="cpu"),  # the latents still hold what the base has not removed
            latents=latents,
            first_step=refiner_step(self.settings.steps, self.settings.switch_at),
        )

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
        check_pixels(pixels, "the VAE's output")
        return to_uint8(pixels)

    def _start(self, batch: Sequence[EncodedItem]) -> torch.Tensor:
        """What the noise is added to, (B, C, h, w): each item's start image by its rank, or zeros."""
        if self.start_latents is not None:
            return self.start_latents[[encoded.item.rank % self.start_latents.shape[0] for encoded in batch]]
        return empty_latents(self.model, self.ratio, len(batch), self.settings)


def check_clip(name: str, conditioning: Conditioning, model: Any) -> None:
    """Refuse a text encoder of another kind of model, where the model says how wide its texts are.

    Args:
        name: of the node's input.
        conditioning: a text that it encoded, [[tokens: [1,T,D], ...]].

    Raises:
        ValueError: D is not the model's.
    """
    config = getattr(model.model.model_config, "unet_config", None) or {}
    expected, width = config.get("context_dim"), conditioning[0][0].shape[-1]
    if isinstance(expected, int) and width != expected:
        raise ValueError(
            f"{name} gives {width:,} features a token; expected {expected:,}; connect the CLIP of the model's own "
            "checkpoint"
        )


def _encode_pair(encoder: Encoder, item: Item) -> tuple[Conditioning, Conditioning]:
    return encoder.encode(item.prompt), encoder.encode(item.negative)


def encode_batch(clip: Any, items: Sequence[Item]) -> tuple[Conditioning, Conditioning]:
    """The items' prompts and negatives, each merged to one conditioning."""
    encoder = Encoder(clip, throw_if_interrupted)
    pairs = [_encode_pair(encoder, item) for item in items]
    return merge([positive for positive, _ in pairs]), merge([negative for _, negative in pairs])


def make_pipeline(request: Request, models: Mapping[str, Any]) -> ComfyPipeline:
    """The models by name as a pipeline, the start images encoded.

    Raises:
        ValueError: one is missing, the VAE is another model's, or they cannot draw pictures of that size.
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
    if (refiner is None) != (refiner_clip is None):
        raise ValueError("only one of refiner_model and refiner_clip is connected; connect both or none")
    pipeline = ComfyPipeline(
        model,
        vae,
        Encoder(clip, throw_if_interrupted),
        request.settings,
        refiner,
        None if refiner_clip is None else Encoder(refiner_clip, throw_if_interrupted),
    )
    check_size(request.settings, pipeline.ratio)
    if request.start_image is not None:
        pipeline.start_latents = encode_start_images(vae, request.start_image, request.settings)
    return pipeline

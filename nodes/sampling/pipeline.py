"""The models of one call and how they are used: encode, noise, sample, refine, decode.

Reads MODEL, CLIP, VAE; writes uint8 pictures (H, W, 3). What else is in its batch changes a picture's rounding alone.
"""

from __future__ import annotations

import functools
import logging
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
from .conditioning import MAX_REPEAT, Conditioning, as_batch, merge, under_text, with_guidance
from .decoding import decode, tiling_methods
from .encoding import EncodedItem, Encoder, encode_pair
from .generate import Pipeline, StepCallback
from .guiders import adopt_guider, make_guider, outside_text, unused_negative, with_texts
from .job import Request
from .latents import check_size, empty_latents, encode_start_images, pixels_per_latent
from .memory import out_of_memory, release_memory
from .model_fit import check_clip, clip_advice, explained, guidance_advice
from .noise import start_noise
from .options import GraphInputs
from .per_image_conds import CannotShareBatch, with_per_image_conds
from .samplers import sampler_name
from .settings import SamplingSettings, refiner_step
from .stages import Stage, make_sigmas, run_stage
from .step_noise import StepNoise, step_noise

logger = logging.getLogger("hyponet")

MODELS = ("model", "clip", "vae", "refiner_model", "refiner_clip")  # asked for if a picture is missing


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
    given: GraphInputs = field(default_factory=GraphInputs)
    tiled: int = 0
    batches: list[int] = field(default_factory=list)
    apart: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.given.guider is None:
            self.model = with_per_image_conds(self.model)
            self._guider = make_guider(self.model, self.settings.cfg)
        else:
            self._guider = adopt_guider(self.given.guider, self.model)
            self.model = self._guider.model_patcher
        self._negatives = False  # whether an item has one
        self._clip_advice: list[str] = []  # of the first text
        self._sampler = self.settings.sampler if self.given.sampler is None else self.given.sampler
        self.refiner = None if self.refiner is None else with_per_image_conds(self.refiner)

    @functools.cached_property
    def sigmas(self) -> torch.Tensor:
        """(steps + 1) noise levels, as KSampler or the graph has them."""
        return self._sigmas_of(self.model)

    def _sigmas_of(self, model: Any) -> torch.Tensor:
        if self.given.sigmas is not None:
            return self.given.sigmas
        return make_sigmas(model, sampler_name(self._sampler), self.settings)

    @property
    def steps(self) -> int:
        """Sampler steps of one image, base and refiner together."""
        return len(self.sigmas) - 1

    @property
    def switch_step(self) -> int:
        """The refiner's first step."""
        return refiner_step(self.steps, self.settings.switch_at)

    @functools.cached_property
    def ratio(self) -> int:
        """Pixels a side of a latent; see `pixels_per_latent`."""
        return pixels_per_latent(self.model, self.vae)

    def encode(self, items: Sequence[Item]) -> list[EncodedItem]:
        """Base first, then refiner: on a small GPU each text encoder is loaded once for all of `items`."""
        encoded = self._encode(items)
        for text in self.advice() if not self.batches else ():
            logger.warning(text)  # now, and not when hours have gone by
        if self.max_repeat() == 1 and len({one.lengths() for one in encoded}) > 1:
            self.apart.add("the prompts have different numbers of tokens, and this model takes one number at a time")
        return encoded

    def _encode(self, items: Sequence[Item]) -> list[EncodedItem]:
        self._negatives = self._negatives or any(item.negative.strip() for item in items)
        base = [self._base_pair(item) for item in items]
        check_clip("clip", base[0][0], self.model)
        self._clip_advice = clip_advice(base[0][0], self.model)
        if self.refiner_encoder is None:
            return [EncodedItem(item, *pair) for item, pair in zip(items, base, strict=True)]
        zero = self.settings.zero_negative
        refiner = [encode_pair(self.refiner_encoder, item, zero_negative=zero) for item in items]
        check_clip("refiner_clip", refiner[0][0], self.refiner)
        return [EncodedItem(item, *pair, *second) for item, pair, second in zip(items, base, refiner, strict=True)]

    def _base_pair(self, item: Item) -> tuple[Conditioning, Conditioning]:
        """The item's texts, each over what the graph says beside the text."""
        positive, negative = encode_pair(self.encoder, item, zero_negative=self.settings.zero_negative)
        if outside := self.given.conditioning or outside_text(self._guider, "positive"):
            positive = under_text(outside, positive)
        if outside := self.given.negative_conditioning or outside_text(self._guider, "negative"):
            negative = under_text(outside, negative)
        return with_guidance(positive, self.settings.guidance), negative

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
        if step_noise(self._sampler) is StepNoise.ALONE:
            self.apart.add(
                f"sampler {sampler_name(self._sampler)} runs one image at a time, since an image would come out "
                "otherwise beside others"
            )
            return True
        if reason := encoded.obstacle():
            self.apart.add(f"the text encoder gives {reason}")
        return bool(reason)

    def warnings(self, batch_size: int) -> list[str]:
        """What the user is told of how it went.

        Args:
            batch_size: images at once that memory allowed.
        """
        text = small_batches_text(sum(self.batches), len(self.batches), batch_size, self.apart)
        return [*([text] if text else []), *self.advice()]

    def advice(self) -> list[str]:
        """What speaks against the text encoder and the guidance that were set."""
        texts = [*self._clip_advice, *guidance_advice(self.model, self.settings)]
        unused = unused_negative(self._guider, sampler_name(self._sampler))
        unused = unused or ("zero_negative takes its place" if self.settings.zero_negative else "")
        if unused and self._negatives:
            texts.append(f"the negative prompts change nothing: {unused}")
        return texts

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
            result = run_stage(stage(batch, latents), self._sampler, callback)
        except CannotShareBatch as error:
            self.apart.add(str(error))
        except (RuntimeError, KeyError, AttributeError, TypeError) as error:
            if self.batches or out_of_memory(error):
                raise
            explanation = explained(error, batch[0].positive, self.settings)
            if explanation is error:
                raise
            raise explanation from error
        else:
            self.batches += [len(batch)] if stage == self._base else []
            return result
        parts = zip(batch, torch.split(latents, 1), strict=True)
        return torch.cat([self._together_or_alone([prompt], latent, callback, stage) for prompt, latent in parts])

    def _base(self, batch: Sequence[EncodedItem], latents: torch.Tensor) -> Stage:
        # one more sigma than steps: sigmas[k] is the noise that step k starts from
        end = None if self.refiner is None else self.switch_step + 1
        seeds = [encoded.item.seed for encoded in batch]
        positive, negative = ([pair.positive for pair in batch], [pair.negative for pair in batch])
        guider = with_texts(self._guider, as_batch(positive, seeds), as_batch(negative, seeds))
        return Stage(guider, self.sigmas[:end], seeds, noise=start_noise(latents, seeds), latents=latents)

    def _refine(self, batch: Sequence[EncodedItem], latents: torch.Tensor) -> Stage:
        seeds = [encoded.item.seed for encoded in batch]
        positive = as_batch([encoded.refiner_positive or [] for encoded in batch], seeds)
        negative = as_batch([encoded.refiner_negative or [] for encoded in batch], seeds)
        guider = with_texts(make_guider(self.refiner, self.settings.cfg), positive, negative)
        noise = torch.zeros_like(latents, device="cpu")  # the latents still hold what the base has not removed
        # (run_stage seeds the global generator again: native nodes go on with the base's, but there it may be too
        # that another node drew in between, or that the base's latents come from the cache)
        sigmas = self._sigmas_of(self.refiner)[self.switch_step :]
        return Stage(guider, sigmas, seeds, noise=noise, latents=latents)

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


def encode_batch(clip: Any, items: Sequence[Item]) -> tuple[Conditioning, Conditioning]:
    """The items' prompts and negatives, each merged to one conditioning."""
    encoder = Encoder(clip, throw_if_interrupted)
    pairs = [encode_pair(encoder, item) for item in items]
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
        given=request.given,
    )
    check_size(request.settings, pipeline.ratio)
    if request.start_image is not None:
        pipeline.start_latents = encode_start_images(vae, request.start_image, request.settings)
    return pipeline

"""The loop that makes what is missing of a set: encode, sample, refine, decode, hand to the writer, next.

Reads items of a plan; writes pictures through `put`. Knows nothing of ComfyUI: the pipeline does.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from ...evaluation.chunks import chunks
from ..prompts.item import Item
from .batching import BatchLimit, group_lengths

PREFETCH_ITEMS = 64  # enough that a small GPU seldom swaps its models, few enough to lose little by an interrupt

StepCallback = Callable[[int, torch.Tensor, torch.Tensor, int], None]  # (step, denoised, x, steps), as k-diffusion's


class Pipeline(Protocol):
    """What the loop needs of the models; `pipeline.ComfyPipeline` is the node's."""

    refiner: Any  # None without one

    def encode(self, items: Sequence[Item]) -> list[Any]:
        """The items with their texts encoded: `encoding.EncodedItem`, or what a test puts in its place."""
        ...

    def runs_alone(self, encoded: Any) -> bool:
        """Whether this item cannot share a batch."""
        ...

    def max_repeat(self) -> int:
        """How often a conditioning may be repeated to meet the length of another; see `group_lengths`."""
        ...

    def sample(self, batch: Sequence[Any], callback: StepCallback) -> torch.Tensor:
        """The base model's latents (B, C, h, w)."""
        ...

    def refine(self, batch: Sequence[Any], latents: torch.Tensor, callback: StepCallback) -> torch.Tensor:
        """`latents` (B, C, h, w) after the refiner's steps; unchanged without a refiner."""
        ...

    def decode(self, latents: torch.Tensor) -> np.ndarray:
        """Latents (B, C, h, w) as pictures (B, H, W, 3) uint8."""
        ...


class GenerationLoop:
    """One pass over the items that a set is missing.

    With a refiner and `prefetch` items at a time, each model is loaded once for all of them (two passes):

        prefetch = 0     | encode base refiner decode | encode base refiner decode | ...         batch by batch
        prefetch = 64    | encode 64 | base, base, ... | refiner decode, refiner decode, ... | next 64 | ...
                                       every latent waits here --^ on the intermediate device

    Args:
        pipeline: the models.
        put: takes an item and its picture (H, W, 3) uint8; may block while the disk is busy.
        report: `report(images finished, x0)` after each sampler step and each batch; parts of images count. x0 is the
            step's denoised latents for a preview, or None. It may raise to stop the loop.
        out_of_memory, release_memory: see `BatchLimit.map`.
        batch_size: images sampled at once at most.
        steps: sampler steps of one image, base and refiner together.
        base_share: the base model's share of them.
        prefetch: items whose texts are encoded before the first is sampled, and whose base steps run before the first
            refiner step; 0 takes batch by batch. For devices that cannot hold all models at once, and for models that
            take texts of one length at a time: as many items wait at most, encoded, for others of their length.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        put: Callable[[Item, np.ndarray], None],
        report: Callable[[float, Any], None],
        out_of_memory: Callable[[BaseException], bool],
        release_memory: Callable[[], None],
        *,
        batch_size: int,
        steps: int,
        base_share: float = 1.0,
        prefetch: int = 0,
    ) -> None:
        self._pipeline = pipeline
        self._put = put
        self._report = report
        self._limit = BatchLimit(batch_size, out_of_memory, release_memory)
        self._steps = max(1, steps)
        self._base_share = base_share
        self._two_passes = prefetch > 0 and pipeline.refiner is not None
        self._most_waiting = 0 if self._two_passes else prefetch  # in two passes the models would change once more
        self._chunk_size = max(prefetch, batch_size)
        self._unrefined = 0.0  # base steps of pictures that wait for the refiner, counted in whole images
        self._reported = 0.0  # a batch that is made again in halves counts from where it began
        self.finished = 0

    @property
    def batch_size(self) -> int:
        """Images at once that memory has allowed so far."""
        return self._limit.size

    def generate(self, items: Iterable[Item]) -> int:
        """Make all `items`; returns how many. When an exception stops it, what `put` took is made."""
        waiting: list[Any] = []
        for chunk in chunks(items, self._chunk_size):
            alone: list[list[Any]] = []
            for encoded in self._pipeline.encode(chunk):
                if self._pipeline.runs_alone(encoded):
                    alone.append([encoded])
                else:
                    waiting.append(encoded)
            groups, waiting = self._ready(waiting)
            self._draw([*groups, *alone])
        self._draw(self._groups(waiting))
        return self.finished

    def _draw(self, groups: list[list[Any]]) -> None:
        if self._two_passes:
            self._base_then_refiner(groups)
        else:
            self._batch_by_batch(groups)

    def _batch_by_batch(self, groups: list[list[Any]]) -> None:
        for group in groups:
            for batch, pictures in self._limit.map(self._sample_refine_decode, group):
                self._finish(batch, pictures)

    def _base_then_refiner(self, encoded_groups: list[list[Any]]) -> None:
        # (item, its latent (1, C, h, w)), in the base's groups, whose texts can be merged; only the split differs, if
        # memory gets short in between
        groups: list[list[tuple[Any, torch.Tensor]]] = []
        for group in encoded_groups:
            groups.append([])
            for batch, latents in self._limit.map(self._sample, group):
                groups[-1] += zip(batch, torch.split(latents, 1), strict=True)
                self._unrefined += len(batch) * self._base_share
        for pairs in groups:
            for part, pictures in self._limit.map(self._refine_decode, pairs):
                self._unrefined -= len(part) * self._base_share
                self._finish([encoded for encoded, _ in part], pictures)

    def _ready(self, encoded: list[Any]) -> tuple[list[list[Any]], list[Any]]:
        """The groups to draw now, and what waits for more items of its length: as many as fit, smallest groups first.

        Lengths of texts spread: 64 sentences have some 18, and would make batches of 4 where 8 are asked for.
        """
        groups = self._groups(encoded)
        ready: list[list[Any]] = []
        waiting: list[Any] = []
        for group in sorted(groups, key=len) if self._most_waiting else groups:
            if len(group) < self._limit.size and len(waiting) + len(group) <= self._most_waiting:
                waiting += group
            else:
                ready.append(group)
        return ready, waiting

    def _groups(self, encoded: list[Any]) -> list[list[Any]]:
        """`encoded` in lists that can be one batch each: those of matching text lengths."""
        alike: dict[Hashable, list[Any]] = {}
        for item in encoded:
            alike.setdefault(item.shape(), []).append(item)
        groups = []
        for members in alike.values():
            lengths = [item.lengths() for item in members]
            for group in group_lengths(lengths, self._limit.size, self._pipeline.max_repeat()):
                groups.append([members[i] for i in group])
        return groups

    def _sample_refine_decode(self, batch: Sequence[Any]) -> np.ndarray:
        callback = self._step_counter(len(batch))
        latents = self._pipeline.sample(batch, callback)  # (B, C, h, w)
        return self._pipeline.decode(self._pipeline.refine(batch, latents, callback))  # (B, H, W, 3)

    def _sample(self, batch: Sequence[Any]) -> torch.Tensor:
        return self._pipeline.sample(batch, self._step_counter(len(batch)))  # (B, C, h, w)

    def _refine_decode(self, pairs: Sequence[tuple[Any, torch.Tensor]]) -> np.ndarray:
        batch = [encoded for encoded, _ in pairs]
        latents = torch.cat([latent for _, latent in pairs])  # B times (1, C, h, w) -> (B, C, h, w)
        return self._pipeline.decode(self._pipeline.refine(batch, latents, self._step_counter(len(pairs))))

    def _step_counter(self, images: int) -> StepCallback:
        """A sampler callback that counts a batch's steps on from what the loop has finished.

        A step counts the images that it is of: a batch may fall apart into single images.
        """
        drawn = 0  # steps times images

        def on_step(index: int, denoised: torch.Tensor, x: torch.Tensor, total: int) -> None:
            nonlocal drawn
            drawn += len(denoised)
            self._tell(min(images, drawn / self._steps), denoised)

        return on_step

    def _tell(self, of_batch: float, denoised: torch.Tensor | None) -> None:
        """Report what is finished, and images (parts count) of the batch that is being drawn."""
        self._reported = max(self._reported, self.finished + self._unrefined + of_batch)
        self._report(self._reported, denoised)

    def _finish(self, batch: Sequence[Any], pictures: np.ndarray) -> None:
        for encoded, picture in zip(batch, pictures, strict=True):
            self._put(encoded.item, picture)
        self.finished += len(batch)
        self._tell(0.0, None)

"""The loop that makes what is missing of a set: encode, sample, refine, decode, hand to the writer, next.

Reads items of a plan; writes pictures through `put`. Knows nothing of ComfyUI: the studio does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from ..prompts.item import Item
from .batching import BatchLimit, chunks, group_lengths

AHEAD = 64  # enough that a small GPU seldom swaps its models, few enough to lose little by an interrupt


class Studio(Protocol):
    """What the loop needs of the models; `engine.Studio` is the real one."""

    refiner: Any

    def encode(self, items: Sequence[Item]) -> list[Any]: ...
    def runs_alone(self, encoded: Any) -> bool: ...
    def longest_repeat(self) -> int: ...
    def sample(self, batch: Sequence[Any], callback: Callable[..., None]) -> torch.Tensor: ...
    def refine(self, batch: Sequence[Any], latents: torch.Tensor, callback: Callable[..., None]) -> torch.Tensor: ...
    def decode(self, latents: torch.Tensor) -> np.ndarray: ...


class Run:
    """One run over missing items.

    Args:
        studio: the models.
        put: takes an item and its picture (H, W, 3) uint8; may block while the disk is busy.
        report: `report(images done, x0)` after each sampler step and each batch; parts of images count. x0 is the
            step's denoised latents for a preview, or None. It may raise to stop the run.
        out_of_memory, recover: see `BatchLimit.run`.
        batch_size: images sampled at once at most.
        steps: sampler steps of one image, base and refiner together.
        base_share: the base model's share of them.
        ahead: items whose texts are encoded before the first is sampled, and whose base steps run before the first
            refiner step; 0 takes batch by batch. For devices that cannot hold all models at once.
    """

    def __init__(
        self,
        studio: Studio,
        put: Callable[[Item, np.ndarray], None],
        report: Callable[[float, Any], None],
        out_of_memory: Callable[[BaseException], bool],
        recover: Callable[[], None],
        *,
        batch_size: int,
        steps: int,
        base_share: float = 1.0,
        ahead: int = 0,
    ) -> None:
        self._studio = studio
        self._put = put
        self._report = report
        self._memory = (out_of_memory, recover)
        self._limit = BatchLimit(batch_size)
        self._steps = max(1, steps)
        self._base_share = base_share
        self._ahead = 0.0  # images' worth of base steps done for pictures that wait for the refiner
        self._two_passes = ahead > 0 and studio.refiner is not None
        self._chunk = max(ahead, batch_size)
        self.done = 0

    def make(self, items: Iterable[Item]) -> int:
        """Make all `items`; returns how many. Stopped by an exception, what `put` took is made."""
        for chunk in chunks(items, self._chunk):
            encoded = self._studio.encode(chunk)
            if self._two_passes:
                self._base_then_refiner(encoded)
            else:
                self._batch_by_batch(encoded)
        return self.done

    def _batch_by_batch(self, encoded: list[Any]) -> None:
        for group in self._groups(encoded):
            for batch, pictures in self._limit.run(group, self._whole, *self._memory):
                self._finish(batch, pictures)

    def _base_then_refiner(self, encoded: list[Any]) -> None:
        waiting: list[list[tuple[Any, torch.Tensor]]] = []  # in the base's groups: their texts can be merged
        for group in self._groups(encoded):
            waiting.append([])
            for batch, latents in self._limit.run(group, self._base, *self._memory):
                waiting[-1] += zip(batch, torch.split(latents, 1), strict=True)
                self._ahead += len(batch) * self._base_share
        for pairs in waiting:
            for part, pictures in self._limit.run(pairs, self._second, *self._memory):
                self._ahead -= len(part) * self._base_share
                self._finish([each for each, _ in part], pictures)

    def _groups(self, encoded: list[Any]) -> list[list[Any]]:
        alone = [[each] for each in encoded if self._studio.runs_alone(each)]
        together = [each for each in encoded if not self._studio.runs_alone(each)]
        lengths = [each.lengths() for each in together]
        groups = group_lengths(lengths, self._limit.size, self._studio.longest_repeat())
        return [*([together[i] for i in group] for group in groups), *alone]

    def _whole(self, batch: Sequence[Any]) -> np.ndarray:
        step = self._stepper(len(batch))
        return self._studio.decode(self._studio.refine(batch, self._studio.sample(batch, step), step))

    def _base(self, batch: Sequence[Any]) -> torch.Tensor:
        return self._studio.sample(batch, self._stepper(len(batch)))

    def _second(self, pairs: Sequence[tuple[Any, torch.Tensor]]) -> np.ndarray:
        latents = torch.cat([latent for _, latent in pairs])
        return self._studio.decode(self._studio.refine([each for each, _ in pairs], latents, self._stepper(len(pairs))))

    def _stepper(self, images: int) -> Callable[..., None]:
        """A sampler callback that counts a batch's steps from where the run stands."""
        taken = 0

        def step(index: int, denoised: Any, x: Any, total: int) -> None:
            nonlocal taken
            taken += 1
            self._report(self.done + self._ahead + images * min(1.0, taken / self._steps), denoised)

        return step

    def _finish(self, batch: Sequence[Any], pictures: np.ndarray) -> None:
        for each, picture in zip(batch, pictures, strict=True):
            self._put(each.item, picture)
        self.done += len(batch)
        self._report(self.done + self._ahead, None)

"""What an extraction of features needs of a network, and how it runs there: in full precision, on one core each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor


class FeatureNetwork(Protocol):
    """A network that sees pictures; Inception and VisionTransformer are ones."""

    digest: str  # SHA-256 of the file of its weights

    @property
    def key(self) -> str:
        """Its short name, in results and cache keys."""

    @property
    def url(self) -> str:
        """Where its weights are published."""

    @property
    def width(self) -> int:
        """Features of a picture."""

    @property
    def sides(self) -> tuple[int, int] | None:
        """image_size and patch_size of a vision transformer; None of another network."""

    @property
    def classes(self) -> int:
        """Logits of a picture; 0 for a network that names no classes."""

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""

    def prepare(self, pictures: Tensor, convention: str) -> Tensor:
        """The network's input of pictures uint8 [B,H,W,3]; a ValueError for a convention that it does not have."""

    def __call__(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B,width] and logits [B,classes] in float32."""


@contextmanager
def full_precision() -> Iterator[None]:
    """Float32 without TF32 on the GPU: shortened mantissas move FID."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=False, allow_tf32=False):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


@contextmanager
def one_thread_each() -> Iterator[None]:
    """New threads compute on one core each: batches side by side keep the cores busier than one batch on all."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

"""Batches out of one uint8 tensor: order, flips and shifts of an epoch, drawn at once from (seed, epoch) alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class EpochDraw:
    """Every random choice of one epoch.

    Args:
        order: int64 [N], the order in which pictures are shown.
        flipped: bool [N] by picture, or None.
        shifts: int64 [N,2] by picture, rows and columns to move, or None.
    """

    order: torch.Tensor
    flipped: torch.Tensor | None
    shifts: torch.Tensor | None

    def to(self, device: torch.device) -> EpochDraw:
        """The same choices on another device."""
        flipped = None if self.flipped is None else self.flipped.to(device)
        shifts = None if self.shifts is None else self.shifts.to(device)
        return EpochDraw(self.order.to(device), flipped, shifts)

    def at_places(self, places: torch.Tensor, pictures: int) -> EpochDraw:
        """The same choices where the N pictures are only a part of a tensor.

        Args:
            places: int64 [N], where picture i is in the tensor.
            pictures: how many the tensor holds.
        """
        flipped = None if self.flipped is None else self.flipped.new_zeros(pictures).index_copy(0, places, self.flipped)
        shifts = None if self.shifts is None else self.shifts.new_zeros(pictures, 2).index_copy(0, places, self.shifts)
        return EpochDraw(places[self.order], flipped, shifts)


def draw_epoch(pictures: int, side: int, augmentation: str, seed: int, epoch: int) -> EpochDraw:
    """The choices of epoch `epoch` (from 0) for `pictures` pictures of `side` pixels."""
    generator = _generator(seed, f"epoch {epoch}")
    order = torch.randperm(pictures, generator=generator)
    if augmentation == "none":
        return EpochDraw(order, None, None)
    # alternating flip (Keller Jordan, airbench, arXiv 2404.00498, section 3.6): half are drawn once, then all change
    # sides every epoch, so that two epochs in a row show each picture both ways
    first = torch.randint(2, (pictures,), generator=_generator(seed, "flip")).bool()
    flipped = first ^ bool(epoch % 2)
    if augmentation == "flip":
        return EpochDraw(order, flipped, None)
    most = max(1, side // 8)  # 4 of 32 pixels, the usual padding for CIFAR-10
    shifts = torch.randint(-most, most + 1, (pictures, 2), generator=generator)
    return EpochDraw(order, flipped, shifts)


def gather(images: torch.Tensor, at: torch.Tensor, draw: EpochDraw) -> torch.Tensor:
    """The pictures at `at`, flipped and shifted as drawn; edges are reflected.

    Args:
        images: uint8 [N,H,W,C].
        at: int64 [B].
        draw: of this epoch, on the same device.
    """
    if draw.flipped is None:
        return images.index_select(0, at)
    flipped = draw.flipped[at][:, None]  # (B, 1)
    if draw.shifts is None:
        batch = images.index_select(0, at)
        return torch.where(flipped[:, :, None, None], batch.flip(2), batch)
    height, width = images.shape[1:3]
    shifts = draw.shifts[at]
    rows = _reflect(torch.arange(height, device=at.device) + shifts[:, :1], height)  # (B, H)
    columns = _reflect(torch.arange(width, device=at.device) + shifts[:, 1:], width)  # (B, W)
    columns = torch.where(flipped, columns.flip(1), columns)
    return images[at[:, None, None], rows[:, :, None], columns[:, None, :]]


def _reflect(places: torch.Tensor, length: int) -> torch.Tensor:
    places = places.abs()
    return torch.where(places >= length, 2 * (length - 1) - places, places)


def _generator(seed: int, what: str) -> torch.Generator:
    # torch's CPU generator uses only the low 32 bits of a seed, so seed and purpose are hashed together
    key = hashlib.blake2b(f"{seed}\n{what}".encode(), digest_size=4).digest()
    return torch.Generator().manual_seed(int.from_bytes(key, "little"))

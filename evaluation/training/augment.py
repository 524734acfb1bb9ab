"""Batches out of one uint8 tensor: order, flips and shifts of an epoch, drawn at once from (seed, epoch) alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class EpochPlan:
    """Every random choice of one epoch.

    Args:
        order: int64 [N], the order in which pictures are shown.
        flipped: bool [N] by picture, or None.
        shifts: int64 [N,2] by picture, rows and columns to move, or None.
    """

    order: torch.Tensor
    flipped: torch.Tensor | None
    shifts: torch.Tensor | None

    def to(self, device: torch.device) -> EpochPlan:
        """The same choices on another device."""
        flipped = None if self.flipped is None else self.flipped.to(device)
        shifts = None if self.shifts is None else self.shifts.to(device)
        return EpochPlan(self.order.to(device), flipped, shifts)

    def within(self, indices: torch.Tensor, total: int) -> EpochPlan:
        """The same choices where the N pictures are only a part of a tensor.

        Args:
            indices: int64 [N], where picture i is in the tensor.
            total: how many pictures the tensor holds.
        """
        flipped, shifts = self.flipped, self.shifts
        if flipped is not None:
            flipped = flipped.new_zeros(total).index_copy(0, indices, flipped)  # (N,) -> (total,)
        if shifts is not None:
            shifts = shifts.new_zeros(total, 2).index_copy(0, indices, shifts)  # (N, 2) -> (total, 2)
        return EpochPlan(indices[self.order], flipped, shifts)


def epoch_plan(pictures: int, side: int, augmentation: str, seed: int, epoch: int) -> EpochPlan:
    """The choices of epoch `epoch` (from 0) for `pictures` pictures of `side` pixels."""
    generator = _generator(seed, f"epoch {epoch}")
    order = torch.randperm(pictures, generator=generator)
    if augmentation == "none":
        return EpochPlan(order, None, None)
    # alternating flip (Keller Jordan, airbench, arXiv 2404.00498, section 3.6): half are drawn once, then all change
    # sides every epoch, so that two epochs in a row show each picture both ways
    flipped_first = torch.randint(2, (pictures,), generator=_generator(seed, "flip")).bool()
    flipped = flipped_first ^ bool(epoch % 2)
    if augmentation == "flip":
        return EpochPlan(order, flipped, None)
    max_shift = max(1, side // 8)  # 4 of 32 pixels, the usual padding for CIFAR-10
    shifts = torch.randint(-max_shift, max_shift + 1, (pictures, 2), generator=generator)
    return EpochPlan(order, flipped, shifts)


def gather(images: torch.Tensor, indices: torch.Tensor, plan: EpochPlan) -> torch.Tensor:
    """The pictures at `indices`, uint8 [B,H,W,C], flipped and shifted as planned; edges are reflected.

    Args:
        images: uint8 [N,H,W,C].
        indices: int64 [B].
        plan: of this epoch, for these N pictures and on their device.
    """
    if plan.flipped is None:
        return images.index_select(0, indices)
    flipped = plan.flipped[indices][:, None]  # (B, 1)
    if plan.shifts is None:
        batch = images.index_select(0, indices)
        return torch.where(flipped[:, :, None, None], batch.flip(2), batch)  # (B, H, W, C)
    height, width = images.shape[1:3]
    shifts = plan.shifts[indices]  # (B, 2)
    rows = _reflect(torch.arange(height, device=indices.device) + shifts[:, :1], height)  # (B, H)
    columns = _reflect(torch.arange(width, device=indices.device) + shifts[:, 1:], width)  # (B, W)
    columns = torch.where(flipped, columns.flip(1), columns)
    return images[indices[:, None, None], rows[:, :, None], columns[:, None, :]]  # (B, H, W, C)


def _reflect(positions: torch.Tensor, length: int) -> torch.Tensor:
    """Positions up to one length outside 0..length-1, mirrored at the edge pixels, which are not repeated."""
    positions = positions.abs()
    return torch.where(positions >= length, 2 * (length - 1) - positions, positions)


def _generator(seed: int, purpose: str) -> torch.Generator:
    # torch's CPU generator uses only the low 32 bits of a seed, so seed and purpose are hashed together
    key = hashlib.blake2b(f"{seed}\n{purpose}".encode(), digest_size=4).digest()
    return torch.Generator().manual_seed(int.from_bytes(key, "little"))

"""Distances between pictures in feature space: bounds that are quick, and the exact ones that settle an equality.

A comparison of two distances may not hang on rounding. So most are compared by bounds, which a product of matrices
gives in float32, and those whose bounds do not tell are computed anew from the two pictures alone, and so are equal
wherever the pair comes up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

MAX_DISTANCES = 1_000_000  # held at once: 8 MB
PAIRS = 64  # whose distances are computed anew at once: 1 MB of 2,048 features, which a processor's cache holds
# Of the two squared norms, what rounding a product and its sum can take from a squared distance or add to it: the
# unit roundoff, and four times that of float64, whose exact distances are rounded as well.
ROUNDING = {torch.float32: 2.0**-24, torch.float64: 2.0**-51}
ROUNDED_BESIDE_SUMS = 16  # roundings beside those of the sum over the features


@dataclass(frozen=True)
class Points:
    """Pictures in feature space.

    Attributes:
        features: [N,d], as they came.
        centre: [d], taken from all before the products: small norms keep bounds close.
        centred: float32 [N,d].
        norms: squared norms of `centred`, float64 [N].
    """

    features: Tensor
    centre: Tensor
    centred: Tensor
    norms: Tensor

    @classmethod
    def about(cls, centre: Tensor, features: Tensor) -> Points:
        """Pictures about a centre [d] of their own dtype."""
        centred = (features - centre).float()
        return cls(features, centre, centred, torch.linalg.vector_norm(centred, dim=1, dtype=torch.float64).square())

    def __len__(self) -> int:
        return len(self.features)

    def slack(self, rows: slice | Tensor, dtype: torch.dtype) -> Tensor:
        """How far rounding in `dtype` may move a squared distance: the sum of both pictures' slacks, float64 [rows]."""
        return self.norms[rows] * ((self.features.shape[1] + ROUNDED_BESIDE_SUMS) * ROUNDING[dtype])

    def _part(self, rows: slice | Tensor, dtype: torch.dtype) -> tuple[np.ndarray, np.ndarray]:
        """Centred features [rows,d] in `dtype`, and their squared norms [rows] less the slack."""
        if dtype is torch.float32:
            return self.centred[rows].numpy(), (self.norms[rows] - self.slack(rows, dtype)).float().numpy()
        part = (self.features[rows].double() - self.centre).numpy()
        return part, np.square(part).sum(1) - self.slack(rows, dtype).numpy()


def lower_bounds(x: Points, rows: slice | Tensor, y: Points, columns: slice | Tensor, dtype: torch.dtype) -> Tensor:
    """What the squared distances are at least, [rows,columns] in `dtype`; they are at most two slacks more.

    The product is numpy's, since torch's may be told to round float32.
    """
    a, a_norms = x._part(rows, dtype)
    b, b_norms = y._part(columns, dtype)
    bounds = a @ b.T
    bounds *= -2
    bounds += b_norms
    bounds += a_norms[:, None]
    return torch.from_numpy(bounds)


def exact_squared(x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor) -> Tensor:
    """Squared distances of pairs, [P] in float64: those of equal pairs are equal to the bit, and of copies 0.

    Args:
        x, y: features [n,d] and [m,d].
        in_x, in_y: int64 [P], the pairs.
    """
    first, second = x.numpy(), y.numpy()
    squared = np.empty(len(in_x))  # numpy adds each row up in one order, whatever stands beside it
    for start in range(0, len(in_x), PAIRS):
        pairs = slice(start, start + PAIRS)
        difference = first[in_x[pairs].numpy()].astype(np.float64)
        difference -= second[in_y[pairs].numpy()]
        squared[pairs] = np.square(difference, out=difference).sum(1)
    return torch.from_numpy(squared)


def squared_distances(x: Tensor, y: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Squared distances [rows,len(y)] of a few rows of `x` at a time."""
    step = max(1, MAX_DISTANCES // len(y))
    norms = y.square().sum(1)  # [len(y)]
    for start in range(0, len(x), step):
        rows = slice(start, min(start + step, len(x)))
        squared = torch.addmm(norms, x[rows], y.T, alpha=-2).add_(x[rows].square().sum(1, keepdim=True)).clamp_(min=0)
        if x is y:
            squared[torch.arange(len(squared)), torch.arange(rows.start, rows.stop)] = 0
        yield rows, squared

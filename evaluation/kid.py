"""Kernel Inception Distance: two sets of features -> mean and spread of the squared MMD over random subsets.

Source: Binkowski et al. 2018, arXiv 1801.01401. Draws are torch-fidelity 0.4.0's. Each kernel value is computed once,
in rows, and summed for all subsets by one product with their 0/1 masks: no kernel matrix is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .features import ImageFeatures, check_comparable
from .results import Finding

ROWS = 1024


@dataclass(frozen=True)
class Kernel:
    """(gamma x.y + coef0) ^ degree; gamma 0 means 1 / number of features."""

    degree: int = 3
    gamma: float = 0.0
    coef0: float = 1.0

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T).mul_(self.gamma or 1 / x.shape[1]).add_(self.coef0).pow_(self.degree)


def subset_draws(first: int, second: int, subsets: int, size: int, seed: int) -> tuple[Tensor, Tensor]:
    """Two masks [subsets,N] in float64: which pictures each subset holds."""
    draw = np.random.RandomState(seed)
    masks = torch.zeros(subsets, first, dtype=torch.float64), torch.zeros(subsets, second, dtype=torch.float64)
    for i in range(subsets):
        for mask in masks:
            mask[i, torch.from_numpy(draw.choice(mask.shape[1], size, replace=False))] = 1
    return masks


def subset_distances(x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor, kernel: Kernel) -> Tensor:
    """Unbiased squared MMD of each subset, float64 [subsets].

    Args:
        x, y: features [n,d] and [m,d], float64.
        in_x, in_y: masks [subsets,n] and [subsets,m] with equal row sums.
    """
    size = float(in_x[0].sum())
    if len(x) * len(y) > len(in_x) * size * size:  # the subsets have fewer pairs than the whole sets
        everyone = torch.ones(1, int(size), dtype=torch.float64)
        found = [
            subset_distances(x[first.bool()], y[second.bool()], everyone, everyone, kernel)
            for first, second in zip(in_x, in_y, strict=True)
        ]
        return torch.cat(found)
    within = _sums(x, x, in_x, in_x, kernel) - in_x @ _diagonal(x, kernel)
    within += _sums(y, y, in_y, in_y, kernel) - in_y @ _diagonal(y, kernel)
    return within / (size * (size - 1)) - 2 * _sums(x, y, in_x, in_y, kernel) / size**2


def measure_kid(
    features: ImageFeatures,
    reference: ImageFeatures,
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    kernel: Kernel | None = None,
    seed: int = 2020,
) -> Finding:
    """The KID of a set against a reference.

    Args:
        features, reference: of both sets.
        subsets, subset_size: random subsets; a set with fewer pictures shrinks them, with a warning.
        kernel: the polynomial kernel; by default degree 3, 1 / features, offset 1.
        seed: of the draws.

    Raises:
        ValueError: the two were prepared differently, or one has fewer than two pictures.
    """
    check_comparable(features, reference)
    kernel = kernel or Kernel()
    size = min(subset_size, len(features), len(reference))
    if size < 2:
        raise ValueError(f"a subset has {size} pictures; expected at least 2; add pictures")
    draws = subset_draws(len(features), len(reference), subsets, size, seed)
    x, y = (torch.from_numpy(side.features).double() for side in (features, reference))
    distances = subset_distances(x, y, *draws, kernel).numpy()
    warnings = ["the spread over subsets is not a standard error"]
    if size < subset_size:
        warnings.insert(0, f"subsets have {size} pictures and not {subset_size}: the smaller set has no more")
    return Finding(
        name=features.name,
        kind="kid",
        figures={"kid": float(distances.mean()), "kid_sd_over_subsets": float(distances.std())},
        inputs={"features": features.describe(), "reference": reference.describe()},
        settings={
            **features.settings(),
            "subsets": subsets,
            "subset_size": size,
            "degree": kernel.degree,
            "gamma": kernel.gamma or 1 / x.shape[1],
            "coef0": kernel.coef0,
            "seed": seed,
        },
        warnings=tuple(warnings),
    )


def _sums(x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor, kernel: Kernel) -> Tensor:
    """Sum of the kernel over each subset's pairs, [subsets]."""
    total = torch.zeros(len(in_x), dtype=torch.float64)
    for start in range(0, len(x), ROWS):
        rows = slice(start, start + ROWS)
        columns = slice(start, None) if x is y else slice(None)  # the kernel is symmetric
        values = kernel(x[rows], y[columns])
        if x is y:
            values[:, ROWS:] *= 2
        total += ((in_x[:, rows] @ values) * in_y[:, columns]).sum(1)
    return total


def _diagonal(x: Tensor, kernel: Kernel) -> Tensor:
    return (x.square().sum(1) * (kernel.gamma or 1 / x.shape[1]) + kernel.coef0) ** kernel.degree

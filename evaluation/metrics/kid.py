"""Kernel Inception Distance: two sets of features -> mean and spread of the squared MMD over random subsets.

Source: Binkowski et al. 2018, arXiv 1801.01401. Draws are torch-fidelity 0.4.0's. Each kernel value is computed once,
in rows, and summed for all subsets by one product with their 0/1 masks: no kernel matrix is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..pictures.labelled_images import Progress
from ..results import Measurement
from .features import ImageFeatures, check_comparable

ROWS = 1024
MASKS = 2**25  # places in both masks at once: 256 MB


@dataclass(frozen=True)
class Kernel:
    """(gamma x.y + coef0) ^ degree; gamma 0 means 1 / number of features."""

    degree: int = 3
    gamma: float = 0.0
    coef0: float = 1.0

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T).mul_(self.gamma or 1 / x.shape[1]).add_(self.coef0).pow_(self.degree)


def subset_draws(
    first: int, second: int, subsets: int, size: int, draw: np.random.RandomState
) -> tuple[Tensor, Tensor]:
    """Two masks [subsets,N] in float64: which pictures each subset holds."""
    masks = torch.zeros(subsets, first, dtype=torch.float64), torch.zeros(subsets, second, dtype=torch.float64)
    for i in range(subsets):
        for mask in masks:
            mask[i, torch.from_numpy(draw.choice(mask.shape[1], size, replace=False))] = 1
    return masks


def subset_distances(
    x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor, kernel: Kernel, progress: Progress | None = None
) -> Tensor:
    """Unbiased squared MMD of each subset, float64 [subsets].

    Args:
        x, y: features [n,d] and [m,d], float64.
        in_x, in_y: masks [subsets,n] and [subsets,m] with equal row sums.
        progress: called with (done, total) many times a second; what it raises stops the work.
    """
    size = float(in_x[0].sum())
    done = 0

    def tick(total: int) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    if len(x) * len(y) > len(in_x) * size * size:  # the subsets have fewer pairs than the whole sets
        everyone = torch.ones(1, int(size), dtype=torch.float64)
        found = []
        for first, second in zip(in_x, in_y, strict=True):
            found.append(subset_distances(x[first.bool()], y[second.bool()], everyone, everyone, kernel))
            tick(len(in_x))
        return torch.cat(found)
    blocks = sum(-(-len(side) // ROWS) for side in (x, y, x))

    def sums(rows: Tensor, columns: Tensor, in_rows: Tensor, in_columns: Tensor) -> Tensor:
        return _sums(rows, columns, in_rows, in_columns, kernel, lambda: tick(blocks))

    within = sums(x, x, in_x, in_x) - in_x @ _diagonal(x, kernel)
    within += sums(y, y, in_y, in_y) - in_y @ _diagonal(y, kernel)
    return within / (size * (size - 1)) - 2 * sums(x, y, in_x, in_y) / size**2


def measure_kid(
    features: ImageFeatures,
    reference: ImageFeatures,
    *,
    subsets: int = 100,
    subset_size: int = 1000,
    kernel: Kernel | None = None,
    seed: int = 2020,
    progress: Progress | None = None,
) -> Measurement:
    """The KID of a set against a reference.

    Args:
        features, reference: of both sets.
        subsets, subset_size: random subsets; a set with fewer pictures shrinks them, with a warning.
        kernel: the polynomial kernel; by default degree 3, 1 / features, offset 1.
        seed: of the draws.
        progress: called with (done, total); what it raises stops the work.

    Raises:
        ValueError: the two were prepared differently, or one has fewer than two pictures.
    """
    check_comparable(features, reference)
    kernel = kernel or Kernel()
    size = min(subset_size, len(features), len(reference))
    if size < 2:
        raise ValueError(f"a subset has {size} pictures; expected at least 2; add pictures")
    x, y = (torch.from_numpy(side.features).double() for side in (features, reference))
    draw = np.random.RandomState(seed)
    at_once = max(1, MASKS // (len(x) + len(y)))
    found = []
    for start in range(0, subsets, at_once):
        count = min(at_once, subsets - start)
        masks = subset_draws(len(x), len(y), count, size, draw)
        found.append(subset_distances(x, y, *masks, kernel, _part(progress, start, count, subsets)))
    distances = torch.cat(found).numpy()
    warnings = ["the spread over subsets is not a standard error"]
    if size < subset_size:
        warnings.insert(0, f"subsets have {size} pictures and not {subset_size}: the smaller set has no more")
    return Measurement(
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
        warnings=(*warnings, *features.warnings()),
    )


def _part(progress: Progress | None, start: int, count: int, subsets: int) -> Progress | None:
    """Progress of the `count` subsets from `start` as progress of all."""
    return None if progress is None else lambda done, total: progress(start * total + done * count, subsets * total)


def _sums(x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor, kernel: Kernel, tick: Callable[[], None]) -> Tensor:
    """Sum of the kernel over each subset's pairs, [subsets]."""
    total = torch.zeros(len(in_x), dtype=torch.float64)
    for start in range(0, len(x), ROWS):
        rows = slice(start, start + ROWS)
        columns = slice(start, None) if x is y else slice(None)  # the kernel is symmetric
        values = kernel(x[rows], y[columns])
        if x is y:
            values[:, ROWS:] *= 2
        total += ((in_x[:, rows] @ values) * in_y[:, columns]).sum(1)
        tick()
    return total


def _diagonal(x: Tensor, kernel: Kernel) -> Tensor:
    return (x.square().sum(1) * (kernel.gamma or 1 / x.shape[1]) + kernel.coef0) ** kernel.degree

"""Kernel Inception Distance: two sets of features -> mean and spread of the squared MMD over random subsets.

Source: Binkowski et al. 2018, arXiv 1801.01401. Draws are torch-fidelity 0.4.0's. Each kernel value is computed once,
in rows, and summed for all subsets by one product with their 0/1 masks: no kernel matrix is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..progress import Progress
from ..results import Measurement
from .features import ImageFeatures, check_comparable, describe_reference, overlap_warnings

ROWS = 1024  # of the kernel matrix at once: with 10,000 columns 80 MB
MAX_MASK_CELLS = 2**25  # of both masks at once: 256 MB


@dataclass(frozen=True)
class Kernel:
    """(gamma x.y + coef0) ^ degree; gamma 0 means 1 / number of features."""

    degree: int = 3
    gamma: float = 0.0
    coef0: float = 1.0

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T).mul_(self.gamma or 1 / x.shape[1]).add_(self.coef0).pow_(self.degree)  # [n,m]


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
    size = int(in_x[0].sum())
    if len(x) * len(y) <= len(in_x) * size * size:  # the whole sets have fewer pairs than all subsets together
        return _distances_by_masks(x, y, in_x, in_y, size, kernel, progress)
    everyone = torch.ones(1, size, dtype=torch.float64)
    distances = []
    for i, (chosen_x, chosen_y) in enumerate(zip(in_x.bool(), in_y.bool(), strict=True), start=1):
        distances.append(_distances_by_masks(x[chosen_x], y[chosen_y], everyone, everyone, size, kernel, None))
        if progress is not None:
            progress(i, len(in_x))
    return torch.cat(distances)  # [subsets]


def _distances_by_masks(
    x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor, size: int, kernel: Kernel, progress: Progress | None
) -> Tensor:
    """`subset_distances` from the whole kernel matrices of x with x, y with y and x with y, in blocks of rows."""
    blocks = sum(-(-len(side) // ROWS) for side in (x, y, x))
    computed = 0

    def count_block() -> None:
        nonlocal computed
        computed += 1
        if progress is not None:
            progress(computed, blocks)

    # a subset's pairs of a picture with itself, the diagonal, are left out
    within = _sums(x, x, in_x, in_x, kernel, count_block) - in_x @ _diagonal(x, kernel)  # [subsets]
    within += _sums(y, y, in_y, in_y, kernel, count_block) - in_y @ _diagonal(y, kernel)
    between = _sums(x, y, in_x, in_y, kernel, count_block)
    return within / (size * (size - 1)) - 2 * between / size**2


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
    whole = [side.name for side in (features, reference) if len(side) == size]  # those that every subset holds whole
    if len(whole) == 2:
        subsets = 1  # all would be the same
    draw = np.random.RandomState(seed)
    at_once = max(1, MAX_MASK_CELLS // (len(x) + len(y)))
    rounds = []
    for start in range(0, subsets, at_once):
        count = min(at_once, subsets - start)
        masks = subset_draws(len(x), len(y), count, size, draw)
        rounds.append(subset_distances(x, y, *masks, kernel, _round_progress(progress, start, count, subsets)))
    distances = torch.cat(rounds).numpy()  # [subsets]
    spread, warnings = _spread(distances, whole)
    if size < subset_size:
        warnings.insert(0, f"subsets have {size} pictures and not {subset_size}: the smaller set has no more")
    return Measurement(
        name=features.name,
        kind="kid",
        figures={"kid": float(distances.mean()), "kid_sd_over_subsets": spread},
        inputs={"features": features.describe(), "reference": describe_reference(features, reference)},
        settings={
            **features.settings(),
            "subsets": subsets,
            "subset_size": size,
            "degree": kernel.degree,
            "gamma": kernel.gamma or 1 / x.shape[1],
            "coef0": kernel.coef0,
            "seed": seed,
        },
        warnings=(*warnings, *overlap_warnings(features, reference), *features.warnings()),
    )


def _spread(distances: np.ndarray, whole: Sequence[str]) -> tuple[float | None, list[str]]:
    """The standard deviation over subsets, None where there is none, and what it is or why there is none.

    Args:
        whole: the sets that every subset holds whole.
    """
    if len(whole) == 2:
        return None, ["no spread over subsets: a subset is the whole of both sets, so that there is one alone"]
    if len(distances) == 1:
        return None, ["no spread over subsets: there is one alone"]
    warnings = ["the spread over subsets is not a standard error"]
    if whole:
        warnings.append(f"every subset holds all of {whole[0]}: the spread is that of the other set's draws alone")
    return float(distances.std()), warnings


def _round_progress(progress: Progress | None, start: int, count: int, subsets: int) -> Progress | None:
    """Progress of the `count` subsets from `start` as progress of all."""
    return None if progress is None else lambda done, total: progress(start * total + done * count, subsets * total)


def _sums(x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor, kernel: Kernel, on_block: Callable[[], None]) -> Tensor:
    """Sum of the kernel over each subset's pairs, [subsets]; `on_block` is called after each block of rows."""
    total = torch.zeros(len(in_x), dtype=torch.float64)
    for start in range(0, len(x), ROWS):
        rows = slice(start, start + ROWS)
        columns = slice(start, None) if x is y else slice(None)  # the kernel is symmetric
        values = kernel(x[rows], y[columns])  # [rows,columns]
        if x is y:
            values[:, ROWS:] *= 2
        total += ((in_x[:, rows] @ values) * in_y[:, columns]).sum(1)  # [subsets,columns] -> [subsets]
        on_block()
    return total


def _diagonal(x: Tensor, kernel: Kernel) -> Tensor:
    return (x.square().sum(1) * (kernel.gamma or 1 / x.shape[1]) + kernel.coef0) ** kernel.degree

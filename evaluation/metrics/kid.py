"""Kernel Inception Distance: two sets of features -> mean and spread of the squared MMD over random subsets.

Source: Binkowski et al. 2018, arXiv 1801.01401. Draws are torch-fidelity 0.4.0's. Where the sets have fewer
pairs than all subsets together, each kernel value is computed once, in rows, and summed for all subsets by one product
with their 0/1 masks. Of a symmetric kernel matrix only one half is computed.
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

ROWS = 256  # of the kernel matrix at once: with 10,000 columns 10 MB
MAX_SQUARE = 4096  # pictures of a subset whose kernel matrix is computed at once: 64 MB, in float64 128 MB
MAX_ROUNDED = 100  # kernel value up to which float32 is used; a KID was off by 5.7e-6 at values of about 65
MAX_MASK_CELLS = 2**25  # of both masks at once: 256 MB


@dataclass(frozen=True)
class Kernel:
    """(gamma x.y + coef0) ^ degree; gamma 0 means 1 / number of features."""

    degree: int = 3
    gamma: float = 0.0
    coef0: float = 1.0

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        gamma = self.gamma or 1 / x.shape[1]
        if x is y:
            products = torch.from_numpy(x.numpy() @ x.numpy().T)  # of which numpy computes one half
            return products.mul_(gamma).add_(self.coef0).pow_(self.degree)  # [n,n]
        return torch.addmm(torch.full((), self.coef0, dtype=x.dtype), x, y.T, alpha=gamma).pow_(self.degree)  # [n,m]

    def largest(self, x: Tensor) -> float:
        """A bound on its values between pictures of x."""
        norm = float(torch.linalg.vector_norm(x, dim=1).max())
        return (norm**2 * (self.gamma or 1 / x.shape[1]) + self.coef0) ** self.degree


def subset_draws(
    first: int, second: int, subsets: int, size: int, draw: np.random.RandomState
) -> tuple[Tensor, Tensor]:
    """Two masks [subsets,N]: which pictures each subset holds."""
    masks = torch.zeros(subsets, first, dtype=torch.bool), torch.zeros(subsets, second, dtype=torch.bool)
    for i in range(subsets):
        for mask in masks:
            mask[i, torch.from_numpy(draw.choice(mask.shape[1], size, replace=False))] = True
    return masks


def subset_distances(
    x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor, kernel: Kernel, progress: Progress | None = None
) -> Tensor:
    """Unbiased squared MMD of each subset, float64 [subsets].

    Args:
        x, y: features [n,d] and [m,d] in one precision, which is that of the kernel values.
        in_x, in_y: masks [subsets,n] and [subsets,m] with equal row sums.
        progress: called with (done, total) many times a second; what it raises stops the work.
    """
    size = int(in_x[0].sum())
    subsets = len(in_x)
    sides = (x, in_x), (y, in_y)
    pairs = (0, 0), (1, 1), (0, 1)  # of sides
    # the whole sets may have fewer pairs than all subsets together
    by_masks = [len(sides[i][0]) * len(sides[j][0]) < subsets * size**2 for i, j in pairs]
    values = [
        len(sides[i][0]) * len(sides[j][0]) if whole else subsets * size**2
        for (i, j), whole in zip(pairs, by_masks, strict=True)
    ]
    computed = 0

    def count_values(number: int) -> None:
        nonlocal computed
        computed += number
        if progress is not None:
            progress(computed, sum(values))

    sums = torch.zeros(len(pairs), subsets, dtype=torch.float64)
    for pair, (i, j) in enumerate(pairs):
        if by_masks[pair]:
            sums[pair] = _sums_by_masks(*sides[i], *sides[j], kernel, count_values)
    for subset in range(0 if all(by_masks) else subsets):
        chosen = [side[mask[subset]] for side, mask in sides]  # two of [size,d]
        for pair, (i, j) in enumerate(pairs):
            if not by_masks[pair]:
                sums[pair, subset] = _sum(chosen[i], chosen[j], kernel)
                count_values(size**2)
    return (sums[0] + sums[1]) / (size * (size - 1)) - 2 * sums[2] / size**2


def _sum(x: Tensor, y: Tensor, kernel: Kernel) -> Tensor:
    """Sum of the kernel over the pairs of different pictures, float64 []."""
    if len(x) > MAX_SQUARE:
        everyone = torch.ones(1, len(x), dtype=torch.bool)
        return _sums_by_masks(x, everyone, y, everyone, kernel, lambda _: None)[0]
    values = kernel(x, y)
    if x is y:
        values.diagonal().zero_()
    return values.sum(1).double().sum()


def _sums_by_masks(
    x: Tensor, in_x: Tensor, y: Tensor, in_y: Tensor, kernel: Kernel, on_values: Callable[[int], None]
) -> Tensor:
    """Sum of the kernel over each subset's pairs of different pictures, float64 [subsets].

    Of a symmetric kernel matrix the upper half alone is computed. `on_values` hears how many of its values are known.
    """
    total = torch.zeros(len(in_x), dtype=torch.float64)
    in_x, in_y = in_x.to(x.dtype), in_y.to(y.dtype)
    for start in range(0, len(x), ROWS):
        rows = slice(start, start + ROWS)
        columns = slice(start, None) if x is y else slice(None)
        values = kernel(x[rows], y[columns])  # [rows,columns]
        count = len(values)
        if x is y:
            values.diagonal().zero_()  # pairs of a picture with itself
        sums = (in_x[:, rows] @ values).double().mul_(in_y[:, columns])  # [subsets,columns]
        total += sums.sum(1)
        if x is y:
            total += sums[:, count:].sum(1)  # the same values below the diagonal
        on_values(values.numel() + (count * (values.shape[1] - count) if x is y else 0))
    return total


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
    x, y = (torch.from_numpy(side.features) for side in (features, reference))
    if max(kernel.largest(side) for side in (x, y)) > MAX_ROUNDED:
        x, y = x.double(), y.double()
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

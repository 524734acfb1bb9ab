"""Precision, recall, density and coverage from nearest neighbours in feature space.

A picture on the edge of a ball is in it or not by an equality, which rounding may not decide: near an edge, distances
are computed anew from the two pictures alone, and so are equal wherever the pair comes up.

Two rules, by name: `k=3 closed` is torch-fidelity 0.4.0's (a picture on the edge of a ball is inside), `prdc k=5 open`
is the package prdc's. Distances are computed in rows: no matrix of all pairs is kept.
Source: Kynkaanniemi et al. 2019, arXiv 1904.06991; Naeem et al. 2020, arXiv 2002.09797.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..progress import Progress
from ..results import Measurement
from .features import ImageFeatures, check_comparable, describe_reference, overlap_warnings

MAX_DISTANCES = 1_000_000  # held at once: 8 MB
BLOCK = 512  # rows and columns of a symmetric block: 2 MB, which a processor's cache holds
EDGE = 1e-12  # of the squared norms: float64 loses about 1e-13 over 2,048 products
PAIRS = 2048  # whose distances are computed anew at once: 32 MB of 2,048 features
ROUGH_BELOW = 1000  # pictures below which a warning calls the estimates rough; a judgement


@dataclass(frozen=True)
class Neighbourhoods:
    """Counts under both rules; shares are counts over the numbers of pictures."""

    real: int
    generated: int
    closed_precise: int
    closed_recalled: int
    open_precise: int
    open_recalled: int
    open_inside: int
    open_covered: int


def neighbourhoods(
    generated: Tensor, real: Tensor, closed_k: int, open_k: int, progress: Progress | None = None
) -> Neighbourhoods:
    """Count who lies in whose balls.

    A ball's radius is the distance to the k-th nearest other picture of the same set.

    Args:
        generated, real: features [n,d] and [m,d].
        closed_k, open_k: k of the two rules.
        progress: called with (done, total) many times a second; what it raises stops the work.

    Raises:
        ValueError: a set has no more than k pictures.
    """
    max_k = max(closed_k, open_k)
    if min(len(generated), len(real)) <= max_k:
        raise ValueError(
            f"the sets have {len(generated)} and {len(real)} pictures; expected more than k = {max_k} in each; "
            "add pictures or lower k"
        )
    centre = real.double().mean(0)  # small norms keep the subtraction in the distances exact; [d]
    x, y = generated.double() - centre, real.double() - centre
    near_x, near_y = (EDGE * side.square().sum(1) for side in (x, y))  # far more than rounding makes of a distance
    computed, total = 0, len(x) ** 2 + len(y) ** 2 + len(x) * len(y)

    def count_computed(distances: int) -> None:
        nonlocal computed
        computed += distances
        if progress is not None:
            progress(computed, total)

    nearest_x, nearest_y = _nearest(x, max_k, count_computed), _nearest(y, max_k, count_computed)
    closed_x, open_x = (_exact_radii(generated, nearest_x[:, k]) for k in (closed_k, open_k))
    closed_y, open_y = (_exact_radii(real, nearest_y[:, k]) for k in (closed_k, open_k))
    precise = torch.zeros(2, len(x), dtype=torch.bool)  # by the closed and the open rule
    recalled, inside, covered = [0, 0], 0, 0
    for rows, squared in squared_distances(y, x):  # [rows of real, generated]
        edges = (closed_y[rows, None], open_y[rows, None], closed_x, open_x)  # two of [rows,1], two of [generated]
        _settle_edges(squared, edges, near_x + near_y[rows].max(), real[rows], generated)
        within = squared < open_y[rows, None]  # [rows,generated]
        precise[0] |= (squared <= closed_y[rows, None]).any(0)  # -> [generated]
        precise[1] |= within.any(0)  # -> [generated]
        recalled[0] += int((squared <= closed_x).any(1).sum())
        recalled[1] += int((squared < open_x).any(1).sum())
        inside += int(within.sum())
        covered += int((squared.amin(1) < open_y[rows]).sum())
        count_computed(squared.numel())
    return Neighbourhoods(
        real=len(y),
        generated=len(x),
        closed_precise=int(precise[0].sum()),
        closed_recalled=recalled[0],
        open_precise=int(precise[1].sum()),
        open_recalled=recalled[1],
        open_inside=inside,
        open_covered=covered,
    )


def measure_precision_recall(
    features: ImageFeatures,
    reference: ImageFeatures,
    *,
    closed_k: int = 3,
    open_k: int = 5,
    progress: Progress | None = None,
) -> Measurement:
    """Precision and recall by both rules, density and coverage by the open one.

    Args:
        features: of the generated set.
        reference: of the real set.
        closed_k, open_k: neighbours; 3 is torch-fidelity's, 5 that of the paper on density and coverage. A set that
            has no more pictures lowers them, with a warning.
        progress: called with (done, total); what it raises stops the work.

    Raises:
        ValueError: the two were prepared differently, or one has a single picture.
    """
    check_comparable(features, reference)
    max_k = max(1, min(len(features), len(reference)) - 1)  # a picture is no neighbour of itself
    warnings = []
    if max(closed_k, open_k) > max_k:
        warnings.append(f"k is at most {max_k} and not {max(closed_k, open_k)}: the smaller set has no more neighbours")
    closed_k, open_k = min(closed_k, max_k), min(open_k, max_k)
    generated, real = torch.from_numpy(features.features), torch.from_numpy(reference.features)
    if min(len(features), len(reference)) < ROUGH_BELOW:
        warnings.append(
            f"{len(features)} pictures against {len(reference)}: rough below {ROUGH_BELOW:,}; compare only with "
            "figures from the same numbers"
        )
    counts = neighbourhoods(generated, real, closed_k, open_k, progress)
    if len(features) != len(reference):
        warnings.append(
            f"{len(features)} pictures against {len(reference)}: precision, recall and coverage depend on both numbers"
        )
    return Measurement(
        name=features.name,
        kind="precision_recall",
        figures={
            "precision": counts.closed_precise / counts.generated,
            "recall": counts.closed_recalled / counts.real,
            "prdc_precision": counts.open_precise / counts.generated,
            "prdc_recall": counts.open_recalled / counts.real,
            "density": counts.open_inside / (open_k * counts.generated),
            "coverage": counts.open_covered / counts.real,
        },
        inputs={"features": features.describe(), "reference": describe_reference(features, reference)},
        settings={
            **features.settings(),
            "precision_recall_rule": f"k={closed_k} closed",
            "density_coverage_rule": f"prdc k={open_k} open",
        },
        warnings=(*warnings, *overlap_warnings(features, reference), *features.warnings()),
    )


def squared_distances(x: Tensor, y: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Squared distances [rows,len(y)] of a few rows of `x` at a time."""
    step = max(1, MAX_DISTANCES // len(y))
    norms = y.square().sum(1)  # [len(y)]
    for start in range(0, len(x), step):
        rows = slice(start, min(start + step, len(x)))
        squared = _squared(x[rows], y, norms)
        if x is y:
            squared[torch.arange(len(squared)), torch.arange(rows.start, rows.stop)] = 0
        yield rows, squared


def _squared(x: Tensor, y: Tensor, norms: Tensor) -> Tensor:
    return torch.addmm(norms, x, y.T, alpha=-2).add_(x.square().sum(1, keepdim=True)).clamp_(min=0)


def _exact_radii(features: Tensor, neighbours: Tensor) -> Tensor:
    """Each picture's squared distance to the neighbour of that index, [N]."""
    return exact_squared(features, features, torch.arange(len(features)), neighbours)


def _settle_edges(squared: Tensor, edges: Sequence[Tensor], near: Tensor, y: Tensor, x: Tensor) -> None:
    """Compute anew the distances that are within `near` of a radius.

    Args:
        squared: distances [m,n], changed in place.
        edges: squared radii that broadcast to it.
        near: how near, [n].
        y, x: the features [m,d] and [n,d] between which the distances are.
    """
    for edge in edges:
        at_edge = (squared <= edge + near).logical_xor_(squared < edge - near)
        if at_edge.any():
            rows, columns = at_edge.nonzero(as_tuple=True)
            squared[rows, columns] = exact_squared(y, x, rows, columns)


def exact_squared(x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor) -> Tensor:
    """Squared distances of pairs, [P] in float64: those of equal pairs are equal to the bit, and of copies 0.

    Args:
        x, y: features [n,d] and [m,d].
        in_x, in_y: int64 [P], the pairs.
    """
    first, second = x.numpy(), y.numpy()
    squared = np.empty(len(in_x))
    for start in range(0, len(in_x), PAIRS):
        pairs = slice(start, start + PAIRS)
        difference = first[in_x[pairs].numpy()].astype(np.float64) - second[in_y[pairs].numpy()]
        squared[pairs] = np.square(difference).sum(1)  # numpy adds each row up in one order, whatever stands beside it
    return torch.from_numpy(squared)


def _nearest(x: Tensor, k: int, on_computed: Callable[[int], None]) -> Tensor:
    """Indices of the nearest k others in rising order of distance, [N,k+1]; column 0 is the picture, or a copy of it.

    `on_computed` hears how many more of the N x N distances are computed.
    """
    distances = torch.full((len(x), k + 1), torch.inf, dtype=x.dtype)  # [N,k+1], as `indices`
    indices = torch.zeros(len(x), k + 1, dtype=torch.int64)
    norms = x.square().sum(1)  # [N]
    blocks = [slice(start, min(start + BLOCK, len(x))) for start in range(0, len(x), BLOCK)]
    for i, rows in enumerate(blocks):
        for columns in blocks[i:]:  # distances are symmetric: each block serves both its sides
            squared = _squared(x[rows], x[columns], norms[columns])  # [rows,columns]
            if rows == columns:
                squared.fill_diagonal_(0)
            else:
                _take_nearer(distances, indices, columns, rows, squared.T)
            _take_nearer(distances, indices, rows, columns, squared)
            on_computed(squared.numel() * (1 if rows == columns else 2))
    return indices


def _take_nearer(distances: Tensor, indices: Tensor, rows: slice, columns: slice, squared: Tensor) -> None:
    """Let the nearest of the pictures `columns` into the lists of the pictures `rows`, which stay in rising order."""
    width = distances.shape[1]
    smallest = squared.topk(min(width, squared.shape[1]), dim=1, largest=False)  # [rows,width] at most
    both = torch.cat([distances[rows], smallest.values], dim=1)  # [rows,2 width]
    taken = both.topk(width, dim=1, largest=False)  # [rows,width]
    distances[rows] = taken.values
    indices[rows] = torch.cat([indices[rows], smallest.indices + columns.start], dim=1).gather(1, taken.indices)

"""Balls about pictures in feature space: how far their k-th nearest neighbours are, and who lies in whose ball.

What float32 cannot tell is settled by exact distances, so every count is that of exact arithmetic in float64. No matrix
of all pairs is kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..progress import Progress
from .distances import MAX_DISTANCES, Points, exact_squared, lower_bounds

BLOCK = 512  # rows and columns of a block of bounds: 1 MB, which a processor's cache holds
SPARE = 10  # neighbours kept beyond the k-th, among which rounding may have hidden it
MAX_DOUBTFUL = 1 / 64  # of a block's pairs: as long as computing them anew costs no more than the block in float64


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
    centre = real.mean(0)  # [d]
    x, y = Points.about(centre, generated), Points.about(centre, real)
    computed, total = 0, len(x) ** 2 + len(y) ** 2 + len(x) * len(y)

    def count_computed(distances: int) -> None:
        nonlocal computed
        computed += distances
        if progress is not None:
            progress(computed, total)

    ks = (closed_k, open_k)
    balls_x, balls_y = squared_radii(x, ks, count_computed), squared_radii(y, ks, count_computed)  # [2,n] and [2,m]
    precise = torch.zeros(2, len(x), dtype=torch.bool)  # by the closed and the open rule, as `recalled`
    recalled = torch.zeros(2, len(y), dtype=torch.bool)
    covered, inside = torch.zeros(len(y), dtype=torch.bool), 0
    for rows, columns in itertools.product(_blocks(len(y)), _blocks(len(x))):
        in_y, in_x, squared = _pairs_within(y, rows, balls_y, x, columns, balls_x)  # each [P]
        within = squared < balls_y[1, in_y]
        precise[0, in_x[squared <= balls_y[0, in_y]]] = True
        precise[1, in_x[within]] = True
        recalled[0, in_y[squared <= balls_x[0, in_x]]] = True
        recalled[1, in_y[squared < balls_x[1, in_x]]] = True
        covered[in_y[within]] = True
        inside += int(within.sum())
        count_computed((rows.stop - rows.start) * (columns.stop - columns.start))
    return Neighbourhoods(
        real=len(y),
        generated=len(x),
        closed_precise=int(precise[0].sum()),
        closed_recalled=int(recalled[0].sum()),
        open_precise=int(precise[1].sum()),
        open_recalled=int(recalled[1].sum()),
        open_inside=inside,
        open_covered=int(covered.sum()),
    )


def squared_radii(x: Points, ks: Sequence[int], on_computed: Callable[[int], None]) -> Tensor:
    """Squared distance of each picture to its k-th nearest other, for each k: float64 [len(ks),N].

    `on_computed` hears how many more of the N x N distances are computed.
    """
    lows, indices = _nearest(x, max(ks) + SPARE, on_computed)  # float64 and int64 [N,max(ks) + SPARE]
    everyone = torch.arange(len(x))
    radii = _radii_among(x, ks, everyone, indices, lows, torch.float32)
    largest = radii.amax(0)
    hidden = (lows[:, -1] <= largest) & (largest > 0)  # some picture off the list may be nearer than the k-th of it
    step = max(1, 4 * MAX_DISTANCES // len(x))
    for start in range(0, int(hidden.sum()), step):
        rows = everyone[hidden][start : start + step]
        blocks = [lower_bounds(x, rows, x, columns, torch.float64) for columns in _blocks(len(x))]
        lows = torch.cat(blocks, dim=1)  # [rows,N]
        lows[torch.arange(len(rows)), rows] = torch.inf
        radii[:, rows] = _radii_among(x, ks, rows, everyone.expand(len(rows), -1), lows, torch.float64)
        on_computed(0)
    return radii


def _radii_among(
    x: Points, ks: Sequence[int], rows: Tensor, others: Tensor, lows: Tensor, dtype: torch.dtype
) -> Tensor:
    """The k-th smallest distance of each row to those of the `others`, for each k, float64 [len(ks),rows].

    Args:
        rows: pictures, int64 [rows].
        others: pictures, int64 [rows,n].
        lows: lower bounds of the squared distances, [rows,n], as computed in `dtype`.
    """
    highs = lows + 2 * (x.slack(rows, dtype)[:, None] + x.slack(others, dtype))
    least, most = (bounds.topk(max(ks), dim=1, largest=False).values for bounds in (lows, highs))  # of the k-th
    doubtful = torch.zeros_like(lows, dtype=torch.bool)
    for k in ks:
        doubtful |= (highs >= least[:, k - 1, None]) & (lows <= most[:, k - 1, None])
    at, places = doubtful.nonzero(as_tuple=True)
    squared = lows.clone()  # of the others it is sure whether they are nearer than the k-th
    squared[at, places] = exact_squared(x.features, x.features, rows[at], others[at, places])
    nearest = squared.topk(max(ks), dim=1, largest=False).values
    return torch.stack([nearest[:, k - 1] for k in ks])


def _nearest(x: Points, count: int, on_computed: Callable[[int], None]) -> tuple[Tensor, Tensor]:
    """The nearest others of each picture by lower bounds from float32, in rising order: bounds and pictures [N,count].

    Where there are fewer others, bounds are infinite.
    """
    lows = torch.full((len(x), count), torch.inf)
    indices = torch.zeros(len(x), count, dtype=torch.int64)
    blocks = _blocks(len(x))
    for rows in blocks:  # first, so that all have a list which few others get into
        bounds = lower_bounds(x, rows, x, rows, torch.float32).fill_diagonal_(torch.inf)
        _admit(lows, indices, rows, rows, bounds)
        on_computed(bounds.numel())
    for rows, columns in itertools.combinations(blocks, 2):  # distances are symmetric: each serves both its sides
        bounds = lower_bounds(x, rows, x, columns, torch.float32)  # [rows,columns]
        _admit(lows, indices, rows, columns, bounds)
        _admit(lows, indices, columns, rows, bounds.T)
        on_computed(2 * bounds.numel())
    return lows.double(), indices


def _admit(lows: Tensor, indices: Tensor, rows: slice, columns: slice, bounds: Tensor) -> None:
    """Let the nearest of the pictures `columns` into the lists of the pictures `rows`, which stay in rising order."""
    own, their = (bounds < lows[rows, -1:]).nonzero(as_tuple=True)  # [P], in the order of `own`
    if not len(own):
        return
    counts = own.bincount(minlength=len(bounds))
    places = torch.arange(len(own)) - (counts.cumsum(0) - counts)[own]
    fresh = bounds.new_full((len(bounds), int(counts.max())), torch.inf)
    fresh[own, places] = bounds[own, their]
    numbers = indices.new_zeros(fresh.shape)
    numbers[own, places] = their + columns.start
    taken = torch.cat([lows[rows], fresh], dim=1).topk(lows.shape[1], dim=1, largest=False)
    lows[rows] = taken.values
    indices[rows] = torch.cat([indices[rows], numbers], dim=1).gather(1, taken.indices)


def _pairs_within(
    y: Points, rows: slice, balls_y: Tensor, x: Points, columns: slice, balls_x: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of which one lies in a ball of the other, or on its edge; pairs that hardly do not may be among them.

    Args:
        rows, columns: of y and of x.
        balls_y, balls_x: squared radii [2,m] and [2,n].

    Returns:
        Indices in y and in x, and squared distances [P]: exact ones, or lower bounds on the same side of every edge.
    """
    largest = [balls.amax(0) * (1 + 2.0**-22) for balls in (balls_y[:, rows], balls_x[:, columns])]  # not rounded down
    for dtype in (torch.float32, torch.float64):
        bounds = lower_bounds(y, rows, x, columns, dtype)
        reach = torch.maximum(largest[0].to(dtype)[:, None], largest[1].to(dtype))  # [rows,columns]
        at, their = (bounds <= reach).nonzero(as_tuple=True)
        lows = bounds[at, their].double()
        in_y, in_x = at + rows.start, their + columns.start
        highs = lows + 2 * (y.slack(in_y, dtype) + x.slack(in_x, dtype))
        doubtful = torch.zeros(len(lows), dtype=torch.bool)
        for edges in (balls_y[:, in_y], balls_x[:, in_x]):
            doubtful |= ((lows <= edges) & (edges <= highs)).any(0)
        if doubtful.sum() <= MAX_DOUBTFUL * bounds.numel():
            break
    lows[doubtful] = exact_squared(y.features, x.features, in_y[doubtful], in_x[doubtful])
    return in_y, in_x, lows


def _blocks(count: int) -> list[slice]:
    return [slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK)]

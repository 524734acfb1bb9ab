"""Counts of who lies in whose ball beside those from every distance in float64, where float32 alone goes wrong."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
import torch

from hyponet.evaluation.metrics import neighbourhoods as module
from hyponet.evaluation.metrics.neighbourhoods import Neighbourhoods, neighbourhoods


def every_distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Squared, from differences in float64: [len(x),len(y)]."""
    return np.stack([np.square(y.astype(np.float64) - row.astype(np.float64)).sum(1) for row in x])


def by_every_distance(generated: np.ndarray, real: np.ndarray, closed_k: int, open_k: int) -> Neighbourhoods:
    """The definitions of arXiv 1904.06991 and 2002.09797 written down as they stand there."""
    between = every_distance(real, generated)  # [m,n]
    radii = {}
    for name, side in (("real", real), ("generated", generated)):
        within = np.sort(every_distance(side, side), axis=1)  # column 0 is the picture itself
        radii[name] = within[:, closed_k], within[:, open_k]
    closed = between <= radii["real"][0][:, None]
    opened = between < radii["real"][1][:, None]
    return Neighbourhoods(
        real=len(real),
        generated=len(generated),
        closed_precise=int(closed.any(0).sum()),
        closed_recalled=int((between <= radii["generated"][0]).any(1).sum()),
        open_precise=int(opened.any(0).sum()),
        open_recalled=int((between < radii["generated"][1]).any(1).sum()),
        open_inside=int(opened.sum()),
        open_covered=int(opened.any(1).sum()),
    )


def with_copies(draw: np.random.Generator, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Some pictures of each set are there several times, some of the other set too."""
    x[draw.integers(len(x), size=len(x) // 3)] = x[draw.integers(len(x), size=len(x) // 3)]
    x[: len(y) // 5] = y[: len(y) // 5][: len(x)]
    y[-20:] = y[0]
    return x, y


def on_edges(draw: np.random.Generator, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half of the generated pictures lie on the edges of real balls, or a few roundings inside or outside."""
    radii = np.sqrt(np.sort(every_distance(y, y), axis=1))
    for place in range(0, len(x), 2):
        about = int(draw.integers(len(y)))
        away = draw.normal(size=x.shape[1])
        length = radii[about, draw.choice((3, 5))] * (1 + draw.choice((-1, 0, 1)) * 10.0 ** -draw.integers(4, 9))
        x[place] = y[about] + away / np.linalg.norm(away) * length
    return x, y


def in_tight_clusters(draw: np.random.Generator, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Clusters 1e4 times as far apart as their pictures: float32 tells little about what lies within one."""
    centres = draw.normal(size=(4, x.shape[1])) * 1e4
    return x + centres[draw.integers(4, size=len(x))], y + centres[draw.integers(4, size=len(y))]


def on_a_lattice(draw: np.random.Generator, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Small whole numbers: many distances are equal."""
    return np.round(x[:, :6]), np.round(y[:, :6])


def collapsed(draw: np.random.Generator, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All generated pictures are one, which is real too, and one real picture lies far away."""
    x[:] = y[0]
    y[1] += 1e5
    return x, y


PLANTED = {
    "as drawn": lambda draw, x, y: (x, y),
    "copies": with_copies,
    "on edges": on_edges,
    "tight clusters": in_tight_clusters,
    "lattice": on_a_lattice,
    "collapsed": collapsed,
}


@pytest.mark.parametrize("block", [32, 512])
@pytest.mark.parametrize("planted", PLANTED)
def test_counts_are_those_of_every_distance_in_float64(
    planted: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", block)
    for seed in range(6):
        draw = np.random.default_rng([seed, block])
        first, second = (int(count) for count in draw.integers(60, 200, size=2))
        width, scale = int(draw.choice((16, 300))), 10.0 ** draw.integers(-4, 4)
        x, y = PLANTED[planted](draw, draw.normal(size=(first, width)), draw.normal(size=(second, width)) * 1.1 + 0.2)
        generated, real = ((side * scale).astype(np.float32) for side in (x, y))
        found = neighbourhoods(torch.from_numpy(generated), torch.from_numpy(real), 3, 5)
        assert astuple(found) == astuple(by_every_distance(generated, real, 3, 5)), f"seed {seed}"


def test_what_float32_cannot_tell_is_computed_in_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tight clusters need whole blocks in float64, well-spread pictures none."""
    precisions: list[torch.dtype] = []
    bounds = module.lower_bounds
    monkeypatch.setattr(module, "lower_bounds", lambda *args: precisions.append(args[-1]) or bounds(*args))
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(150, 64)), draw.normal(size=(150, 64))
    neighbourhoods(*(torch.from_numpy(side.astype(np.float32)) for side in (x, y)), 3, 5)
    assert set(precisions) == {torch.float32}
    clusters = in_tight_clusters(draw, x, y)
    neighbourhoods(*(torch.from_numpy(side.astype(np.float32)) for side in clusters), 3, 5)
    assert set(precisions) == {torch.float32, torch.float64}

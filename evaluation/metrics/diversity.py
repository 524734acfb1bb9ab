"""Diversity within classes: a set of near-copies shows as a small mean distance and a low Vendi score.

Source: Friedman and Dieng 2022, arXiv 2210.02410 (Vendi score, cosine kernel, q = 1).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..progress import Progress
from ..results import Measurement
from .distances import squared_distances
from .features import ImageFeatures, some_of


def vendi_score(features: np.ndarray | Tensor) -> float:
    """exp of the entropy of the eigenvalues of the cosine kernel / n: 1 for copies, n for n unlike pictures.

    Args:
        features: [n,d]; n x n or d x d is decomposed, whichever is smaller (the eigenvalues agree).
    """
    x = torch.as_tensor(features).double()
    x = x / x.norm(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float64).tiny)
    kernel = (x @ x.T if len(x) <= x.shape[1] else x.T @ x) / len(x)  # [n,n] or [d,d]
    values = torch.linalg.eigvalsh(kernel)
    values = values[values > 0]
    return float((-(values * values.log()).sum()).exp())


def pairwise_distances(
    features: np.ndarray | Tensor, on_compared: Callable[[int], None] | None = None
) -> tuple[float, float]:
    """Mean Euclidean distance over all pairs, and the median distance to the nearest other picture.

    Args:
        features: [n,d] with n >= 2.
        on_compared: hears how many more pictures were compared with all others; what it raises stops the work.
    """
    x = torch.as_tensor(features).double()
    x = x - x.mean(0)
    total, nearest = 0.0, []
    for _, squared in squared_distances(x, x):
        distances = squared.sqrt()  # [rows,n]
        total += float(distances.sum())
        nearest.append(distances.topk(2, dim=1, largest=False).values[:, 1])  # [rows]; column 0 is the picture itself
        if on_compared is not None:
            on_compared(len(distances))
    return total / (len(x) * (len(x) - 1)), float(np.median(torch.cat(nearest).numpy()))


def measure_diversity(features: ImageFeatures, *, progress: Progress | None = None) -> Measurement:
    """Mean pairwise distance, median distance to the nearest neighbour and Vendi score of each class and their means.

    Args:
        features: of the set.
        progress: called with (done, total); what it raises stops the work.

    Raises:
        ValueError: no class has two pictures.
    """
    classes = {}
    compared = 0

    def count_compared(pictures: int) -> None:
        nonlocal compared
        compared += pictures
        if progress is not None:
            progress(compared, len(features))

    for label, name in enumerate(features.class_names):
        part = features.of_class(label)
        if len(part) > 1:
            mean, nearest = pairwise_distances(part.features, count_compared)
            classes[name] = {
                "count": len(part),
                "mean_pairwise_distance": mean,
                "median_nearest_distance": nearest,
                "vendi": vendi_score(part.features),
            }
    if not classes:
        raise ValueError(f"no class of {features.name} has two pictures; expected at least one pair; add pictures")
    counts = {item["count"] for item in classes.values()}
    warnings = ["compare diversity only between sets with equal numbers of pictures a class"]
    left_out = [name for name in features.class_names if name not in classes]
    if left_out:
        warnings.append(f"no diversity of classes with fewer than two pictures: {some_of(left_out)}")
    if len(counts) > 1:
        warnings.append(f"classes have {min(counts)} to {max(counts)} pictures: their Vendi scores do not compare")
    means = {
        key: float(np.mean([item[key] for item in classes.values()]))
        for key in ("mean_pairwise_distance", "median_nearest_distance", "vendi")
    }
    return Measurement(
        name=features.name,
        kind="diversity",
        figures={**means, "per_class": classes},
        inputs={"features": features.describe()},
        settings={**features.settings(), "kernel": "cosine", "q": 1, "average": "plain mean over classes"},
        warnings=(*warnings, *features.warnings()),
    )

"""Precision, recall, density and coverage from nearest neighbours in feature space.

Two rules, by name: `k=3 closed` is torch-fidelity 0.4.0's (a picture on the edge of a ball is inside), `prdc k=5 open`
is the package prdc's.
Source: Kynkaanniemi et al. 2019, arXiv 1904.06991; Naeem et al. 2020, arXiv 2002.09797.
"""

from __future__ import annotations

import numpy as np
import torch

from ..progress import Progress
from ..results import Measurement
from .features import ImageFeatures, check_comparable, describe_reference, overlap_warnings, some_of
from .neighbourhoods import neighbourhoods

ROUGH_BELOW = 1000  # pictures below which a warning calls the estimates rough; a judgement


def measure_precision_recall(
    features: ImageFeatures,
    reference: ImageFeatures,
    *,
    closed_k: int = 3,
    open_k: int = 5,
    per_class: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Measurement:
    """Precision and recall by both rules, density and coverage by the open one.

    Args:
        features: of the generated set.
        reference: of the real set.
        closed_k, open_k: neighbours; 3 is torch-fidelity's, 5 that of the paper on density and coverage. A set that
            has no more pictures lowers them, with a warning.
        per_class: also the figures of each class that both have, of equal numbers of pictures of each class and set.
        seed: draws these.
        progress: called with (done, total); what it raises stops the work.

    Raises:
        ValueError: the two were prepared differently, one has a single picture, or `per_class` and no class has two
            pictures in both.
    """
    check_comparable(features, reference)
    max_k = max(1, min(len(features), len(reference)) - 1)  # a picture is no neighbour of itself
    warnings = []
    if max(closed_k, open_k) > max_k:
        warnings.append(f"k is at most {max_k} and not {max(closed_k, open_k)}: the smaller set has no more neighbours")
    closed_k, open_k = min(closed_k, max_k), min(open_k, max_k)
    if min(len(features), len(reference)) < ROUGH_BELOW:
        warnings.append(
            f"{len(features)} pictures against {len(reference)}: rough below {ROUGH_BELOW:,}; compare only with "
            "figures from the same numbers"
        )
    figures: dict[str, object] = {**_shares(features, reference, closed_k, open_k, progress)}
    if len(features) != len(reference):
        warnings.append(
            f"{len(features)} pictures against {len(reference)}: precision, recall and coverage depend on both numbers"
        )
    if per_class:
        figures["per_class"], said = _per_class(features, reference, closed_k, open_k, seed, progress)
        warnings += said
    return Measurement(
        name=features.name,
        kind="precision_recall",
        figures=figures,
        inputs={"features": features.describe(), "reference": describe_reference(features, reference)},
        settings={
            **features.settings(),
            "precision_recall_rule": f"k={closed_k} closed",
            "density_coverage_rule": f"prdc k={open_k} open",
            **({"seed": seed} if per_class else {}),
        },
        warnings=(*warnings, *overlap_warnings(features, reference), *features.warnings()),
    )


def _shares(
    features: ImageFeatures, reference: ImageFeatures, closed_k: int, open_k: int, progress: Progress | None = None
) -> dict[str, float]:
    generated, real = torch.from_numpy(features.features), torch.from_numpy(reference.features)
    counts = neighbourhoods(generated, real, closed_k, open_k, progress)
    return {
        "precision": counts.closed_precise / counts.generated,
        "recall": counts.closed_recalled / counts.real,
        "prdc_precision": counts.open_precise / counts.generated,
        "prdc_recall": counts.open_recalled / counts.real,
        "density": counts.open_inside / (open_k * counts.generated),
        "coverage": counts.open_covered / counts.real,
    }


def _per_class(
    features: ImageFeatures,
    reference: ImageFeatures,
    closed_k: int,
    open_k: int,
    seed: int,
    progress: Progress | None,
) -> tuple[dict[str, dict[str, float | int]], list[str]]:
    """The shares of each class from as many pictures of it in both sets as any class has at least, and what to say."""
    pairs = {
        name: (features.of_class(number), reference.of_class(reference.class_names.index(name)))
        for number, name in enumerate(features.class_names)
        if name in reference.class_names
    }
    pairs = {name: pair for name, pair in pairs.items() if min(map(len, pair)) > 1}
    if not pairs:
        raise ValueError(
            f"{features.name} and {reference.name} share no class with two pictures in both; expected equal class "
            "names; use Map Classes first"
        )
    count = min(len(side) for pair in pairs.values() for side in pair)
    draw = np.random.default_rng(seed)
    # quick beside the whole sets: the bar stays at its end, and an interrupt is noticed
    at_end: Progress | None = None if progress is None else lambda done, total: progress(total, total)
    by_class: dict[str, dict[str, float | int]] = {}
    for name, pair in pairs.items():
        ours, theirs = (side.select(np.sort(draw.choice(len(side), count, replace=False))) for side in pair)
        shares = _shares(ours, theirs, min(closed_k, count - 1), min(open_k, count - 1), at_end)
        by_class[name] = {"count": count, **shares}
    said = [f"figures of a class come from {count} pictures of it in each set: compare them at that number only"]
    if closed_k >= count or open_k >= count:
        said.append(f"k is at most {count - 1} within a class")
    alone = sorted((set(features.class_names) | set(reference.class_names)) - set(pairs))
    if alone:
        said.append(f"no figures of classes that have not two pictures in both sets: {some_of(alone)}")
    return by_class, said

"""Precision, recall, density and coverage from nearest neighbours in feature space.

Two rules, by name: `k=3 closed` is torch-fidelity 0.4.0's (a picture on the edge of a ball is inside), `prdc k=5 open`
is the package prdc's.
Source: Kynkaanniemi et al. 2019, arXiv 1904.06991; Naeem et al. 2020, arXiv 2002.09797.
"""

from __future__ import annotations

import torch

from ..progress import Progress
from ..results import Measurement
from .features import ImageFeatures, check_comparable, describe_reference, overlap_warnings
from .neighbourhoods import neighbourhoods

ROUGH_BELOW = 1000  # pictures below which a warning calls the estimates rough; a judgement


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

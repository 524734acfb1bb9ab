"""CMMD: the maximum mean discrepancy of CLIP features under a Gaussian kernel, times 1,000.

Source: Jayasumana et al. 2023, arXiv 2401.09603: features of unit length, sigma 10, the biased estimator, and CLIP
ViT-L/14 at 336 px. Their code crops the middle square and resizes it by PIL's bicubic: to the letter size 336, filter
bicubic, crop "centre crop" and the convention dgm_eval; of square pictures the convention transformers is the same.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..progress import Progress
from ..results import Measurement
from .distances import squared_distances
from .features import ImageFeatures, check_comparable, describe_reference, overlap_warnings
from .vision_weights import VISION_NETWORKS

SIGMA, SCALE = 10.0, 1000.0
PUBLISHED = "CLIP ViT-L/14 at 336 px"


def squared_mmd(
    x: np.ndarray | Tensor, y: np.ndarray | Tensor, sigma: float, progress: Progress | None = None
) -> float:
    """Mean kernel within x and within y, less twice that between them, pairs of a picture with itself included.

    The kernel is exp(-|a - b|^2 / (2 sigma^2)). In float64, a few rows of each kernel matrix at a time.

    Args:
        x, y: features [n,d] and [m,d].
        sigma: width of the kernel.
        progress: called with (done, total); what it raises stops the work.
    """
    first, second = (torch.as_tensor(side).double() for side in (x, y))
    total, done = len(first) ** 2 + len(second) ** 2 + len(first) * len(second), 0
    means = []
    for a, b in ((first, first), (second, second), (first, second)):
        kernel_sum = 0.0
        for _, squared in squared_distances(a, b):  # [rows,len(b)]
            kernel_sum += float(squared.div_(-2 * sigma**2).exp_().sum())
            done += squared.numel()
            if progress is not None:
                progress(done, total)
        means.append(kernel_sum / (len(a) * len(b)))
    return means[0] + means[1] - 2 * means[2]


def measure_cmmd(features: ImageFeatures, reference: ImageFeatures, *, progress: Progress | None = None) -> Measurement:
    """The CMMD of a set against a reference.

    Args:
        features, reference: of both sets, by CLIP.
        progress: called with (done, total); what it raises stops the work.

    Raises:
        ValueError: the two were prepared differently, or not by CLIP.
    """
    check_comparable(features, reference)
    keys = {network.key: name for name, network in VISION_NETWORKS.items() if network.is_clip}
    if features.network not in keys:
        raise ValueError(
            f"{features.name} has features of {features.network}; expected CLIP's, of which CMMD is made; choose one "
            f"of {', '.join(keys.values())} in both Image Features nodes"
        )
    mmd = squared_mmd(_unit_length(features), _unit_length(reference), SIGMA, progress)
    warnings = []
    if features.network != VISION_NETWORKS[PUBLISHED].key:
        warnings.append(f"published CMMDs are of {PUBLISHED}: those of another network do not compare with them")
    warnings.append(
        f"{len(features)} pictures against {len(reference)}: the biased estimator is higher for fewer; compare only "
        "with figures from the same numbers"
    )
    return Measurement(
        name=features.name,
        kind="cmmd",
        figures={"cmmd": SCALE * mmd},
        inputs={"features": features.describe(), "reference": describe_reference(features, reference)},
        settings={**features.settings(), "sigma": SIGMA, "estimator": "biased", "scale": SCALE, "length": "unit"},
        warnings=(*warnings, *overlap_warnings(features, reference), *features.warnings()),
    )


def _unit_length(features: ImageFeatures) -> Tensor:
    x = torch.from_numpy(features.features).double()
    unit: Tensor = x / x.norm(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float64).tiny)
    return unit

"""Inception Score: logits of one set -> mean and spread over splits.

Source: Salimans et al. 2016, arXiv 1606.03498; Table 5-12 and equation 5-3 of the thesis. Shuffle, splits and spread
are torch-fidelity 0.4.0's; under the convention torchmetrics, that library's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..results import Measurement
from .features import ImageFeatures
from .inception_weights import NETWORKS, TORCHVISION_NETWORK


def inception_score(logits: np.ndarray | Tensor, bounds: Sequence[tuple[int, int]]) -> list[float]:
    """exp E KL(p(y|x) || p(y)) of each part.

    Args:
        logits: [N,classes], already in their shuffled order.
        bounds: first and last + 1 of each part.
    """
    log_p = torch.as_tensor(logits).double().log_softmax(1)  # [N,classes]
    scores = []
    for start, stop in bounds:
        part = log_p[start:stop]
        p = part.exp()
        scores.append(float((p * (part - p.mean(0).log())).nan_to_num(0.0).sum(1).mean().exp()))
    return scores


def measure_inception_score(features: ImageFeatures, *, splits: int = 10, seed: int = 2020) -> Measurement:
    """The Inception Score of a set.

    Args:
        features: of the set.
        splits: parts over which mean and standard deviation are taken; a set of fewer pictures lowers it to their
            number, with a warning.
        seed: of the shuffle before the split (numpy's RandomState, as torch-fidelity has it).

    Raises:
        ValueError: the network names no classes.
    """
    if not features.logits.shape[1]:
        raise ValueError(
            f"{features.name} has features of {features.network}, which names no classes; expected those of an "
            "Inception network; choose one in Image Features"
        )
    count, requested = len(features), splits
    splits = min(count, splits)
    logits = features.logits[np.random.RandomState(seed).permutation(count)]
    torchmetrics = features.preparation.convention == "torchmetrics"
    scores = np.array(inception_score(logits, _chunks(count, splits) if torchmetrics else _parts(count, splits)))
    splits = len(scores)  # torchmetrics's chunks of equal size can be fewer
    warnings = []
    if count < requested:
        warnings.append(
            f"{splits} splits and not {requested}: the set has no more pictures; the score is 1 by definition"
        )
    elif splits < requested:
        warnings.append(
            f"{splits} splits and not {requested}: so many chunks of equal size has a set of {count} pictures"
        )
    if count < 5000 * splits:
        warnings.append(
            f"IS from {count // splits} pictures a split is biased downward; the literature has 5,000 a split"
        )
    if features.network != NETWORKS[TORCHVISION_NETWORK].key:
        warnings.append("measured with the FID network; the thesis's figures come from torchvision's and are others")
    spread = None
    if len(scores) > 1:
        spread = float(scores.std(ddof=1 if torchmetrics else 0))
    else:
        warnings.append("no spread over splits: there is one alone")
    return Measurement(
        name=features.name,
        kind="inception_score",
        figures={"inception_score": float(scores.mean()), "inception_score_sd": spread, "per_split": scores.tolist()},
        inputs={"features": features.describe()},
        settings={**features.settings(), "splits": splits, "seed": seed, "sd_ddof": 1 if torchmetrics else 0},
        warnings=(*warnings, *features.warnings()),
    )


def _parts(count: int, splits: int) -> list[tuple[int, int]]:
    return [(i * count // splits, (i + 1) * count // splits) for i in range(splits)]


def _chunks(count: int, splits: int) -> list[tuple[int, int]]:
    size = -(-count // splits)
    return [(start, min(start + size, count)) for start in range(0, count, size)]

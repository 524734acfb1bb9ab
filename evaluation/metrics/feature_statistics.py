"""Mean and covariance of a set's features in float64."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .conventions import Preparation
from .features import ImageFeatures


@dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """A set of feature vectors as a Gaussian.

    Args:
        name: of the set.
        count: number of pictures; 0 when a file does not say.
        mean: float64 [d].
        factor: float64 [n,d], centred features / sqrt(n - 1), kept when n <= d; its Gram matrix is the covariance.
        covariance: float64 [d,d], n - 1 in the denominator; None when there is a factor.
        network, weights: key and SHA-256 of the network's weights; empty when a file does not say.
        preparation: how the pictures were prepared.
        content_key: of the set of pictures; empty when a file does not say.
        pixels: uint64 [n], digests of the pictures' pixels; None when a file does not say.
    """

    name: str
    count: int
    mean: Tensor
    factor: Tensor | None
    covariance: Tensor | None
    network: str
    weights: str
    preparation: Preparation
    content_key: str = ""
    pixels: np.ndarray | None = None

    def describe(self) -> dict[str, Any]:
        """What a result says of this input."""
        return {"name": self.name, "count": self.count or None, "content_key": self.content_key}

    def settings(self) -> dict[str, Any]:
        """What a result says of the way here; empty where a foreign file does not say."""
        return {
            "network": self.network,
            "weights_sha256": self.weights,
            "features": len(self.mean),
            **self.preparation.to_json(),
        }

    def trace(self) -> float:
        """Sum of the variances."""
        if self.factor is not None:
            return float(self.factor.square().sum())
        assert self.covariance is not None
        return float(self.covariance.trace())

    def full_covariance(self) -> Tensor:
        """The covariance [d,d], computed from the factor where there is one."""
        if self.covariance is not None:
            return self.covariance
        assert self.factor is not None
        numbers = self.factor.numpy()
        return torch.from_numpy(numbers.T @ numbers)  # [d,d]


def gaussian(features: np.ndarray | Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Mean, and either factor (n <= d) or covariance (n > d), in float64.

    Args:
        features: [n,d].

    Raises:
        ValueError: fewer than two pictures, or a feature that is not finite.
    """
    centred = torch.as_tensor(features).to(torch.float64, copy=True)  # [n,d]; from here on in place: it is large
    if len(centred) < 2:
        raise ValueError(f"the set has {len(centred)} pictures; expected at least 2 for a covariance; add pictures")
    mean = centred.mean(0)  # [d]
    if not bool(torch.isfinite(mean).all()):  # no sum of features is finite where one of them is not
        raise ValueError("a feature is not finite; expected finite numbers; check the weights and half precision")
    centred -= mean
    if centred.shape[0] <= centred.shape[1]:
        return mean, centred.div_(math.sqrt(len(centred) - 1)), None
    numbers = centred.numpy()
    gram = numbers.T @ numbers  # [d,d]; numpy computes one half of a Gram matrix
    gram /= len(centred) - 1
    return mean, None, torch.from_numpy(gram)


def statistics_of(features: ImageFeatures) -> FeatureStatistics:
    """The Gaussian of a set."""
    mean, factor, covariance = gaussian(features.features)
    return FeatureStatistics(
        name=features.name,
        count=len(features),
        mean=mean,
        factor=factor,
        covariance=covariance,
        network=features.network,
        weights=features.weights,
        preparation=features.preparation,
        content_key=features.content_key,
        pixels=features.pixels,
    )

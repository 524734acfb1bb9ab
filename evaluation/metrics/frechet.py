"""The Frechet distance between two sets of features, each as a Gaussian.

Source: Heusel et al. 2017, arXiv 1706.08500, equation 6.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .feature_statistics import FeatureStatistics

MAX_ROOT_ERROR = 1e-8  # that rounding may make of the sum of roots; the distance is promised to 1e-6
BLOCK = 256  # columns of a matrix product at once


def frechet_distance(first: FeatureStatistics, second: FeatureStatistics) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))."""
    shift = float((first.mean - second.mean).square().sum())
    return shift + first.trace() + second.trace() - 2 * _trace_of_root(first, second)


def _trace_of_root(first: FeatureStatistics, second: FeatureStatistics) -> float:
    """tr (S1 S2)^(1/2): the sum of the singular values of A B' for any A'A = S1, B'B = S2.

    Singular values stay exact where S1 S2 is singular. Eigenvalues of A S2 A' are faster, but their square roots turn
    an error of 1e-16 into 1e-8 near 0: they are used only where that cannot show.
    """
    a, b = first.factor, second.factor
    if a is not None and b is not None:
        return float(torch.linalg.svdvals(a @ b.T).sum())  # [n,m]
    if a is not None or b is not None:
        factor, covariance = (a, second.full_covariance()) if a is not None else (b, first.full_covariance())
        assert factor is not None
        if _cholesky(covariance) is not None:
            values = torch.linalg.eigvalsh(factor @ covariance @ factor.T)  # [n], rising
            if _root_error(values) <= MAX_ROOT_ERROR * _sum_of_roots(values):
                return _sum_of_roots(values)
        return float(torch.linalg.svdvals(factor @ _root(covariance).T).sum())
    first_covariance, second_covariance = first.full_covariance(), second.full_covariance()
    lower = _cholesky(first_covariance)
    if lower is not None:
        values = torch.linalg.eigvalsh(_upper_product(lower, second_covariance), UPLO="U")  # [d], rising
        if _root_error(values) <= MAX_ROOT_ERROR * _sum_of_roots(values):
            return _sum_of_roots(values)
    return float(torch.linalg.svdvals(_root(first_covariance) @ _root(second_covariance).T).sum())


def _upper_product(lower: Tensor, covariance: Tensor) -> Tensor:
    """L' S L on and above the diagonal, [d,d], for a lower triangular L: without the products by its zeros."""
    starts = range(0, len(lower), BLOCK)
    right, product = torch.empty_like(lower), torch.empty_like(lower)
    for start in starts:
        block = slice(start, start + BLOCK)
        right[:, block] = covariance[:, start:] @ lower[start:, block]  # S L
    for start in starts:
        block = slice(start, start + BLOCK)
        product[block, start:] = lower[start:, block].T @ right[start:, start:]
    return product


def _cholesky(covariance: Tensor) -> Tensor | None:
    """Its lower factor; None without full rank, also where rounding alone makes it positive definite."""
    lower, failed = torch.linalg.cholesky_ex(covariance)
    pivots = lower.diagonal().square()
    enough = pivots.min() > pivots.max() * len(pivots) * torch.finfo(torch.float64).eps
    return None if failed or not enough else lower


def _sum_of_roots(values: Tensor) -> float:
    return float(values.clamp_min(0).sqrt().sum())


def _root_error(values: Tensor) -> float:
    """What the rounding of eigenvalues [n], rising, may make of the sum of their roots: much near 0."""
    rounding = values[-1].clamp_min(0) * torch.finfo(torch.float64).eps
    return float(torch.minimum(rounding / (2 * values.clamp_min(0).sqrt()), rounding.sqrt()).nan_to_num().sum())


def _root(covariance: Tensor) -> Tensor:
    """B [rank,d] with B'B = covariance."""
    values, vectors = torch.linalg.eigh(covariance)
    positive = values > values[-1] * len(values) * torch.finfo(torch.float64).eps
    root: Tensor = values[positive].sqrt()[:, None] * vectors[:, positive].T  # [rank,1] * [rank,d]
    return root

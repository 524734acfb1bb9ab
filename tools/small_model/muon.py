"""Muon: momentum whose matrices are made orthogonal before each step.

Reads gradients, writes weights. Source: K. Jordan et al., "Muon: an optimizer for hidden layers in neural
networks", 2024 (coefficients of the Newton-Schulz iteration, Nesterov momentum, the factor for tall matrices).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import Executor
from functools import partial

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
TOGETHER = 4


class Muon(torch.optim.Optimizer):
    """Args:
    parameters: matrices and convolutions (taken as matrices of one row an output channel).
    lr: rate; every step moves a matrix by about this in spectral norm.
    pool: the threads that share the work.
    """

    def __init__(
        self, parameters: Iterable[Tensor], lr: float, pool: Executor, momentum: float = 0.95, decay: float = 0.01
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": decay})
        self.pool = pool

    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            list(self.pool.map(partial(self._step, group), alike(group["params"])))

    @torch.no_grad()
    def _step(self, group: dict[str, float], parameters: list[Tensor]) -> None:
        gradients = [parameter.grad for parameter in parameters]
        means = [self.state[parameter].setdefault("momentum", torch.zeros_like(parameter)) for parameter in parameters]
        torch._foreach_lerp_(means, gradients, 1 - group["momentum"])
        updates = torch._foreach_lerp(gradients, means, group["momentum"])  # Nesterov
        steps = orthogonal(torch.stack([_matrix(update) for update in updates]))
        tall = max(1.0, steps.shape[1] / steps.shape[2]) ** 0.5
        torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        for parameter, step in zip(parameters, steps, strict=True):
            _matrix(parameter).add_(step, alpha=-group["lr"] * tall)


def alike(parameters: list[Tensor]) -> list[list[Tensor]]:
    """Parameters of one shape, a few together (fewer, larger products), the most work first."""
    by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
    for parameter in parameters:
        by_shape[parameter.shape].append(parameter)
    lists = by_shape.values()
    some = [several[start : start + TOGETHER] for several in lists for start in range(0, len(several), TOGETHER)]
    return sorted(some, key=lambda several: -sum(parameter.numel() for parameter in several))


def _matrix(weight: Tensor) -> Tensor:
    """A view of (O, I) or (O, I, H, W), the latter in channels_last, as (O, columns)."""
    return weight.permute(0, 2, 3, 1).flatten(1) if weight.ndim == 4 else weight


def orthogonal(matrices: Tensor, steps: int = 5) -> Tensor:
    """The matrices (N, O, I) with all singular values near 1, by a quintic Newton-Schulz iteration in bfloat16."""
    first, second, third = COEFFICIENTS
    is_wide = matrices.shape[1] < matrices.shape[2]
    x = (matrices.mT if is_wide else matrices).bfloat16().contiguous()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x.mT @ x
        x = first * x + x @ (second * gram + third * gram @ gram)
    return (x.mT if is_wide else x).float()

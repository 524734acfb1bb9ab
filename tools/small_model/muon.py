"""Muon: momentum whose matrices are made orthogonal before each step.

Reads gradients, writes weights. Source: K. Jordan et al., "Muon: an optimizer for hidden layers in neural
networks", 2024 (coefficients of the Newton-Schulz iteration, Nesterov momentum, the factor for tall matrices).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """Args:
    parameters: matrices and convolutions (taken as matrices of one row an output channel).
    lr: rate; every step moves a matrix by about this in spectral norm.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95, decay: float = 0.01) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One step down the gradients; parameters of one shape together, in few and large products."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                by_shape[parameter.shape].append(parameter)
            for parameters in by_shape.values():
                self._step(group, parameters)

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

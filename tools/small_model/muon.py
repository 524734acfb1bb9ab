"""Muon: momentum whose matrices are made orthogonal before each step.

Reads gradients, writes weights. Source: K. Jordan et al., "Muon: an optimizer for hidden layers in neural
networks", 2024 (coefficients of the Newton-Schulz iteration, Nesterov momentum, the factor for tall matrices).
"""

from __future__ import annotations

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
        for group in self.param_groups:
            for parameter in group["params"]:
                mean = self.state[parameter].setdefault("momentum", torch.zeros_like(parameter))
                mean.lerp_(parameter.grad, 1 - group["momentum"])
                update = parameter.grad.lerp(mean, group["momentum"])  # Nesterov
                matrix = orthogonal(update.reshape(len(update), -1))
                tall = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(matrix.reshape(update.shape), alpha=-group["lr"] * tall)


def orthogonal(matrix: Tensor, steps: int = 5) -> Tensor:
    """The matrix with all singular values near 1, by a quintic Newton-Schulz iteration in bfloat16."""
    first, second, third = COEFFICIENTS
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if is_tall else matrix).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = first * x + (second * gram + third * gram @ gram) @ x
    return (x.T if is_tall else x).to(matrix.dtype)

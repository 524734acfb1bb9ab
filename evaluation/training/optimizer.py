"""The optimizer of a network: it sees each weight as it lies in memory, channels last.

A fused AdamW on a CPU copies any weight that is not contiguous, twice a step; of the same numbers under another shape
it need not.
"""

from __future__ import annotations

import torch
from torch import nn

from .settings import Settings


def build_optimizer(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """The optimizer of the weights that are trained; give_gradients() comes before each of its steps."""
    weights = [_as_it_lies(weight.detach()) for weight in network.parameters() if weight.requires_grad]
    decay = settings.weight_decay
    fused = weights[0].device.type in ("cpu", "cuda")
    if settings.optimizer == "SGD":
        return torch.optim.SGD(
            weights, lr=settings.learning_rate, momentum=0.9, nesterov=True, weight_decay=decay, fused=fused
        )
    return torch.optim.AdamW(weights, lr=settings.learning_rate, weight_decay=decay, fused=fused)


def give_gradients(optimizer: torch.optim.Optimizer, network: nn.Module) -> None:
    """Show the optimizer the gradients of the network's weights, of which each has one."""
    trained = (weight for weight in network.parameters() if weight.requires_grad)
    for view, weight in zip(optimizer.param_groups[0]["params"], trained, strict=True):
        assert weight.grad is not None
        view.grad = _as_it_lies(weight.grad)


def _as_it_lies(weight: torch.Tensor) -> torch.Tensor:
    """A view of weights or gradients, those of a convolution channels last: [out,in,h,w] -> [out,h,w,in]."""
    return weight.permute(0, 2, 3, 1) if weight.dim() == 4 else weight

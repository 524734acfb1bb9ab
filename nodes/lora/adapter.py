"""Low-rank adapters beside the frozen layers of a UNet (Hu et al. 2021, arXiv:2106.09685).

ComfyUI's own training adapters add up @ down to each weight before the layer runs: the sum is rounded to bf16, which
loses small updates, and backward builds a gradient of the full weight. Here the low-rank path runs beside the layer on
its input, so the frozen weight needs no gradient and the adapter keeps fp32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


class LoraLayer(nn.Module):
    """up(down(x)) * alpha / rank for one Linear or 1x1 Conv2d, in fp32; zero until it is trained.

    Args:
        module: the frozen layer.
        rank: of the product.
        alpha: scale times rank.
        generator: of the start of `down` (uniform, Kaiming's bound for a = sqrt(5), as kohya's and Microsoft's).
    """

    def __init__(self, module: nn.Module, rank: int, alpha: float, generator: torch.Generator) -> None:
        super().__init__()
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        outputs, inputs = weight.shape[:2]
        bound = inputs**-0.5
        down = torch.empty(rank, inputs).uniform_(-bound, bound, generator=generator)  # (r, in)
        self.is_conv = weight.dim() == 4
        self.scale = alpha / rank
        self.alpha = float(alpha)
        self.down = nn.Parameter(down.reshape(rank, inputs, 1, 1) if self.is_conv else down)  # of a 1x1 convolution
        up = torch.zeros(outputs, rank)  # (out, r)
        self.up = nn.Parameter(up.reshape(outputs, rank, 1, 1) if self.is_conv else up)

    def add_to(self, module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        """A forward hook of the frozen layer: its output plus the adapter's."""
        apply = F.conv2d if self.is_conv else F.linear
        return output + apply(apply(inputs[0], self.down) * self.scale, self.up)


def make_layers(
    modules: Mapping[str, nn.Module], rank: int, alpha: float, generator: torch.Generator
) -> dict[str, LoraLayer]:
    """An adapter for each module, in the order of their names, from one generator: same seed, same start.

    Raises:
        ValueError: the rank is larger than the smallest side of a layer.
    """
    smallest = min(min(module.weight.shape[:2]) for module in modules.values())  # type: ignore[union-attr, index]
    if rank > smallest:
        raise ValueError(f"rank is {rank}; expected at most {smallest}, the smallest side of a layer; lower it")
    return {name: LoraLayer(modules[name], rank, alpha, generator) for name in sorted(modules)}


@contextmanager
def attached(modules: Mapping[str, nn.Module], layers: Mapping[str, LoraLayer]) -> Iterator[None]:
    """Inside, each module adds its adapter to its output; afterwards all are as before."""
    hooks = [modules[name].register_forward_hook(layer.add_to) for name, layer in layers.items()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def usable_in_autograd(model: nn.Module) -> Iterator[None]:
    """Inside, parameters made under inference mode are seen through ordinary tensors on the same memory.

    ComfyUI loads models under inference mode, and autograd refuses to save such tensors; a copy would double the
    memory of the model.
    """
    replaced: list[tuple[nn.Module, str, nn.Parameter]] = []
    try:
        for module in model.modules():
            for name, parameter in list(module.named_parameters(recurse=False, remove_duplicate=False)):
                if parameter.is_inference():
                    module.register_parameter(name, nn.Parameter(_ordinary_view(parameter), requires_grad=False))
                    replaced.append((module, name, parameter))
        yield
    finally:
        for module, name, parameter in replaced:
            module.register_parameter(name, parameter)


def _ordinary_view(parameter: torch.Tensor) -> torch.Tensor:
    """A tensor on the memory of `parameter` that autograd takes.

    Raises:
        RuntimeError: this torch gives no such tensor.
    """
    view = torch.empty(0, dtype=parameter.dtype, device=parameter.device)
    view.set_(parameter.untyped_storage(), parameter.storage_offset(), parameter.shape, parameter.stride())
    if view.is_inference() or view.data_ptr() != parameter.data_ptr():
        raise RuntimeError(
            f"torch {torch.__version__} gives no ordinary tensor on the memory of one made in inference mode "
            "(Tensor.set_), without which the model would be held twice; use another version of torch"
        )
    return view


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """Inside, no parameter of the model asks for a gradient; afterwards each asks as before."""
    asked = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in asked:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in asked:
            parameter.requires_grad_(True)


@contextmanager
def checkpointed(blocks: list[nn.Module]) -> Iterator[None]:
    """Inside, the blocks keep only their inputs and run again in backward (Chen et al. 2016, arXiv:1604.06174)."""
    try:
        for block in blocks:
            block.forward = _recomputing(block.forward)  # type: ignore[method-assign]
        yield
    finally:
        for block in blocks:
            block.__dict__.pop("forward", None)


def _recomputing(forward: Callable[..., Any]) -> Callable[..., Any]:
    from torch.utils.checkpoint import checkpoint

    def run(*args: Any, **kwargs: Any) -> Any:
        options = kwargs.get("transformer_options")
        if isinstance(options, dict):
            # the UNet writes into this one later; the second run must see it as the first did
            kwargs["transformer_options"] = dict(options)
        return checkpoint(forward, *args, use_reentrant=False, preserve_rng_state=False, **kwargs)

    return run

from __future__ import annotations

import pytest
import torch
from torch import nn

from hyponet.nodes.lora.adapter import attached, checkpointed, frozen, make_layers, usable_in_autograd


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def modules():
    torch.manual_seed(0)
    return {"a.proj": nn.Linear(6, 5), "b.conv": nn.Conv2d(4, 7, 1)}


def test_a_new_adapter_changes_nothing_and_the_seed_decides_its_start(modules):
    layers = make_layers(modules, 2, 1.0, generator())
    x = torch.randn(3, 6, generator=generator())
    before = modules["a.proj"](x)
    with attached(modules, layers):
        assert torch.equal(modules["a.proj"](x), before)
    again = make_layers(modules, 2, 1.0, generator())
    other = make_layers(modules, 2, 1.0, generator(1))
    assert torch.equal(layers["b.conv"].down, again["b.conv"].down)
    assert not torch.equal(layers["b.conv"].down, other["b.conv"].down)


def test_the_adapter_adds_what_merging_the_product_into_the_weight_adds(modules):
    layers = make_layers(modules, 2, 3.0, generator())
    inputs = {"a.proj": torch.randn(3, 6, generator=generator()), "b.conv": torch.randn(2, 4, 5, 5)}
    for name, module in modules.items():
        layer = layers[name]
        nn.init.normal_(layer.up, generator=generator(2))
        with attached(modules, {name: layer}):
            beside = module(inputs[name])
        # Hu et al. 2021, eq. 3: W + (alpha / r) B A
        product = (layer.up.flatten(1) @ layer.down.flatten(1)) * 3.0 / 2
        with torch.no_grad():
            module.weight += product.reshape(module.weight.shape)
        torch.testing.assert_close(beside, module(inputs[name]), rtol=1e-5, atol=1e-5)


def test_everything_is_as_before_afterwards(modules):
    model = nn.ModuleDict({name.replace(".", "_"): module for name, module in modules.items()})
    forward = modules["a.proj"].forward

    def stopped():
        layers = make_layers(modules, 2, 1.0, generator())
        with attached(modules, layers), frozen(model), checkpointed([modules["a.proj"]]):
            assert not any(parameter.requires_grad for parameter in model.parameters())
            assert modules["a.proj"].forward != forward
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stopped()
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert modules["a.proj"].forward == forward
    assert not modules["a.proj"]._forward_hooks


def test_weights_made_under_inference_mode_can_be_trained_through_without_a_copy():
    with torch.inference_mode():
        model = nn.Sequential(nn.Linear(4, 4), nn.GroupNorm(2, 4))
    originals = list(model.parameters())
    x = torch.ones(2, 4, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"[Ii]nference tensors cannot be saved"):
        model(x)
    with usable_in_autograd(model):
        model(x).sum().backward()
        assert [p.data_ptr() for p in model.parameters()] == [p.data_ptr() for p in originals]
    assert all(now is then for now, then in zip(model.parameters(), originals, strict=True))


def test_checkpointing_shows_the_second_run_the_options_of_the_first():
    seen = []

    class Block(nn.Module):
        def forward(self, x, transformer_options):
            seen.append(transformer_options["block"])
            return x.sin()

    block = Block()
    options = {"block": 1}
    x = torch.ones(2, requires_grad=True)
    with checkpointed([block]):
        y = block(x, transformer_options=options)
        options["block"] = 2
        y.sum().backward()
    assert seen == [1, 1]
    torch.testing.assert_close(x.grad, torch.ones(2).cos())


def test_a_rank_above_the_smallest_side_is_refused(modules):
    with pytest.raises(ValueError, match="rank is 5; expected at most 4"):
        make_layers(modules, 5, 1.0, generator())

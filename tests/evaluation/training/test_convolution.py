"""Convolutions of small maps are torch's own, padding or not."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torchvision
from torch import nn

from hyponet.evaluation.training.convolution import Convolution
from hyponet.evaluation.training.model import build
from hyponet.evaluation.training.optimizer import build_optimizer, give_gradients
from hyponet.evaluation.training.settings import Settings


@pytest.mark.parametrize("height", [1, 2, 3, 4])
@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(3, 1, 1), (3, 2, 1), (1, 2, 0), (1, 1, 0), (7, 2, 3)], ids=str
)
def test_outputs_and_gradients_are_torchs(height: int, width: int, kernel: int, stride: int, padding: int) -> None:
    torch.manual_seed(0)
    theirs = nn.Conv2d(4, 6, kernel, stride, padding, bias=False).double().to(memory_format=torch.channels_last)
    ours = Convolution.of(theirs)
    pictures = torch.randn(3, 4, height, width, dtype=torch.float64, requires_grad=True)
    found = []
    for module in (theirs, ours):
        theirs.weight.grad = pictures.grad = None
        outputs = module(pictures)
        outputs.square().sum().backward()
        found.append((outputs.detach(), pictures.grad, theirs.weight.grad))
    torch.testing.assert_close(found[1], found[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [8, 16, 32, 64])
def test_a_network_of_them_is_torchvisions(size: int) -> None:
    ours = build("resnet18", 3).double().train(False)
    theirs = torchvision.models.resnet18(num_classes=3).double().train(False)
    theirs.load_state_dict(ours.state_dict())
    pictures = torch.rand(2, 3, size, size, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(ours(pictures), theirs(pictures), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("optimizer", ["AdamW", "SGD"])
def test_the_optimizer_sees_weights_and_gradients_without_copies(optimizer: str) -> None:
    """After two steps the weights are those of torch's optimizer given the network's own parameters."""
    settings = Settings(optimizer=optimizer)
    pictures, labels = torch.rand(4, 3, 16, 16).double(), torch.tensor([0, 1, 1, 0])
    ended = []
    for usual in (True, False):
        network = build("resnet18", 2).double().to(memory_format=torch.channels_last)
        steps = build_optimizer(network, settings)
        if usual:
            usual_steps = {"AdamW": torch.optim.AdamW, "SGD": partial(torch.optim.SGD, momentum=0.9, nesterov=True)}
            steps = usual_steps[optimizer](network.parameters(), lr=1e-3, weight_decay=0.01)
        else:
            assert all(view.is_contiguous() for view in steps.param_groups[0]["params"])
            data = {view.data_ptr() for view in steps.param_groups[0]["params"]}
            assert data == {weight.data_ptr() for weight in network.parameters()}
        for _ in range(2):
            network.zero_grad()
            nn.functional.cross_entropy(network(pictures), labels).backward()
            if not usual:
                give_gradients(steps, network)
                assert all(view.grad.is_contiguous() for view in steps.param_groups[0]["params"])
            steps.step()
        ended.append({name: value.clone() for name, value in network.state_dict().items()})
    torch.testing.assert_close(ended[1], ended[0], rtol=1e-6, atol=1e-8)

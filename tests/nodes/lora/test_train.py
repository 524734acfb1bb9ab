from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

from hyponet.nodes.lora.adapter import LoraLayer, attached
from hyponet.nodes.lora.curve import loss_curve
from hyponet.nodes.lora.settings import LoraSettings
from hyponet.nodes.lora.state import LoraState
from hyponet.nodes.lora.train import History, adafactor, probe_loss, train


class Toy:
    """A linear model that has to learn to give the noise back; knows which batches it saw."""

    def __init__(self):
        self.device = torch.device("cpu")
        self.linear = torch.nn.Linear(16, 16)
        with torch.no_grad():
            self.linear.weight.copy_(0.1 * torch.randn(16, 16, generator=torch.Generator().manual_seed(0)))
            self.linear.bias.zero_()
        self.linear.requires_grad_(False)
        self.seen = []

    def name(self, picture):
        return f"{picture}.png"

    def noise_like(self, picture, generator):
        return torch.randn(1, 4, 4, generator=generator)

    def predict(self, pictures, timesteps, noise):
        self.seen.append((tuple(pictures), tuple(timesteps.tolist())))
        return self.linear(noise.flatten(1)).reshape(noise.shape), noise


def begin(settings, seed=0):
    model = Toy()
    generator = torch.Generator().manual_seed(seed)
    layer = LoraLayer(model.linear, settings.rank, settings.alpha, torch.Generator().manual_seed(seed))
    state = LoraState({"l": layer}, adafactor(list(layer.parameters()), settings.learning_rate), generator)
    return model, layer, state


def toy_settings(**changes):
    return LoraSettings(**{"epochs": 3, "batch_size": 2, "learning_rate": 0.05, "rank": 8, "alpha": 8, **changes})


def run(seed=0, **changes):
    settings = toy_settings(**changes)
    model, layer, state = begin(settings, seed)
    reports = []
    with attached({"l": model.linear}, {"l": layer}):
        history = train(
            model, state, [(64, 64)] * 5, settings, progress=lambda done, total: reports.append((done, total))
        )
    return model, layer, history, reports


def test_every_epoch_shows_every_picture():
    model, _, history, reports = run()
    assert reports == [(i, 9) for i in range(1, 10)]
    steps = [batch for batch, _ in model.seen[16:-16]]  # 32 pairs, two at a time, are probed before and after
    for epoch in range(3):
        assert sorted(i for batch in steps[3 * epoch : 3 * epoch + 3] for i in batch) == [0, 1, 2, 3, 4]
    assert len(history.losses) == 9
    assert history.epoch_losses() == pytest.approx(np.array(history.losses).reshape(3, 3).mean(1))


def test_the_loss_over_the_fixed_pairs_falls():
    _, _, history, _ = run(epochs=60)
    assert history.loss_after < 0.7 * history.loss_before


def test_the_fixed_pairs_are_fixed_and_spread():
    model = Toy()
    first, second = probe_loss(model, [(64, 64)] * 5, 4), probe_loss(model, [(64, 64)] * 5, 4)
    assert first == second
    pictures = [i for batch, _ in model.seen[:8] for i in batch]
    timesteps = [t for _, batch in model.seen[:8] for t in batch]
    assert len(pictures) == 32
    assert set(pictures) == {0, 1, 2, 3, 4}
    assert timesteps == sorted(timesteps)
    assert (timesteps[0], timesteps[-1]) == (15, 984)


def test_the_seed_decides_everything():
    first, second, other = run()[1], run()[1], run(seed=1)[1]
    assert torch.equal(first.down, second.down)
    assert torch.equal(first.up, second.up)
    assert not torch.equal(first.up, other.up)


def test_adafactor_keeps_the_rate_that_it_is_given():
    # with transformers' own defaults the first step of a relative rate would be 1e-2 * max(eps, rms) instead
    parameter = torch.nn.Parameter(torch.zeros(4, 4))
    optimizer = adafactor([parameter], 0.0012)
    assert isinstance(optimizer, transformers.Adafactor) or type(optimizer).__name__ == "Adafactor"
    parameter.grad = torch.ones(4, 4)
    optimizer.step()
    # the first update of Adafactor is the sign of the gradient times the rate (its second moment is the gradient's)
    torch.testing.assert_close(parameter.detach(), torch.full((4, 4), -0.0012), rtol=1e-4, atol=0)


def test_the_curve_is_a_picture_of_the_losses():
    history = History((1.0, 0.5, 0.4, 0.3), 2, 0.9, 0.3, 0.1)
    worse = History((1.0, 0.5, 0.4, 0.9), 2, 0.9, 0.3, 0.1)
    picture = loss_curve(history, "cats \ubc30", "epsilon")
    assert picture.shape == (480, 800, 3)
    assert picture.dtype == np.uint8
    assert not np.array_equal(picture, loss_curve(worse, "cats \ubc30", "epsilon"))

"""A classifier's answers are numbers, or there is none."""

from __future__ import annotations

import pytest
import torch

from hyponet.nodes.hyponyms.classifier import Classifier
from hyponet.nodes.hyponyms.preprocessing import ResizeAndCrop


class Mean(torch.nn.Module):
    """Logits of two classes: the mean of the picture, times a weight, and its negative."""

    def __init__(self, weight):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(weight))

    def forward(self, batch):
        mean = batch.mean((1, 2, 3)) * self.weight
        return torch.stack([mean, -mean], 1)


def classifier(weight):
    return Classifier("two.pth", "mean", ("light", "dark"), ("", ""), ResizeAndCrop(), Mean(weight))


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_probabilities_that_are_no_numbers_are_refused(weight):
    """softmax makes NaN of an infinite logit; the likeliest class would be whatever comes first."""
    with pytest.raises(ValueError, match=r"two\.pth gives probabilities that are not finite \(picture 0, "):
        classifier(weight).probabilities(torch.rand(3, 8, 8, 3))


def test_sound_weights_give_shares():
    rows = classifier(2.0).probabilities(torch.rand(3, 8, 8, 3), batch_size=2)
    assert rows.sum(1).tolist() == pytest.approx([1.0] * 3)

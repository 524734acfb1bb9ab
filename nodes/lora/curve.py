"""The loss curve of a LoRA training as a picture."""

from __future__ import annotations

import numpy as np

from ...evaluation.plots import line_chart, to_pixels
from .train import History

SIZE = (800, 480)  # pixels


def loss_curve(history: History, title: str) -> np.ndarray:
    """uint8 [480,800,3]: the loss of each step, each epoch's mean, and the fixed pairs before and after."""
    steps = range(1, len(history.losses) + 1)
    epochs = history.epoch_losses()
    middles = [(epoch + 0.5) * history.steps_per_epoch + 0.5 for epoch in range(len(epochs))]
    curves = {
        "step": (steps, history.losses),
        "mean of the epoch": (middles, epochs),
        "32 fixed pairs": ([1, len(history.losses)], [history.loss_before, history.loss_after]),
    }
    figure = line_chart(curves, title, "step", "mean squared error of the noise", SIZE)
    figure.axes[0].set_ylim(bottom=0)
    return to_pixels(figure)

"""The loss curve of a LoRA training as a picture."""

from __future__ import annotations

import numpy as np

from ...evaluation.plots import line_chart, to_pixels
from .denoiser import EPSILON
from .train import History

SIZE = (800, 480)  # pixels


def loss_curve(history: History, title: str, target: str) -> np.ndarray:
    """uint8 [480,800,3]: the loss of each step, each epoch's mean, and the fixed pairs before and after.

    Args:
        target: what the loss compares, see denoiser.py.
    """
    steps = range(1, len(history.losses) + 1)
    epochs = history.epoch_losses()
    middles = [(epoch + 0.5) * history.steps_per_epoch + 0.5 for epoch in range(len(epochs))]
    curves = {
        "step": (steps, history.losses),
        "mean of the epoch": (middles, epochs),
        "32 fixed pairs": ([1, len(history.losses)], [history.loss_before, history.loss_after]),
    }
    compared = "the noise" if target == EPSILON else target
    figure = line_chart(curves, title, "step", f"mean squared error of {compared}", SIZE)
    figure.axes[0].set_ylim(bottom=0)
    return to_pixels(figure)

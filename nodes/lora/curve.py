"""The loss curve of a LoRA training as a picture."""

from __future__ import annotations

import numpy as np

from .train import History


def loss_curve(history: History, title: str) -> np.ndarray:
    """uint8 [480,800,3]: the loss of each step, each epoch's mean, and the fixed pairs before and after."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.8), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    steps = np.arange(1, len(history.losses) + 1)
    middles = (np.arange(len(history.epoch_losses())) + 0.5) * history.steps_per_epoch + 0.5
    axes.plot(steps, history.losses, color="#9db7d5", linewidth=1, label="step")
    axes.plot(middles, history.epoch_losses(), "o-", color="#1f4e8c", markersize=4, label="mean of the epoch")
    ends = [1, len(history.losses)]
    axes.plot(ends, [history.loss_before, history.loss_after], "D", color="#c2571a", label="32 fixed pairs")
    axes.set_xlabel("step")
    axes.set_ylabel("mean squared error of the noise")
    axes.set_ylim(bottom=0)
    axes.set_title(title if title.isascii() else ascii(title)[1:-1], fontsize=11)
    axes.legend(frameon=False)
    axes.grid(alpha=0.25)
    canvas.draw()  # type: ignore[no-untyped-call]
    drawn: np.ndarray = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return np.ascontiguousarray(drawn[..., :3])

"""Where a training run stands, told to whoever waits: often enough that an interrupt is heard, no oftener."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from ..progress import duration
from .state import TrainState
from .training_figures import EpochFigures

# how often the callback hears of a run: bounds how long an interrupt waits
REPORT_SECONDS = 0.2


@dataclass(frozen=True)
class TrainProgress:
    """Where a run stands. `step` counts from the run's start, also across resumes; `history` has the epochs done."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    accuracy: float
    images_per_second: float
    seconds_left: float
    history: tuple[EpochFigures, ...] = ()

    def text(self) -> str:
        """Three lines for a person who waits."""
        return (
            f"epoch {self.epoch}/{self.epochs}, step {self.step}/{self.steps}\n"
            f"loss {self.loss:.4f}, training accuracy {100 * self.accuracy:.1f} %\n"
            f"{self.images_per_second:.0f} images/s, {duration(self.seconds_left)} left"
        )


Callback = Callable[[TrainProgress], None]


class TrainingReporter:
    """Calls the callback, at most every REPORT_SECONDS; what the callback raises stops the run.

    A report reads the loss, and so raises Diverged soon after it is not a number any more.

    On a CPU a step can take seconds (batch 32 at 224 pixels), so the convolutions report as well, forwards and
    backwards. The rate leaves out what came before the first step.
    """

    def __init__(self, state: TrainState, callback: Callback | None) -> None:
        self.stopped = False
        self._state = state
        self._callback = callback
        self._started = self._last = time.monotonic()
        self._first_step = state.step
        self._hooks = [
            module.register_forward_hook(self._after_layer)
            for module in state.network.modules()
            if callback is not None and state.device.type == "cpu" and isinstance(module, nn.Conv2d)
        ]

    def close(self) -> None:
        """Take the hooks off the network."""
        for hook in self._hooks:
            hook.remove()

    def report(self, now: bool = False) -> None:
        """Call the callback if it is time, or `now`."""
        clock = time.monotonic()
        if self._callback is None or (not now and clock - self._last < REPORT_SECONDS):
            return
        self._last = clock
        progress = self._progress(clock)
        try:
            self._callback(progress)
        except BaseException:  # ComfyUI's interrupt is no Exception from 0.33 on
            self.stopped = True
            raise

    def _after_layer(self, module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        self.report()
        if output.requires_grad:
            output.register_hook(lambda gradient: self.report())  # type: ignore[no-untyped-call]

    def _progress(self, clock: float) -> TrainProgress:
        state = self._state
        rate = (state.step - self._first_step) / max(1e-9, clock - self._started)  # steps a second
        # between two epochs the sums are empty and the last epoch's figures speak
        under_way = state.seen > 0 or not state.history
        return TrainProgress(
            epoch=min(state.settings.epochs, state.step // state.steps_per_epoch + 1),
            epochs=state.settings.epochs,
            step=state.step,
            steps=state.steps,
            loss=state.mean_loss() if under_way else state.history[-1].loss,
            accuracy=state.correct.item() / max(1, state.seen) if under_way else state.history[-1].accuracy,
            images_per_second=rate * state.settings.batch_size,
            seconds_left=(state.steps - state.step) / rate if rate else 0.0,
            history=tuple(state.history),
        )

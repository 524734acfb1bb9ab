"""How a running training of a LoRA stands: a text for the node, and its history so far for the curve."""

from __future__ import annotations

import math
import statistics

from ...evaluation.progress import duration
from .state import LoraState
from .train import History

RECENT = 20  # steps whose mean time says how long the remaining ones take


def so_far(state: LoraState, steps_per_epoch: int) -> History:
    """The steps done; the loss after it all is not known yet."""
    before = math.nan if state.loss_before is None else state.loss_before
    seconds = statistics.median(state.seconds) if state.seconds else math.nan
    return History(tuple(state.losses), steps_per_epoch, before, math.nan, seconds)


def standing(state: LoraState, steps_per_epoch: int, epochs: int) -> str:
    """Three lines for a person who waits, after at least one step."""
    steps = steps_per_epoch * epochs
    epoch = (state.step - 1) // steps_per_epoch  # from 0
    losses = state.losses[epoch * steps_per_epoch :]
    pace = statistics.fmean(state.seconds[-RECENT:])
    speed = f"{pace:.1f} s a step" if pace >= 1 else f"{1 / max(pace, 1e-9):.1f} steps/s"
    return (
        f"epoch {epoch + 1}/{epochs}, step {state.step}/{steps}\n"
        f"loss {statistics.fmean(losses):.4f}, mean of this epoch so far\n"
        f"{speed}, {duration((steps - state.step) * pace)} left"
    )

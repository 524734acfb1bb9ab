from __future__ import annotations

from hyponet.nodes.lora.curve import loss_curve
from hyponet.nodes.lora.progress import so_far, standing

from .test_train import begin, toy_settings


def at(losses, seconds):
    state = begin(toy_settings())[2]
    for loss, spent in zip(losses, seconds, strict=True):
        state.count(loss, spent)
    return state


def test_the_line_says_epoch_loss_pace_and_time_left():
    """Of 3 epochs of 4 steps, 6 are done: of the second epoch 2, with losses 0.5 and 0.25, at 2 s a step: 12 s left."""
    state = at([1.0, 1.0, 1.0, 1.0, 0.5, 0.25], [2.0] * 6)
    assert standing(state, 4, 3) == (
        "epoch 2/3, step 6/12\nloss 0.3750, mean of this epoch so far\n2.0 s a step, 12 s left"
    )
    assert standing(at([1.0], [0.1]), 4, 3) == (
        "epoch 1/3, step 1/12\nloss 1.0000, mean of this epoch so far\n10.0 steps/s, 1 s left"
    )


def test_the_curve_of_a_running_training_is_drawn():
    state = at([1.0, 0.5, 0.25], [1.0] * 3)
    history = so_far(state, 2)
    assert history.epoch_losses() == [0.75, 0.25]
    assert loss_curve(history, "name", "epsilon").shape == (480, 800, 3)

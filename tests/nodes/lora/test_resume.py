"""A LoRA training that is stopped goes on where it was, to the same bits; its file is there when it is finished."""

from __future__ import annotations

import errno
import json

import pytest
import torch
from safetensors.torch import save_file

from hyponet.evaluation.disk_errors import UnreadableFile
from hyponet.nodes.lora.adapter import LoraLayer, attached
from hyponet.nodes.lora.identity import LoraIdentity
from hyponet.nodes.lora.settings import LoraSettings
from hyponet.nodes.lora.state import LoraState, state_path
from hyponet.nodes.lora.train import adafactor, train

from .test_train import Toy

save = LoraState.save
SIZES = [(64, 64), (64, 64), (128, 64), (64, 64), (128, 64)]  # two buckets: 3 steps an epoch in batches of two


class Stop(BaseException):
    """As newer forms of ComfyUI stop a node: no Exception."""


class StoppedToy(Toy):
    """Stops in the middle of the given step, as ComfyUI's attention does: what the step drew is drawn."""

    def __init__(self, step):
        super().__init__()
        self.steps, self.stop_at = 0, step

    def predict(self, pictures, timesteps, noise):
        self.steps += torch.is_grad_enabled()
        if torch.is_grad_enabled() and self.steps == self.stop_at:
            raise Stop
        return super().predict(pictures, timesteps, noise)


def toy_run(path, stop_at=None, stop_in=None, seed=0):
    """A training on a linear model, from the state in `path`; its history and weights, or None where it is stopped.

    Args:
        stop_at: after this step of the training.
        stop_in: in the middle of this step of this call.
    """
    settings = LoraSettings(epochs=4, batch_size=2, learning_rate=0.05, rank=8, alpha=8, seed=seed)
    model = StoppedToy(stop_in)
    generator = torch.Generator().manual_seed(seed)
    layer = LoraLayer(model.linear, 8, 8, generator)
    state = LoraState({"l": layer}, adafactor(list(layer.parameters()), 0.05), generator)
    state.restore(path)

    def progress(done, total):
        if done == stop_at:
            raise Stop

    with attached({"l": model.linear}, {"l": layer}):
        try:
            history = train(model, state, SIZES, settings, save=lambda: state.save(path), progress=progress)
        except Stop:
            return None
    return history, layer.state_dict()


@pytest.mark.parametrize("stops", [[step] for step in range(1, 13)] + [[1, 2, 3], [5, 6, 7, 11]])
def test_stopped_after_any_step_it_goes_on_to_the_same_bits(tmp_path, stops):
    """12 steps: in the middle of an epoch, between two, and after the last step."""
    path = tmp_path / "state.pt"
    for stop in stops:
        assert toy_run(path, stop) is None
    assert_same_as_never_stopped(path)


@pytest.mark.parametrize("stops", [[step] for step in range(1, 13)] + [[2, 1, 3], [4, 1, 1, 5]])
def test_stopped_in_the_middle_of_any_step_it_goes_on_to_the_same_bits(tmp_path, stops):
    for stop in stops:
        assert toy_run(tmp_path / "state.pt", stop_in=stop) is None
    assert_same_as_never_stopped(tmp_path / "state.pt")


def assert_same_as_never_stopped(path):
    history, weights = toy_run(path)
    expected, whole = toy_run(path.with_name("none.pt"))
    assert history.losses == expected.losses
    assert (history.loss_before, history.loss_after) == (expected.loss_before, expected.loss_after)
    assert all(torch.equal(weights[name], whole[name]) for name in whole)


class StoppedOptimizer:
    """Adafactor that is stopped after its weights changed and before it is done, as by Ctrl-C."""

    def __init__(self, whole):
        self._whole = whole

    def __getattr__(self, name):
        return getattr(self._whole, name)

    def step(self):
        self._whole.step()
        raise Stop


def test_a_step_cut_short_among_the_weights_leaves_the_state_before_it(tmp_path):
    path = tmp_path / "state.pt"
    assert toy_run(path, 4) is None
    before = path.read_bytes()
    settings = LoraSettings(epochs=4, batch_size=2, learning_rate=0.05, rank=8, alpha=8)
    model, generator = Toy(), torch.Generator().manual_seed(0)
    layer = LoraLayer(model.linear, 8, 8, generator)
    state = LoraState({"l": layer}, adafactor(list(layer.parameters()), 0.05), generator)
    assert state.restore(path)
    state.optimizer = StoppedOptimizer(state.optimizer)
    with attached({"l": model.linear}, {"l": layer}), pytest.raises(Stop):
        train(model, state, SIZES, settings, save=lambda: state.save(path))
    assert path.read_bytes() == before
    assert_same_as_never_stopped(path)


def test_a_killed_process_loses_what_came_since_the_last_save(tmp_path, monkeypatch):
    """Saved after every step here; each of the states goes on to the same bits."""
    monkeypatch.setattr("hyponet.nodes.lora.train.SAVE_SECONDS", -1.0)
    path, kept = tmp_path / "state.pt", []
    monkeypatch.setattr(LoraState, "save", lambda self, to: (save(self, to), kept.append(to.read_bytes())))
    toy_run(path)
    assert len(kept) == 12
    monkeypatch.undo()
    for step in (0, 4, 11):
        path.write_bytes(kept[step])
        assert_same_as_never_stopped(path)


def test_each_training_has_a_state_of_its_own(tmp_path):
    names = {state_path(tmp_path, {"seed": seed, "rank": rank}).name for seed in (0, 1) for rank in (4, 8)}
    assert len(names) == 4
    assert not any(name.endswith(".safetensors") for name in names), "no loader lists it"


def test_the_last_line_of_the_node_is_what_lies_on_the_disk(engine, tmp_path):
    job = engine.LoraJob("cats", tmp_path, tmp_path / "cats.safetensors", LoraSettings(), tmp_path, tmp_path / "kept")
    mine, others = (LoraIdentity(job.settings, *"abcdef", schedule) for schedule in ("mine", "other"))
    toy_run(state_path(job.unfinished, others.to_json()), 5)
    assert engine.standing(job, mine) == "nothing is kept", "what is there is of another training"
    toy_run(state_path(job.unfinished, mine.to_json()), 5)
    assert engine.standing(job, mine) == "stopped; what was learnt is kept: queue again to resume"
    metadata = {"hyponet_identity": json.dumps(mine.to_json())}
    save_file({"a": torch.zeros(1)}, job.file, metadata)
    assert engine.standing(job, mine) == "cats.safetensors is trained"
    with pytest.raises(ValueError, match="was trained otherwise"):
        engine.standing(job, others)


def test_a_damaged_state_says_which_file(tmp_path):
    path = tmp_path / "state.pt"
    toy_run(path, 5)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"state\.pt cannot be resumed .* delete it"):
        toy_run(path)


def test_a_state_that_cannot_be_read_now_is_not_called_damaged(tmp_path, monkeypatch):
    """Nobody is told to delete what the disk may give an hour later."""
    path = tmp_path / "state.pt"
    toy_run(path, 5)
    for error, expected in ((OSError(errno.EIO, "Input/output error"), UnreadableFile), (MemoryError(), MemoryError)):

        def fail(*_, error=error, **__):
            raise error

        monkeypatch.setattr(torch, "load", fail)
        with pytest.raises(expected):
            toy_run(path)


def stopped_at(step):
    """Presses stop when the bar of the training comes to `step`; it is heard in the middle of the next."""
    import comfy.model_management

    def hook(value, total, preview, **_):
        if total == 8 and value == step:
            comfy.model_management.interrupt_current_processing()

    return hook


def test_a_real_training_that_is_stopped_goes_on_to_the_same_file(sd15, captioned, train, tmp_path):
    import comfy.model_management
    import comfy.utils

    folder = captioned("a cat", "a ship")
    options = {"epochs": 4, "batch_size": 1, "gradient_checkpointing": True}
    expected = train(sd15, folder, tmp_path / "whole", **options)
    stopped = tmp_path / "stopped"
    for step in (2, 5):  # of two steps an epoch: in the second epoch, and in the third
        comfy.utils.set_progress_bar_global_hook(stopped_at(step))
        try:
            with pytest.raises(comfy.model_management.InterruptProcessingException):
                train(sd15, folder, stopped, **options)
        finally:
            comfy.utils.set_progress_bar_global_hook(None)
        assert [path.suffix for path in stopped.rglob("*") if path.is_file()] == [".pt"], "the state, and no LoRA"
        assert not any(module._forward_hooks for module in sd15[0].model.modules())
    result = train(sd15, folder, stopped, **options)
    assert (stopped / "cats.safetensors").read_bytes() == (tmp_path / "whole" / "cats.safetensors").read_bytes()
    assert result.figures["losses"] == expected.figures["losses"]
    assert result.figures["loss_after"] == expected.figures["loss_after"]
    assert not list(stopped.rglob("*.pt"))

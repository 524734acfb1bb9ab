"""Options of ComfyUI's samplers by which an image would depend on its batch."""

from __future__ import annotations

import inspect

import pytest


@pytest.mark.parametrize(("name", "option", "value"), [("lcm", "noise_clip_std", 1.5), ("euler", "s_churn", 0.5)])
def test_a_sampler_that_mixes_its_batch_by_an_option_runs_alone(comfyui, sampling, name, option, value):
    """The regression: the option was overlooked, so a picture depended on those that were drawn beside it."""
    ksampler, kinds = comfyui.samplers.ksampler, sampling.step_noise
    assert kinds.step_noise(ksampler(name)) is not kinds.StepNoise.ALONE
    if option in inspect.signature(ksampler(name).sampler_function).parameters:  # that of lcm is newer than 0.3.75
        assert kinds.step_noise(ksampler(name, {option: 0.0})) is not kinds.StepNoise.ALONE
    assert kinds.step_noise(ksampler(name, {option: value})) is kinds.StepNoise.ALONE

"""Options of ComfyUI's samplers by which an image would depend on its batch."""

from __future__ import annotations

import comfy.samplers
import pytest

from hyponet.nodes.sampling.samplers import StepNoise, sampler_name, step_noise


@pytest.mark.parametrize(("name", "option"), [("lcm", "noise_clip_std"), ("euler", "s_churn")])
def test_a_sampler_that_mixes_its_batch_by_an_option_runs_alone(name, option):
    """The regression: the option was overlooked, so a picture depended on those that were drawn beside it."""
    assert step_noise(sampler_name(comfy.samplers.ksampler(name))) is not StepNoise.ALONE
    assert step_noise(sampler_name(comfy.samplers.ksampler(name, {option: 0.0}))) is not StepNoise.ALONE
    assert step_noise(sampler_name(comfy.samplers.ksampler(name, {option: 0.5}))) is StepNoise.ALONE

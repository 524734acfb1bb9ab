"""Samplers are tried out: those of ComfyUI with options, those of packs, against ComfyUI's own sampling one by one."""

from __future__ import annotations

import inspect

import pytest
import torch

from hyponet.nodes.sampling.options import GraphInputs

from .test_batches_of_texts import latents_of, native_latent
from .test_engine import make_pipeline, settings
from .test_guidance import ITEMS, by_native_guider, check_equal, flow
from .tiny_families import tiny_family


@pytest.fixture(autouse=True)
def pixels_of_eight(sampling, monkeypatch):
    """The models here have no VAE."""
    monkeypatch.setattr(sampling.pipeline.ComfyPipeline, "ratio", 8)


@pytest.fixture(scope="module")
def flux(comfyui):
    return tiny_family(comfyui, "flux")


def of_a_pack(comfyui, kind):
    """SAMPLERs as packs write them, and whether an image comes out the same in any batch."""
    engine = comfyui.samplers.k_diffusion_sampling

    def sample_euler(model, x, sigmas, extra_args, callback, disable):
        return engine.sample_euler(model, x, sigmas, extra_args, callback, disable)

    def sample_noisy(model, x, sigmas, extra_args, callback, disable, noise_sampler=None):
        return engine.sample_euler_ancestral(
            model, x, sigmas, extra_args, callback, disable, noise_sampler=noise_sampler, eta=0.5
        )

    def sample_global(model, x, sigmas, extra_args, callback, disable):
        return engine.sample_euler(model, x + 0.1 * torch.randn_like(x), sigmas, extra_args, callback, disable)

    def sample_mean(model, x, sigmas, extra_args, callback, disable):
        return engine.sample_euler(model, x - 0.1 * x.mean(), sigmas, extra_args, callback, disable)

    def sample_other_noise(model, x, sigmas, extra_args, callback, disable, noise_sampler=None):
        noise = noise_sampler or engine.default_noise_sampler(x, seed=extra_args["seed"] + 7)
        return sample_noisy(model, x, sigmas, extra_args, callback, disable, noise_sampler=noise)

    def sample_failing(model, x, sigmas, extra_args, callback, disable):
        model.inner_model.inner_model.diffusion_model  # as those that look into the model  # noqa: B018
        return engine.sample_euler(model, x, sigmas, extra_args, callback, disable)

    return comfyui.samplers.KSAMPLER(locals()[f"sample_{kind}"])


@pytest.mark.parametrize(
    ("kind", "batches"),
    [
        ("euler", [3]),
        ("noisy", [3]),
        ("global", [1, 1, 1]),
        ("mean", [1, 1, 1]),
        ("other_noise", [1, 1, 1]),
        ("failing", [1, 1, 1]),
    ],
)
def test_a_sampler_of_another_pack_is_known_by_what_it_does(comfyui, sampling, flux, kind, batches):
    """The regression: all ran one image at a time, since no list had them."""
    sampler = of_a_pack(comfyui, kind)
    sigmas = comfyui.samplers.calculate_sigmas(flux.model.get_model_object("model_sampling"), "simple", 2)
    pipeline = make_pipeline(sampling, flux, flow(), given=GraphInputs(sampler=sampler))
    made = latents_of(sampling, pipeline, ITEMS, 3)
    assert pipeline.batches == batches
    said = f"sampler custom sample_{kind} runs one image at a time" in " ".join(pipeline.warnings(3))
    assert said == (batches != [3]), "it is said on the node"
    natives = []
    for one in ITEMS:
        guider = comfyui.samplers.CFGGuider(flux.model)
        guider.set_conds(flux.encoder.encode(one.prompt), [])
        natives.append(by_native_guider(comfyui, flux, guider, sampler, sigmas, one))
    check_equal(made, natives)


def test_trying_a_sampler_out_leaves_the_global_generator_alone(comfyui, sampling):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    sampling.step_noise.step_noise(of_a_pack(comfyui, "global"))
    assert torch.equal(torch.rand(1), expected)


def test_a_sampler_that_draws_from_the_global_generator_gives_one_picture_a_seed(comfyui, sampling, flux):
    """The regression: two runs of one plan gave two sets. ComfyUI's own noise seeds it (comfy/sample.py)."""
    import comfy.samplers

    def noisy(model, x, sigmas, **_):
        return x + torch.randn_like(x)

    given = GraphInputs(sampler=comfy.samplers.KSAMPLER(noisy))
    first, second = (
        latents_of(sampling, make_pipeline(sampling, flux, flow(), given=given), ITEMS[:2], 1) for _ in range(2)
    )
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


@pytest.mark.parametrize(("name", "option", "value"), [("lcm", "noise_clip_std", 1.5), ("euler", "s_churn", 0.5)])
def test_a_sampler_that_mixes_its_batch_by_an_option_runs_alone(comfyui, sampling, name, option, value):
    """The regression: the option was overlooked, so a picture depended on those that were drawn beside it."""
    ksampler, kinds = comfyui.samplers.ksampler, sampling.step_noise
    assert kinds.step_noise(ksampler(name)) is not kinds.StepNoise.ALONE
    if option in inspect.signature(ksampler(name).sampler_function).parameters:  # that of lcm is newer than 0.3.75
        assert kinds.step_noise(ksampler(name, {option: 0.0})) is not kinds.StepNoise.ALONE
    assert kinds.step_noise(ksampler(name, {option: value})) is kinds.StepNoise.ALONE


@pytest.mark.parametrize(
    "band",
    [(5.0, 5.2), (5.1, 5.1), (0.4, 0.42), (0.0, 0.031), (20.0, 30.0), (4000.0, float("inf")), (14.55, float("inf"))],
)
@pytest.mark.parametrize("name", ["euler", "heun", "dpm_2"])
def test_churn_in_a_narrow_band_of_noise_levels_is_seen(comfyui, sampling, name, band):
    """The regression: bands between two steps of the trial were missed, and pictures depended on those beside them.

    comfy/k_diffusion/sampling.py adds noise of the global generator where s_tmin <= sigma <= s_tmax.
    """
    kinds = sampling.step_noise
    churned = {"s_churn": 8.0, "s_tmin": band[0], "s_tmax": band[1], "s_noise": 1.0}
    assert kinds.step_noise(comfyui.samplers.ksampler(name, churned)) is kinds.StepNoise.ALONE
    without = {**churned, "s_churn": 0.0}
    assert kinds.step_noise(comfyui.samplers.ksampler(name, without)) is kinds.StepNoise.NONE


def test_options_of_other_kinds_change_nothing_of_what_a_sampler_is(comfyui, sampling):
    """As the native nodes SamplerEulerAncestral, SamplerDPMPP_SDE, SamplerLMS and SamplerDPMAdaptative set them."""
    kinds = sampling.step_noise
    for name, options, expected in [
        ("euler_ancestral", {"eta": 0.7, "s_noise": 1.1}, "GENERATOR"),
        ("euler_ancestral", {"eta": 1.0, "s_noise": 0.98}, "GENERATOR"),
        ("dpmpp_sde", {"eta": 1.0, "s_noise": 1.0, "r": 0.5}, "TREE"),
        ("lms", {"order": 3}, "NONE"),
        ("dpm_adaptive", {"order": 3, "rtol": 0.05, "atol": 0.0078, "h_init": 0.05, "eta": 0.0}, "ALONE"),
    ]:
        assert kinds.step_noise(comfyui.samplers.ksampler(name, options)) is kinds.StepNoise[expected], (name, options)


@pytest.mark.parametrize("name", ["euler_ancestral", "dpm_2_ancestral", "er_sde", "seeds_2", "lcm"])
def test_a_sampler_with_formulas_of_its_own_for_flow_matching_gives_each_image_as_alone(comfyui, sampling, flux, name):
    chosen = settings(name, steps=3, scheduler="simple", batch_size=2, cfg=1.0)
    pipeline = make_pipeline(sampling, flux, chosen)
    made = latents_of(sampling, pipeline, ITEMS[:2], 2)
    assert pipeline.batches == [2]
    with torch.inference_mode():
        native = native_latent(comfyui, flux, chosen, ITEMS[1])[0]
    assert (made[1] - native).abs().max() < 3e-3 * native.std()


def test_a_sampler_is_tried_out_on_a_device_that_has_no_generators_of_its_own(comfyui, sampling, monkeypatch):
    """DirectML's torch.Generator(device) raises, and dpm_adaptive and euler run there."""

    def no_generator(x, seed=None):
        raise RuntimeError("Device type PRIVATEUSEONE is not supported for torch.Generator() api.")

    monkeypatch.setattr("comfy.k_diffusion.sampling.default_noise_sampler", no_generator)
    kinds = sampling.step_noise

    def mean(model, x, sigmas, extra_args, callback, disable):
        return x - x.mean()

    assert kinds.step_noise(comfyui.samplers.KSAMPLER(mean)) is kinds.StepNoise.ALONE
    assert kinds.step_noise(comfyui.samplers.ksampler("euler")) is kinds.StepNoise.NONE
    assert kinds.step_noise(comfyui.samplers.ksampler("euler_ancestral")) is kinds.StepNoise.ALONE
    assert kinds.step_noise_version("dpm_adaptive") == ""

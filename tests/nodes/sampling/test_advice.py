"""What Generate Dataset says of steps, cfg and prompts, by the facts of models; figures of the models' own pages."""

from __future__ import annotations

import pytest

from hyponet.nodes.sampling.advice import Facts, advise, candidates, first_prompts, hardly_varies_by_seed
from hyponet.nodes.sampling.settings import SamplingSettings

VARIED = ["a fox", "a hare"]


def settings(steps=30, cfg=2.0, sampler="dpmpp_2m", scheduler="karras"):
    return SamplingSettings(512, 512, steps, cfg, sampler, scheduler, 8, 1.0, 0.8)


TURBO = Facts(("ZImage", "Lumina2", "BASE"), ("ModelSampling",), files=("z_image_turbo_bf16.safetensors",))


def test_usual_settings_and_varied_prompts_get_no_word():
    assert advise(TURBO, settings(8, 1.0, "res_multistep", "simple"), VARIED) == ()


def test_our_defaults_are_told_as_unusual_for_a_distilled_model_and_that_cfg_costs_a_second_pass():
    usual, cfg = advise(TURBO, settings(), VARIED)
    assert usual == (
        "usual for this model is Z-Image Turbo: 8 to 9 steps, cfg 1, res_multistep or euler with simple; this set has "
        "30 steps, cfg 2, dpmpp_2m with karras."
    )
    assert cfg == "cfg 2 runs this distilled model twice a step and changes its pictures; set it to 1."


def test_settings_that_nodes_of_a_graph_take_the_place_of_are_not_judged():
    assert advise(TURBO, None, VARIED) == ()


def test_a_plan_whose_prompts_repeat_is_told_where_the_seed_hardly_varies_a_picture():
    (text,) = advise(TURBO, settings(8, 1.0, "euler", "simple"), ["a fox", "a fox", "a hare", "a fox"])
    assert text.startswith("the seed hardly varies what this model draws, and 2 of the first 4 prompts repeat another;")
    flux = Facts(("FluxSchnell", "Flux"), ())
    assert advise(flux, settings(4, 1.0, "euler", "simple"), ["a fox", "a fox"]) == ()


def test_a_karras_schedule_is_unusual_for_models_of_flow_matching():
    dev = Facts(("Flux", "BASE"), (), has_guidance=True)
    assert advise(dev, settings(20, 1.0, "euler", "simple"), VARIED) == ()
    assert "euler with karras" in advise(dev, settings(20, 1.0, "euler", "karras"), VARIED)[0]


@pytest.mark.parametrize(
    ("facts", "names"),
    [
        (Facts(("SD15", "BASE"), ("ModelSamplingDiscrete", "EPS")), []),
        (Facts(("SD15", "BASE"), ("ModelSamplingAdvanced", "ModelSamplingDiscreteDistilled", "LCM")), ["LCM"]),
        (Facts(("SDXL", "BASE"), (), files=("sd_xl_base_1.0.safetensors",)), []),
        (Facts(("SDXL", "BASE"), (), files=("sd_xl_turbo_1.0_fp16.safetensors",)), ["SDXL Turbo"]),
        (Facts(("SDXL", "BASE"), (), files=("x.safetensors", "sdxl_Lightning_4step.safetensors")), ["SDXL Lightning"]),
        (Facts(("SDXL", "BASE"), (), files=("base.safetensors", "hyperrealistic.safetensors")), []),
        (Facts(("SD3", "BASE"), (), files=("sd3.5_large.safetensors",)), ["SD 3 and 3.5"]),
        (Facts(("SD3", "BASE"), (), files=("sd3.5_large_turbo.safetensors",)), ["SD 3.5 Turbo"]),
        (Facts(("Flux2", "Flux"), (), has_guidance=True), ["FLUX.2 dev"]),
        (Facts(("Flux2", "Flux"), ()), ["FLUX.2 Klein", "FLUX.2 Klein base"]),
        (Facts(("ZImage", "Lumina2"), (), files=("mine.safetensors",)), ["Z-Image Turbo", "Z-Image"]),
        (Facts(("Mochi", "BASE"), ()), []),
    ],
)
def test_the_kind_is_known_by_class_and_sampling_and_narrowed_by_names_of_files(facts, names):
    assert [kind.name for kind in candidates(facts)] == names


def test_weights_in_prompts_are_told_where_the_encoder_has_none():
    prompts = ["a fox", r"a \(red:1.2\) fox", "a (red:1.4) fox"]
    sd = ("SD15",)
    assert advise(Facts(sd, ()), settings(), prompts) == ()
    assert advise(Facts(sd, (), ignores_weights=True), settings(), prompts[:2]) == ()
    (text,) = advise(Facts(sd, (), ignores_weights=True), settings(), prompts)
    assert text == "this text encoder has no weights and reads (red:1.4) letter by letter; say it in words instead."


def test_a_plan_of_millions_is_not_read_whole():
    assert len(first_prompts(f"{i}" for i in iter(int, 1))) == 200


def test_a_model_that_hardly_varies_by_seed_is_told_by_its_file():
    """Names of the files as ComfyUI's pages for these models have them."""
    turbo = "z_image_turbo_bf16.safetensors"
    assert hardly_varies_by_seed(["ae.safetensors", turbo]) == turbo
    assert hardly_varies_by_seed(["qwen_image_fp8_e4m3fn.safetensors"]) == "qwen_image_fp8_e4m3fn.safetensors"
    for name in ("qwen_2.5_vl_7b.safetensors", "z_image_bf16.safetensors", "v1-5-pruned-emaonly.safetensors"):
        assert hardly_varies_by_seed([name]) == ""

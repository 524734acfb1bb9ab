"""Guidance, noise levels, samplers, guiders and conditionings of a graph, against ComfyUI's own nodes one by one."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest
import torch

from hyponet.nodes.dataset.store.description import Copies
from hyponet.nodes.dataset.store.encode import Encoding
from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.plan import Plan
from hyponet.nodes.prompts.wildcards.library import Library
from hyponet.nodes.sampling.conditioning import zeroed
from hyponet.nodes.sampling.encoding import Encoder
from hyponet.nodes.sampling.job import Request
from hyponet.nodes.sampling.model_fit import check_clip
from hyponet.nodes.sampling.options import OPTIONS_NODE, GraphInputs

from .test_batches_of_texts import PROMPTS, latents_of, native_latent
from .test_engine import item, make_pipeline, settings
from .tiny_families import Texts, tiny_family

ITEMS = [item(rank, PROMPTS[rank]) for rank in range(3)]


@pytest.fixture(autouse=True)
def pixels_of_eight(sampling, monkeypatch):
    """The models here have no VAE."""
    monkeypatch.setattr(sampling.pipeline.ComfyPipeline, "ratio", 8)


@pytest.fixture(scope="module")
def flux(comfyui):
    return tiny_family(comfyui, "flux")


def flow(**changes):
    return settings("euler", **{"steps": 2, "scheduler": "simple", "batch_size": 3, "cfg": 1.0, **changes})


def by_native_guider(comfyui, models, guider, sampler, sigmas, one):
    """SamplerCustomAdvanced (comfy_extras/nodes_custom_sampler.py) with RandomNoise."""
    latent = comfyui.sample.fix_empty_latent_channels(models.model, torch.zeros(1, 4, 8, 8))
    noise = comfyui.sample.prepare_noise(latent, one.seed)
    with torch.inference_mode():
        return guider.sample(noise, latent, sampler, sigmas, disable_pbar=True, seed=one.seed)[0]


def check_equal(made, natives):
    deviation = torch.stack(natives).std()
    for rank, native in enumerate(natives):
        assert (made[rank] - native).abs().max() < 1e-3 * deviation


def test_guidance_is_what_flux_guidance_gives(comfyui, sampling, flux):
    """The regression: 3.5 for every picture, whatever the graph."""
    pipeline = make_pipeline(sampling, flux, flow(guidance=2.0))
    made = latents_of(sampling, pipeline, ITEMS, 3)
    with torch.inference_mode():
        check_equal(made, [native_latent(comfyui, flux, flow(), one, guidance=2.0)[0] for one in ITEMS])
        other = native_latent(comfyui, flux, flow(), ITEMS[0])[0]
    assert (made[0] - other).abs().max() > 0.1 * other.std()
    assert pipeline.batches == [3]


def test_a_zeroed_negative_is_what_conditioning_zero_out_gives(comfyui, sampling):
    sd3 = tiny_family(comfyui, "sd3")
    made = latents_of(sampling, make_pipeline(sampling, sd3, flow(cfg=4.0, zero_negative=True)), ITEMS, 3)
    natives = []
    for one in ITEMS:
        positive = sd3.encoder.encode(one.prompt)
        guider = comfyui.samplers.CFGGuider(sd3.model)
        guider.set_conds(positive, [[positive[0][0] * 0, {"pooled_output": positive[0][1]["pooled_output"] * 0}]])
        guider.set_cfg(4.0)
        sigmas = comfyui.samplers.calculate_sigmas(sd3.model.get_model_object("model_sampling"), "simple", 2)
        natives.append(by_native_guider(comfyui, sd3, guider, comfyui.samplers.ksampler("euler"), sigmas, one))
    check_equal(made, natives)
    assert zeroed([[torch.ones(1, 2, 4), {"pooled_output": None}]])[0][1] == {"pooled_output": None}


def test_cfg_1_runs_one_pass(sampling, flux):
    asked = []

    def count(apply, arguments):
        asked.append(len(arguments["input"]))
        return apply(arguments["input"], arguments["timestep"], **arguments["c"])

    model = flux.model.clone()
    model.set_model_unet_function_wrapper(count)
    models = SimpleNamespace(model=model, vae=None, encoder=flux.encoder)
    for cfg, images in ((1.0, 3), (2.0, 6)):
        pipeline = make_pipeline(sampling, models, flow(cfg=cfg))
        latents_of(sampling, pipeline, ITEMS, 3)
        assert sum(asked) == images * pipeline.steps, "of each image and step; both at once only where memory allows"
        asked.clear()


def test_sigmas_of_a_graph_take_the_place_of_steps(comfyui, sampling, flux):
    sigmas = torch.tensor([1.0, 0.7, 0.3, 0.0])
    pipeline = make_pipeline(sampling, flux, flow(), given=GraphInputs(sigmas=sigmas))
    assert pipeline.steps == 3
    natives = []
    for one in ITEMS:
        guider = comfyui.samplers.CFGGuider(flux.model)
        guider.set_conds(flux.encoder.encode(one.prompt), [])
        natives.append(by_native_guider(comfyui, flux, guider, comfyui.samplers.ksampler("euler"), sigmas, one))
    check_equal(latents_of(sampling, pipeline, ITEMS, 3), natives)


@pytest.mark.parametrize(("name", "options"), [("euler_ancestral", {"eta": 0.5}), ("dpmpp_2m_sde", {"eta": 0.3})])
def test_a_sampler_of_a_graph_keeps_its_options_and_an_image_its_noise(comfyui, sampling, flux, name, options):
    sampler, sigmas = comfyui.samplers.ksampler(name, options), torch.tensor([1.0, 0.7, 0.3, 0.0])
    pipeline = make_pipeline(sampling, flux, flow(), given=GraphInputs(sigmas=sigmas, sampler=sampler))
    natives = []
    for one in ITEMS:
        guider = comfyui.samplers.CFGGuider(flux.model)
        guider.set_conds(flux.encoder.encode(one.prompt), [])
        natives.append(by_native_guider(comfyui, flux, guider, sampler, sigmas, one))
    check_equal(latents_of(sampling, pipeline, ITEMS, 3), natives)
    assert pipeline.batches == [3]


def guider_of(comfyui, models, kind, positive, negative):
    """What the native nodes CFGGuider, BasicGuider and DualCFGGuider make."""
    from comfy_extras import nodes_custom_sampler as native

    if kind == "basic":
        guider = native.Guider_Basic(models.model)
        guider.set_conds(positive)
        return guider
    if kind == "dual":
        guider = native.Guider_DualCFG(models.model)
        guider.set_conds(positive, models.encoder.encode("of stone"), negative)
        guider.set_cfg(2.0, 3.0)
        return guider
    guider = comfyui.samplers.CFGGuider(models.model)
    guider.set_conds(positive, negative)
    guider.set_cfg(3.0)
    return guider


@pytest.mark.parametrize("kind", ["cfg", "basic", "dual"])
def test_a_guider_of_a_graph_leads_each_image_by_its_own_text(comfyui, sampling, flux, kind):
    def guided(text, negative):  # what else the guider was told stays: FluxGuidance
        texts = [flux.encoder.encode(one)[0] for one in (text, negative)]
        return [[[tokens, {**extras, "guidance": 1.5}]] for tokens, extras in texts]

    given = guider_of(comfyui, flux, kind, *guided("another text", "not this"))
    before = given.original_conds["positive"][0]["cross_attn"].clone()
    pipeline = make_pipeline(sampling, flux, flow(), given=GraphInputs(guider=given))
    made = latents_of(sampling, pipeline, ITEMS, 3)
    assert pipeline.batches == [3]
    assert torch.equal(given.original_conds["positive"][0]["cross_attn"], before), "the graph's guider stays as it is"
    sigmas = comfyui.samplers.calculate_sigmas(flux.model.get_model_object("model_sampling"), "simple", 2)
    euler = comfyui.samplers.ksampler("euler")
    alone = [guider_of(comfyui, flux, kind, *guided(one.prompt, one.negative)) for one in ITEMS]
    pairs = zip(alone, ITEMS, strict=True)
    check_equal(made, [by_native_guider(comfyui, flux, guider, euler, sigmas, one) for guider, one in pairs])
    told = pipeline.advice()
    assert told == (["the negative prompts change nothing: the guider has none"] if kind == "basic" else [])


def test_a_guider_of_another_model_and_one_with_conditionings_beside_it_are_refused(comfyui, sampling, flux):
    other = guider_of(comfyui, tiny_family(comfyui, "flux"), "basic", flux.encoder.encode("a"), None)
    with pytest.raises(ValueError, match="guider leads another model than the one at model"):
        make_pipeline(sampling, flux, flow(), given=GraphInputs(guider=other))
    with pytest.raises(ValueError, match="guider is str without a positive conditioning"):
        make_pipeline(sampling, flux, flow(), given=GraphInputs(guider="cfg"))
    with pytest.raises(ValueError, match="guider and conditioning are both connected"):
        GraphInputs(conditioning=flux.encoder.encode("a"), guider=other)


def test_reference_latents_and_guidance_are_laid_under_each_text(comfyui, sampling, flux):
    """As ReferenceLatent and FluxGuidance give them, behind a CLIP Text Encode of another text."""
    reference = [torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(4))]
    ((tokens, extras),) = flux.encoder.encode("")
    outside = [[tokens, {**extras, "reference_latents": reference, "guidance": 2.5}]]
    given = GraphInputs(conditioning=outside, negative_conditioning=outside)
    pipeline = make_pipeline(sampling, flux, flow(cfg=2.0), given=given)
    made = latents_of(sampling, pipeline, ITEMS, 3)
    assert pipeline.batches == [3]
    said = {"reference_latents": reference, "guidance": 2.5}
    with torch.inference_mode():
        check_equal(made, [native_latent(comfyui, flux, flow(cfg=2.0), one, **said)[0] for one in ITEMS])
        plain = native_latent(comfyui, flux, flow(cfg=2.0), ITEMS[0], guidance=2.5)[0]
    assert (made[0] - plain).abs().max() > 0.01 * plain.std()


@pytest.mark.parametrize(
    "part",
    [
        {"mask": torch.eye(64)[None], "set_area_to_bounds": False, "mask_strength": 0.8},
        {"mask": torch.ones(1, 64, 40), "set_area_to_bounds": True, "mask_strength": 1.0},
        {"area": (4, 6, 2, 1), "strength": 0.9, "set_area_to_bounds": False},
        {"area": ("percentage", 0.5, 0.75, 0.25, 0.25), "strength": 1.0, "set_area_to_bounds": False},
        {"start_percent": 0.0, "end_percent": 0.5},
        {"strength": 0.4},
    ],
    ids=["mask", "bounds", "area", "percentage", "range", "strength"],
)
def test_a_part_of_the_picture_or_of_the_steps_is_kept_for_each_text(comfyui, sampling, flux, part):
    """As ConditioningSetMask, SetArea, SetAreaPercentage, SetTimestepRange and SetAreaStrength give them (nodes.py)."""
    ((tokens, extras),) = flux.encoder.encode("")
    outside = [[tokens, {**extras, **part}]]
    given = GraphInputs(conditioning=outside, negative_conditioning=outside)
    pipeline = make_pipeline(sampling, flux, flow(cfg=2.0), given=given)
    made = latents_of(sampling, pipeline, ITEMS, 3)
    assert pipeline.batches == [3]
    with torch.inference_mode():
        check_equal(made, [native_latent(comfyui, flux, flow(cfg=2.0), one, **part)[0] for one in ITEMS])


@pytest.mark.parametrize(
    ("family", "changes", "said"),
    [
        ("flux", {"cfg": 2.0, "guidance": 2.0}, []),
        ("schnell", {"guidance": 2.0}, [r"guidance is 2, but this model \(FluxSchnell\) is told none", "cfg is 1"]),
        ("z_image", {"cfg": 3.0}, []),
        ("sd3", {"cfg": 3.0, "zero_negative": True}, ["negative prompts change nothing: zero_negative takes its"]),
        ("sd3", {"cfg": 1.0}, ["the negative prompts change nothing: cfg is 1"]),
    ],
)
def test_what_the_model_itself_says_against_the_guidance_is_told(comfyui, sampling, caplog, family, changes, said):
    pipeline = make_pipeline(sampling, tiny_family(comfyui, family), flow(**changes))
    latents_of(sampling, pipeline, ITEMS[:1], 1)
    told = pipeline.warnings(3)
    assert len(told) == len(said)
    assert all(re.search(pattern, text) for pattern, text in zip(said, told, strict=True))
    assert all(caplog.text.count(text) == 1 for text in told), "once, and before the first picture"


def test_a_clip_that_does_not_fit_is_named_before_the_first_batch(comfyui, sampling, flux, sd15):
    text = sd15.encoder.encode("a cat")  # 768 features; this FLUX takes 24
    with pytest.raises(ValueError, match="clip gives 768 features a token; expected 24; connect the CLIP"):
        check_clip("clip", text, flux.model)
    for family in ("z_image", "sd3"):
        with pytest.raises(ValueError, match="expected 24; connect the CLIP"):
            check_clip("clip", text, tiny_family(comfyui, family).model)


def test_a_clip_that_draws_without_being_the_models_own_is_told_of(comfyui, sampling, flux, caplog):
    """The regression: SD3's three encoders drew with FLUX.1, which takes y[:, : vec_in_dim] (comfy/ldm/flux/model.py),
    and nothing was said. It reads 8 features here, 768 in FLUX.1; SD3 gives 2,048.
    """

    def told(pooled):
        class Wide(Texts):
            def encode_from_tokens_scheduled(self, text):
                ((tokens, extras),) = super().encode_from_tokens_scheduled(text)
                return [[tokens, {**extras, "pooled_output": torch.ones(1, pooled)}]]

        models = SimpleNamespace(model=flux.model, vae=None, encoder=Encoder(Wide(True, False, False), int))
        pipeline = make_pipeline(sampling, models, flow())
        latents_of(sampling, pipeline, ITEMS[:1], 1)
        return [text for text in pipeline.warnings(1) if "clip" in text]

    assert told(8) == []
    (text,) = told(20)
    assert text.startswith("clip gives 20 pooled features, of which this model (Flux) reads 8: it is another model's")
    assert caplog.text.count(text) == 1, "before the first batch"


def test_a_text_without_what_the_model_needs_is_explained(sampling, comfyui, sdxl):
    """The regression: torch's raw text, from deep inside the model."""
    qwen = tiny_family(comfyui, "qwen_image")  # real ones do not say in their configuration how wide their texts are
    del qwen.model.model.model_config.unet_config["joint_attention_dim"]
    qwen.encoder.clip.width = 20
    no_pooled = SimpleNamespace(model=sdxl.model, vae=None, encoder=Encoder(Texts(False, False, False, 2048), int))
    for models, gives in ((qwen, "of 20 features"), (no_pooled, "of 2,048 features, no pooled output")):
        pipeline = make_pipeline(sampling, models, flow())
        with pytest.raises(ValueError, match=rf"cannot draw 64x64 from what clip gives .* {gives}\): .*; connect the"):
            latents_of(sampling, pipeline, ITEMS, 3)
        assert pipeline.batches == []


def test_another_guidance_of_the_graph_is_another_set(sampling, sd15, tmp_path, monkeypatch):
    import folder_paths

    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))
    plan = Plan([ClassSpec("cat"), ClassSpec("dog")], "a __class__", Library([]), images_per_class=1)
    models = {"model": sd15.model, "clip": sd15.clip, "vae": sd15.vae}

    def generate(count, **changes):
        given = GraphInputs(sigmas=torch.linspace(10.0, 0.0, count + 1))
        request = Request(plan, "pets", settings(**changes), None, Encoding(), Copies(), given=given)
        graph = {
            "1": {"class_type": "HypoNetGenerateDataset", "inputs": {"options": ["2", 0]}},
            "2": {"class_type": OPTIONS_NODE, "inputs": {"guidance": -1, "sigmas": ["3", 0]}},
            "3": {"class_type": "BasicScheduler", "inputs": {"steps": count}},
        }
        hidden = SimpleNamespace(prompt=graph, dynprompt=None, extra_pnginfo=None, unique_id="1")
        with torch.inference_mode():
            return sampling.engine.generate_dataset(sampling.engine.make_job(request, hidden), models, None)

    outputs = generate(1)
    assert outputs.ui["hyponet"][0]["made"] == 2
    description = json.loads((outputs.dataset.path / "dataset.json").read_text())
    settings_of = description["provenance"]["settings"]
    identity = description["identity"]
    assert (identity["graph.sigmas"], identity["graph.BasicScheduler.steps"]) == ("BasicScheduler output 0", 1)
    assert not [name for name in identity if "ptions" in name or name in ("steps", "scheduler", "guidance")]
    assert settings_of["sigmas"] == [10, 0]
    assert "scheduler" not in settings_of
    assert generate(1, steps=7, scheduler="normal").ui["hyponet"][0]["made"] == 0, "the sigmas take their place"
    with pytest.raises(ValueError, match=r"graph.BasicScheduler.steps: 1 there, 2 now"):
        generate(2)
    with pytest.raises(ValueError, match=r"guidance"):
        generate(1, guidance=2.0)


def test_a_guider_whose_cfg_is_1_is_named_for_negatives_that_change_nothing(comfyui, sampling, flux):
    """The regression: "the guider has none", of one that has a negative."""
    guider = guider_of(comfyui, flux, "cfg", flux.encoder.encode("a"), flux.encoder.encode("b"))
    guider.set_cfg(1.0)
    pipeline = make_pipeline(sampling, flux, flow(), given=GraphInputs(guider=guider))
    pipeline.encode(ITEMS[:1])
    assert pipeline.advice() == ["the negative prompts change nothing: the guider's cfg is 1"]


def test_a_guider_whose_negative_is_the_picture_alone_gets_no_text_for_it(comfyui, sampling, flux):
    """The regression: each image's negative text took the place of none, which newer guiders of two models have."""
    guider = comfyui.samplers.CFGGuider(flux.model)
    guider.set_conds(flux.encoder.encode("a"), [[None, {}]])  # DualModelGuider of 0.33.0 without a negative
    guider.set_cfg(3.0)
    pipeline = make_pipeline(sampling, flux, flow(), given=GraphInputs(guider=guider))
    encoded = pipeline.encode(ITEMS)
    texts = [pair.positive for pair in encoded], [pair.negative for pair in encoded]
    led = sampling.guiders.with_texts(pipeline._guider, *(sampling.pipeline.as_batch(one, [1, 2, 3]) for one in texts))
    (negative,) = led.original_conds["negative"]
    assert "cross_attn" not in negative
    assert "hyponet_items" not in negative
    assert "hyponet_items" in led.original_conds["positive"][0]
    assert pipeline.advice() == ["the negative prompts change nothing: the guider has none"]


@pytest.mark.parametrize(
    "error",
    [KeyError("block_3"), TypeError("'NoneType' object is not iterable"), RuntimeError("channels must match")],
)
def test_an_error_of_a_patch_is_not_laid_on_the_clip(comfyui, sampling, error):
    """The regression: for every encoder without a pooled output, and for every shape, CLIP was blamed."""

    def patch(apply, arguments):
        raise error

    models = tiny_family(comfyui, "z_image")
    models.model.set_model_unet_function_wrapper(patch)
    with pytest.raises(type(error)) as raised:
        latents_of(sampling, make_pipeline(sampling, models, flow()), ITEMS, 3)
    assert raised.value is error


@pytest.mark.parametrize("negative", ["not this", None])
def test_a_guider_of_two_models_leads_both_by_each_images_texts(comfyui, sampling, negative):
    """DualModelGuider of 0.33.0; without a negative its second model draws by the picture alone."""
    from comfy_extras import nodes_custom_sampler as native

    if not hasattr(native, "Guider_DualModel"):
        pytest.skip("DualModelGuider is newer than this ComfyUI")
    first, second = tiny_family(comfyui, "schnell"), tiny_family(comfyui, "schnell")
    with torch.inference_mode(False):
        for weight in second.model.model.diffusion_model.parameters():
            weight.data.mul_(0.9)
    if negative is None:
        second.model.add_object_patch("extra_conds", lambda **values: extra(second.model.model, values))
    euler = comfyui.samplers.ksampler("euler")
    sigmas = comfyui.samplers.calculate_sigmas(first.model.get_model_object("model_sampling"), "simple", 2)

    def guider(positive, text):
        made = native.Guider_DualModel(first.model, second.model)
        made.set_conds(first.encoder.encode(positive), [[None, {}]] if negative is None else first.encoder.encode(text))
        made.set_cfg(3.0)
        return made

    pipeline = make_pipeline(sampling, first, flow(), given=GraphInputs(guider=guider("another", "not this")))
    made = latents_of(sampling, pipeline, ITEMS, 3)
    assert pipeline.batches == [3]
    alone = [(guider(one.prompt, one.negative), one) for one in ITEMS]
    check_equal(made, [by_native_guider(comfyui, first, lone, euler, sigmas, one) for lone, one in alone])


def extra(model, values):
    """What a model that can draw by the picture alone is told without a text: one of zeros."""
    values.setdefault("cross_attn", torch.zeros(1, 16, 24))
    values.setdefault("pooled_output", torch.zeros(1, 8))
    return type(model).extra_conds(model, **values)


def test_a_guider_with_a_second_model_gives_that_one_the_texts_of_each_image_too(comfyui, sampling, flux):
    """The regression: the model that newer dual guiders keep for the negative took the first image's text for all."""
    import comfy.samplers

    guider = comfy.samplers.CFGGuider(flux.model)
    guider.set_conds(flux.encoder.encode("a fox"), flux.encoder.encode("blurry"))
    guider.uncond_model_patcher = flux.model.clone()
    adopted = sampling.guiders.adopt_guider(guider, flux.model)
    for patcher in (adopted.model_patcher, adopted.uncond_model_patcher):
        assert "extra_conds" in patcher.object_patches
    assert "extra_conds" not in guider.uncond_model_patcher.object_patches, "the graph's own stays as it is"

"""Batched sampling against ComfyUI's own KSampler, one image at a time."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hyponet.evaluation.pictures.tensors import to_uint8
from hyponet.nodes.dataset.store.description import Copies
from hyponet.nodes.dataset.store.encode import Encoding
from hyponet.nodes.prompts.item import ClassSpec, Item
from hyponet.nodes.prompts.plan import Plan
from hyponet.nodes.prompts.wildcards.library import Library
from hyponet.nodes.sampling.decoding import decode
from hyponet.nodes.sampling.generate import GenerationLoop
from hyponet.nodes.sampling.job import Request
from hyponet.nodes.sampling.settings import SamplingSettings

SIZE = 64
PROMPTS = ("a red horse", "cat, " * 40, "ship in a harbour")  # the second is longer than one window of 77 tokens


def item(rank, prompt="", seed=None):
    return Item("horse", rank, 0, prompt or PROMPTS[rank % 3], "blurry", (), 1000 + rank if seed is None else seed)


def settings(sampler="dpmpp_2m", **changes):
    values = {"width": SIZE, "height": SIZE, "steps": 4, "cfg": 5.0, "sampler": sampler, "scheduler": "karras"}
    return SamplingSettings(**{**values, "batch_size": 3, "denoise": 1.0, "switch_at": 0.8, **changes})


def native_latent(comfyui, models, chosen, one, start=None):
    """What the native nodes sample: two CLIP Text Encodes, an empty latent or VAE Encode, KSampler; batch of one."""
    conds = [models.encoder.encode(text) for text in (one.prompt, one.negative)]
    latent = torch.zeros(1, 4, SIZE // 8, SIZE // 8) if start is None else models.vae.encode(start)
    return comfyui.sample.sample(
        models.model,
        comfyui.sample.prepare_noise(latent, one.seed),
        chosen.steps,
        chosen.cfg,
        chosen.sampler,
        chosen.scheduler,
        *conds,
        latent,
        denoise=chosen.denoise,
        disable_pbar=True,
        seed=one.seed,
    )


def native_picture(comfyui, models, chosen, one, start=None):
    """The native latent through VAE Decode, with Save Image's own arithmetic (nodes.py of ComfyUI 0.3.75)."""
    pixels = models.vae.decode(native_latent(comfyui, models, chosen, one, start)).numpy()[0]
    return np.clip(255.0 * pixels, 0, 255).astype(np.uint8)


def make_pipeline(sampling, models, chosen, **more):
    return sampling.pipeline.ComfyPipeline(models.model, models.vae, models.encoder, chosen, **more)


def make(sampling, pipeline, items, batch_size, prefetch=0):
    """Item rank -> picture, made by the loop that the node runs."""
    made = {}
    loop = GenerationLoop(
        pipeline,
        lambda one, picture: made.__setitem__(one.rank, picture),
        lambda done, denoised: None,
        sampling.memory.out_of_memory,
        sampling.memory.release_memory,
        batch_size=batch_size,
        steps=pipeline.settings.steps,
        prefetch=prefetch,
    )
    with torch.inference_mode():
        assert loop.generate(items) == len(items)
    return made


def largest_difference(first, second):
    return int(np.abs(first.astype(int) - second.astype(int)).max())


RUN_ALONE = {"dpm_adaptive"}  # its error norm spans the batch (comfy/k_diffusion/sampling.py, PIDStepSizeController)


def samplers():
    from comfy.samplers import SAMPLER_NAMES

    return sorted(set(SAMPLER_NAMES) - RUN_ALONE)


def test_few_native_samplers_run_alone(sampling):
    step_noise = sampling.step_noise
    alone = {name for name in sampling.engine.SAMPLERS if step_noise.step_noise(name) is step_noise.StepNoise.ALONE}
    assert alone == RUN_ALONE


@pytest.mark.parametrize("sampler", samplers())
def test_sampler_gives_an_image_in_a_batch_what_it_gives_it_alone(comfyui, sampling, sd15, sampler):
    chosen = settings(sampler)
    items = [item(0), item(2)]
    pipeline = make_pipeline(sampling, sd15, chosen)
    with torch.inference_mode():
        together = pipeline.sample(pipeline.encode(items), lambda *_: None)
        alone = native_latent(comfyui, sd15, chosen, items[1])
    assert (together[0] - alone[0]).abs().max() > alone.std(), "other images are other pictures"
    # latents, since a random VAE flattens differences; 2 of 255 of a range of 4 deviations is 3e-2 of one
    assert (together[1] - alone[0]).abs().max() < 3e-3 * alone.std()


@pytest.mark.parametrize(("models", "sampler"), [("sd15", "dpmpp_2m"), ("sd15", "dpmpp_2m_sde"), ("sdxl", "dpmpp_2m")])
def test_picture_is_the_native_one_in_any_batch(request, comfyui, sampling, models, sampler):
    models = request.getfixturevalue(models)
    chosen = settings(sampler, steps=2)
    items = [item(rank) for rank in range(8)]  # two of them long
    pipeline = make_pipeline(sampling, models, chosen)
    of_eight, of_three = make(sampling, pipeline, items, 8), make(sampling, pipeline, items, 3)
    alone = make(sampling, pipeline, items[4:5], 1)[4]
    with torch.inference_mode():
        native = native_picture(comfyui, models, chosen, items[4])
    assert largest_difference(of_eight[4], of_eight[5]) > 20, "a flat picture would prove nothing"
    assert largest_difference(alone, native) == 0
    for rank, picture in of_eight.items():
        assert largest_difference(picture, of_three[rank]) <= 2
    assert largest_difference(of_eight[4], native) <= 2


def test_dpm_adaptive_runs_one_image_at_a_time(comfyui, sampling, sd15):
    chosen = settings("dpm_adaptive", steps=2, scheduler="simple")  # a short range of noise, few steps
    with torch.inference_mode():
        native = native_picture(comfyui, sd15, chosen, item(2))
    assert (
        largest_difference(make(sampling, make_pipeline(sampling, sd15, chosen), [item(0), item(2)], 2)[2], native) == 0
    )
    with pytest.raises(ValueError, match="runs one image at a time"):
        sampling.stages.per_image_sampler("dpm_adaptive", [1, 2])


def test_samplers_of_a_comfyui_without_the_noise_known_here_run_one_image_at_a_time(comfyui, sampling, monkeypatch):
    sampler = comfyui.samplers.ksampler("dpmpp_2m_sde")
    monkeypatch.delattr("comfy.k_diffusion.sampling.BrownianTreeNoiseSampler")
    with pytest.raises(ValueError, match="sampler is dpmpp_2m_sde for 2 images; it runs one image at a time"):
        sampling.stages.per_image_sampler(sampler, [1, 2])
    assert sampling.stages.per_image_sampler(sampler, [1]) is sampler
    assert sampling.stages.per_image_sampler("euler_ancestral", [1, 2]) is not sampler


def test_start_image_gives_what_vae_encode_and_ksampler_give(comfyui, sampling, sd15):
    chosen = settings(denoise=0.5)
    start = torch.rand(1, SIZE, SIZE, 3, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        pipeline = make_pipeline(
            sampling, sd15, chosen, start_latents=sampling.latents.encode_start_images(sd15.vae, start, chosen)
        )
        native = native_picture(comfyui, sd15, chosen, item(1), start)
    assert largest_difference(make(sampling, pipeline, [item(0), item(1), item(2)], 3)[1], native) <= 2


@pytest.mark.parametrize("sampler", ["dpmpp_2m", "euler_ancestral"])
def test_refiner_takes_over_as_a_second_ksampler_advanced_does(comfyui, sampling, sd15, sampler):
    """One model stands for both; the server test has SDXL's real pair."""
    chosen, one = settings(sampler, switch_at=0.5), item(2)
    latent = torch.zeros(1, 4, SIZE // 8, SIZE // 8)
    texts = [sd15.encoder.encode(text) for text in (one.prompt, one.negative)]
    names = (chosen.steps, chosen.cfg, chosen.sampler, chosen.scheduler, *texts)
    with torch.inference_mode():
        noise = comfyui.sample.prepare_noise(latent, one.seed)
        for start, last in ((0, 2), (2, 10000)):  # the node's start_at_step and end_at_step
            latent = comfyui.sample.sample(
                sd15.model, noise, *names, latent, start_step=start, last_step=last,
                force_full_denoise=start > 0, disable_pbar=True, seed=one.seed,
            )  # fmt: skip
            noise = torch.zeros_like(latent)
        native = to_uint8(sd15.vae.decode(latent))[0]
    pipeline = make_pipeline(sampling, sd15, chosen, refiner=sd15.model, refiner_encoder=sd15.encoder)
    items = [item(0), item(1), one]
    at_once, in_turn = make(sampling, pipeline, items, 3), make(sampling, pipeline, items, 2, prefetch=64)
    assert largest_difference(at_once[2], native) <= 2
    assert largest_difference(in_turn[2], native) <= 2
    plain = make(sampling, make_pipeline(sampling, sd15, settings(sampler, steps=2)), [one], 1)[2]
    assert largest_difference(plain, native) > 20


class OneAtATime(torch.nn.Module):
    """A VAE's network on a device that holds so many pictures at once and no more."""

    def __init__(self, network, most):
        super().__init__()
        self.network, self.most, self.asked = network, most, []

    def decode(self, latents):
        self.asked.append(len(latents))
        if len(latents) > self.most:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return self.network.decode(latents)


def test_out_of_memory_in_the_sampler_halves_the_batch_and_loses_nothing(sampling, sd15):
    """Images are counted, not rows: with little memory free ComfyUI lets positives and negatives through in turn."""
    asked = []

    def crowded(apply, arguments):
        asked.append(len(arguments["input"]) // len(arguments["cond_or_uncond"]))
        if asked[-1] > 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return apply(arguments["input"], arguments["timestep"], **arguments["c"])

    small = SimpleNamespace(model=sd15.model.clone(), vae=sd15.vae, encoder=sd15.encoder)
    small.model.set_model_unet_function_wrapper(crowded)
    chosen, items = settings(steps=2), [item(rank) for rank in range(9)]
    pictures = make(sampling, make_pipeline(sampling, small, chosen), items, 8)
    assert asked[:3] == [8, 4, 2]
    assert set(asked[3:]) == {2, 1}
    assert asked[-1] == 1, "eight, then four, then two at a time, then the ninth"
    expected = make(sampling, make_pipeline(sampling, sd15, chosen), items, 1)
    assert sorted(pictures) == list(range(9))
    assert max(largest_difference(pictures[rank], expected[rank]) for rank in range(9)) <= 2


def test_an_image_that_does_not_fit_alone_is_an_error(sampling, sd15):
    def full(apply, arguments):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    small = SimpleNamespace(model=sd15.model.clone(), vae=sd15.vae, encoder=sd15.encoder)
    small.model.set_model_unet_function_wrapper(full)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        make(sampling, make_pipeline(sampling, small, settings()), [item(0), item(1)], 2)


def test_a_vae_short_of_memory_decodes_smaller_batches_and_tiles_only_single_pictures(sd15, caplog):
    latents = torch.randn(4, 4, SIZE // 8, SIZE // 8, generator=torch.Generator().manual_seed(0))
    whole = sd15.vae.decode(latents)
    vae = copy.copy(sd15.vae)
    vae.first_stage_model = OneAtATime(sd15.vae.first_stage_model, most=1)
    pixels, tiled = decode(vae, latents, lambda: None)
    assert tiled == 0
    assert torch.allclose(pixels, whole, atol=1e-4)
    assert vae.first_stage_model.asked == [4, 2, 1, 1, 2, 1, 1]


def test_a_picture_that_had_to_be_tiled_is_counted_and_logged(sd15, caplog):
    class FirstTimeFull(OneAtATime):
        def decode(self, latents):
            self.most = 0 if not self.asked else 9
            return super().decode(latents)

    vae = copy.copy(sd15.vae)
    vae.first_stage_model = FirstTimeFull(sd15.vae.first_stage_model, most=0)
    pixels, tiled = decode(vae, torch.zeros(1, 4, 8, 8), lambda: None)
    assert (tiled, tuple(pixels.shape)) == (1, (1, SIZE, SIZE, 3))
    assert "in tiles" in caplog.text


def test_texts_are_encoded_once_and_as_clip_text_encode_does(sd15):
    known = sd15.encoder.encode("a cat")
    assert sd15.encoder.encode("a cat") is known
    native = sd15.clip.encode_from_tokens_scheduled(sd15.clip.tokenize("a cat"))
    assert known[0][0].shape == (1, 77, 768)
    assert torch.equal(known[0][0], native[0][0])
    assert torch.equal(known[0][1]["pooled_output"], native[0][1]["pooled_output"])


def test_a_clip_of_another_kind_of_model_is_named(sampling, sd15, sdxl):
    """The regression: "mat1 and mat2 shapes cannot be multiplied", from deep inside the model."""
    mixed = SimpleNamespace(model=sd15.model, vae=sd15.vae, encoder=sdxl.encoder)
    pipeline = make_pipeline(sampling, mixed, settings(steps=1))
    with pytest.raises(ValueError, match=r"clip gives \S+ features a token; expected \S+; connect the CLIP of"):
        pipeline.encode([item(0)])


@pytest.mark.parametrize("sampler", ["euler_ancestral", "dpmpp_2m_sde"])
def test_one_seed_is_not_the_step_noise_of_a_whole_batch(sampling, sampler):
    """The regression: noise of one image was added to all of a batch, without a word."""
    per_image = sampling.stages.per_image_sampler(sampler, [7])
    noisy, sigmas = torch.zeros(3, 4, 8, 8), torch.tensor([1.0, 0.5, 0.0])
    with pytest.raises(ValueError, match="latent batch has 3 images and the plan batch has 1"):
        per_image.sampler_function(lambda x, sigma, **_: x, noisy, sigmas, {}, None, True)


def test_a_start_image_of_one_channel_is_that_of_three_equal_ones(sampling, sd15):
    """The regression: a raw error of the VAE's first convolution."""
    grey = torch.rand(1, 48, 64, 1, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        one, three = (
            sampling.latents.encode_start_images(sd15.vae, start, settings())
            for start in (grey, grey.expand(-1, -1, -1, 3))
        )
    assert torch.equal(one, three)


def test_a_set_is_made_whole_and_a_finished_one_needs_no_model(sampling, sd15, tmp_path, monkeypatch):
    import folder_paths

    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))
    plan = Plan([ClassSpec("cat"), ClassSpec("dog")], "a __class__", Library([]), images_per_class=1)
    request = Request(plan, "pets", settings(steps=1), None, Encoding(), Copies())
    prompt = {"1": {"class_type": "HypoNetGenerateDataset", "inputs": {}}}
    hidden = SimpleNamespace(prompt=prompt, dynprompt=None, extra_pnginfo=None, unique_id="1")
    with torch.inference_mode():
        models = {"model": sd15.model, "clip": sd15.clip, "vae": sd15.vae}
        outputs = sampling.engine.generate_dataset(sampling.engine.make_job(request, hidden), models, None)
        again = sampling.engine.generate_dataset(sampling.engine.make_job(request, hidden), {}, None)
    assert [run.ui["hyponet"][0]["made"] for run in (outputs, again)] == [2, 0]
    assert outputs.dataset.path == tmp_path / "datasets" / "pets"


def test_a_set_is_not_continued_where_its_sampler_draws_other_noise(sampling, sd15, tmp_path, monkeypatch):
    """ComfyUI 0.8 began to add 1 to the seed of the steps' noise on a CPU (k_diffusion/sampling.py)."""
    import comfy.k_diffusion.sampling as engine
    import folder_paths

    monkeypatch.setattr(folder_paths, "get_output_directory", lambda: str(tmp_path))
    plan = Plan([ClassSpec("cat"), ClassSpec("dog")], "a __class__", Library([]), images_per_class=1)
    hidden = SimpleNamespace(prompt={}, dynprompt=None, extra_pnginfo=None, unique_id="1")
    models = {"model": sd15.model, "clip": sd15.clip, "vae": sd15.vae}
    old = engine.default_noise_sampler

    def generate(sampler):
        request = Request(plan, sampler, settings(sampler, steps=1), None, Encoding(), Copies())
        with torch.inference_mode():
            return sampling.engine.generate_dataset(sampling.engine.make_job(request, hidden), models, None)

    for sampler in ("euler", "euler_ancestral", "dpmpp_sde"):
        generate(sampler)
    monkeypatch.setattr(engine, "default_noise_sampler", lambda x, seed=None: old(x, seed=seed + 1))
    generate("euler")
    generate("dpmpp_sde")  # its noise is a Brownian tree
    said = r"step_noise_by_comfyui_version_and_device: \"[0-9a-f]{12}\" there, \"[0-9a-f]{12}\" now"
    with pytest.raises(ValueError, match=said):
        generate("euler_ancestral")


def test_pictures_that_are_no_numbers_are_an_error_and_not_black(sampling, sd15):
    """As a VAE in half precision gives them; black pictures under a label would be trained on."""

    def broken(apply, arguments):
        return apply(arguments["input"], arguments["timestep"], **arguments["c"]) * torch.nan

    bad = SimpleNamespace(model=sd15.model.clone(), vae=sd15.vae, encoder=sd15.encoder)
    bad.model.set_model_unet_function_wrapper(broken)
    with pytest.raises(ValueError, match=r"the VAE's output has 2 pictures with pixels that are not finite .*fp32-vae"):
        make(sampling, make_pipeline(sampling, bad, settings(steps=2)), [item(0), item(1)], 2)

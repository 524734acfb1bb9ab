"""Batches of different prompts on models of joint attention and masks, against ComfyUI's sampler one by one."""

from __future__ import annotations

import pytest
import torch

from hyponet.nodes.sampling.generate import GenerationLoop

from .test_engine import item, make_pipeline, settings
from .tiny_families import FAMILIES, tiny_family

PROMPTS = ["a red horse", "a blue cat in the rain", "one ship", "two small dogs", "an old oak in the rain today"]


def native_latent(comfyui, models, chosen, one, **extras):
    texts = [models.encoder.encode(text)[0] for text in (one.prompt, one.negative)]
    conds = [[[tokens, {**more, **extras}]] for tokens, more in texts]
    latent = comfyui.sample.fix_empty_latent_channels(models.model, torch.zeros(1, 4, 8, 8))
    noise = comfyui.sample.prepare_noise(latent, one.seed)
    names = (chosen.steps, chosen.cfg, chosen.sampler, chosen.scheduler)
    return comfyui.sample.sample(models.model, noise, *names, *conds, latent, disable_pbar=True, seed=one.seed)


@pytest.fixture
def pixels_of_eight(sampling, monkeypatch):
    """The models here have no VAE."""
    monkeypatch.setattr(sampling.pipeline.ComfyPipeline, "ratio", 8)


def latents_of(sampling, pipeline, items, batch_size):
    made = {}
    pipeline.decode = lambda latents: latents.numpy()
    loop = GenerationLoop(
        pipeline,
        lambda one, picture: made.__setitem__(one.rank, torch.from_numpy(picture)),
        lambda done, denoised: None,
        sampling.memory.out_of_memory,
        sampling.memory.release_memory,
        batch_size=batch_size,
        steps=pipeline.settings.steps,
        prefetch=64,
    )
    with torch.inference_mode():
        assert loop.generate(items) == len(items)
    return made


@pytest.mark.parametrize("family", FAMILIES)
def test_an_image_in_a_batch_of_other_prompts_is_the_native_one(comfyui, sampling, pixels_of_eight, family):
    models = tiny_family(comfyui, family)
    chosen = settings("euler", steps=2, scheduler="simple", batch_size=4)
    items = [item(rank, PROMPTS[rank % 5]) for rank in range(8)]
    pipeline = make_pipeline(sampling, models, chosen)
    together = latents_of(sampling, pipeline, items, 4)
    assert max(pipeline.batches) > 1
    with torch.inference_mode():
        natives = [native_latent(comfyui, models, chosen, one)[0] for one in items]
    deviation = torch.stack(natives).std()
    assert deviation > 0.1
    assert (natives[0] - natives[1]).abs().max() > 0.1 * deviation, "a model that ignores its texts would prove nothing"
    for rank, native in enumerate(natives):
        assert (together[rank] - native).abs().max() < 1e-3 * deviation


def test_texts_that_the_model_does_not_take_together_run_one_by_one_and_it_is_said(
    comfyui, sampling, pixels_of_eight, monkeypatch
):
    """A model that is told one number for a whole batch, as Mochi is of its tokens."""
    import comfy.conds

    models = tiny_family(comfyui, "flux")
    of_flux = models.model.model.extra_conds

    def extra_conds(**values):
        return {**of_flux(**values), "words": comfy.conds.CONDConstant(values["cross_attn"].sum().item())}

    monkeypatch.setattr(models.model.model, "extra_conds", extra_conds)
    chosen = settings("euler", steps=2, scheduler="simple", batch_size=4)
    pipeline = make_pipeline(sampling, models, chosen)
    items = [item(rank, PROMPTS[rank]) for rank in range(4)]
    apart = latents_of(sampling, pipeline, items, 4)
    assert pipeline.batches == [1, 1, 1, 1]
    (said,) = pipeline.warnings(4)
    assert said.startswith("4 images took 4 batches where 1 of 4 would do")
    assert "one value of words for" in said
    with torch.inference_mode():
        assert torch.equal(apart[3], native_latent(comfyui, models, chosen, items[3])[0])


def test_lengths_that_a_model_cannot_take_together_are_told_of(comfyui, sampling, pixels_of_eight):
    models = tiny_family(comfyui, "z_image")
    pipeline = make_pipeline(sampling, models, settings("euler", steps=1, scheduler="simple", batch_size=4))
    latents_of(sampling, pipeline, [item(rank, " ".join("abcd"[: rank + 1])) for rank in range(4)], 4)
    assert pipeline.batches == [1, 1, 1, 1]
    assert "different numbers of tokens, and this model takes one number at a time" in pipeline.warnings(4)[0]
    assert pipeline.warnings(1) == [], "memory allowed no more: the prompts are not to blame"


@pytest.mark.parametrize("family", ["flux", "z_image", "qwen_image"])
def test_encode_prompts_gives_a_batch_for_any_native_sampler(comfyui, sampling, family):
    """The regression: an error about "several entries" for every encoder that gives an attention mask."""
    models = tiny_family(comfyui, family)
    chosen = settings("euler", steps=2, scheduler="simple")
    items = [item(0, "a red horse"), item(1, "one blue ship")]
    positive, negative = sampling.pipeline.encode_batch(models.encoder.clip, items)
    latents = comfyui.sample.fix_empty_latent_channels(models.model, torch.zeros(2, 4, 8, 8))
    names = (chosen.steps, chosen.cfg, chosen.sampler, chosen.scheduler)
    noise = sampling.noise.start_noise(latents, [one.seed for one in items])
    with torch.inference_mode():
        together = comfyui.sample.sample(models.model, noise, *names, positive, negative, latents, disable_pbar=True)
        for latent, one in zip(together, items, strict=True):
            native = native_latent(comfyui, models, chosen, one)[0]
            assert (latent - native).abs().max() < 1e-3 * native.std()

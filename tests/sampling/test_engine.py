"""Batched sampling against ComfyUI's own KSampler, one image at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hyponet.nodes.prompts.plan import Item
from hyponet.nodes.sampling.settings import Settings

SIZE = 64
PROMPTS = ("a red horse", "cat, " * 40, "ship in a harbour")  # the second is longer than one window of 77 tokens


def item(rank, prompt="", seed=None):
    return Item("horse", rank, 0, prompt or PROMPTS[rank % 3], "blurry", (), 1000 + rank if seed is None else seed)


def settings(sampler="dpmpp_2m", **changes):
    values = {"width": SIZE, "height": SIZE, "steps": 4, "cfg": 5.0, "sampler": sampler, "scheduler": "karras"}
    return Settings(**{**values, "batch_size": 3, "denoise": 1.0, "switch_at": 0.8, **changes})


def native_picture(comfyui, models, chosen, one):
    """What the native nodes draw: two CLIP Text Encodes, an empty latent, KSampler, VAE Decode, Save Image."""
    conds = [models.clip.encode_from_tokens_scheduled(models.clip.tokenize(text)) for text in (one.prompt, one.negative)]
    latent = torch.zeros(1, 4, SIZE // 8, SIZE // 8)
    samples = comfyui.sample.sample(
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
    return np.clip(255.0 * models.vae.decode(samples).numpy(), 0, 255).astype(np.uint8)[0]


def our_pictures(engine, models, chosen, items):
    studio = engine.Studio(models.model, models.vae, engine.Encoder(models.clip, lambda: None), chosen)
    batch = studio.encode(items)
    return studio.decode(studio.sample(batch, lambda *_: None))


def largest_difference(first, second):
    return int(np.abs(first.astype(int) - second.astype(int)).max())


@pytest.fixture(scope="session")
def engine(comfyui):
    from hyponet.nodes.sampling import engine

    return engine


def samplers():
    from hyponet.nodes.sampling.samplers import KINDS

    return sorted(KINDS)


@pytest.mark.parametrize("sampler", samplers())
def test_picture_in_a_batch_is_the_one_that_ksampler_draws_alone(comfyui, engine, sd15, sampler):
    chosen = settings(sampler)
    items = [item(0), item(1), item(2)]
    with torch.inference_mode():
        together = our_pictures(engine, sd15, chosen, items)
        for one, picture in zip(items, together, strict=True):
            native = native_picture(comfyui, sd15, chosen, one)
            assert native.std() > 1, "a flat picture would prove nothing"
            assert largest_difference(native, picture) <= 2

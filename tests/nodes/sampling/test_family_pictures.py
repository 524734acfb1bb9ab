"""Pictures of today's families by their stand-ins: alike in every batch, and those of ComfyUI's own nodes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hyponet.nodes.sampling.encoding import Encoder
from hyponet.tests.tools.families import FAMILIES

from .test_engine import SIZE, item, largest_difference, make, make_pipeline, settings

PROMPTS = ["a fox", "a whale in the sea", "a red ship", "one tree", "an owl at night", "a fox", "two hens", "a car"]


def native_picture(comfyui, models, chosen, one):
    """CLIP Text Encode, Empty Latent Image of the model's kind, KSampler, VAE Decode, Save Image: one image."""
    latent_format = models.model.get_model_object("latent_format")
    side = SIZE // models.vae.spacial_compression_decode()
    latent = comfyui.sample.fix_empty_latent_channels(models.model, torch.zeros(1, 4, side, side))
    assert latent.shape[1] == latent_format.latent_channels
    texts = [models.encoder.encode(text) for text in (one.prompt, one.negative)]
    names = (chosen.steps, chosen.cfg, chosen.sampler, chosen.scheduler)
    noise = comfyui.sample.prepare_noise(latent, one.seed)
    samples = comfyui.sample.sample(models.model, noise, *names, *texts, latent, disable_pbar=True, seed=one.seed)
    pixels = models.vae.decode(samples).reshape(SIZE, SIZE, 3).numpy()
    return np.clip(255.0 * pixels, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_picture_is_the_native_one_in_any_batch(comfyui, sampling, name):
    loaded = FAMILIES[name].load()
    encoder = Encoder(loaded.clip, lambda: None)
    models = SimpleNamespace(model=loaded.model, vae=loaded.vae, encoder=encoder)
    chosen = settings("euler", steps=2, scheduler="simple", cfg=1.0, batch_size=8)
    items = [item(rank, prompt) for rank, prompt in enumerate(PROMPTS)]
    pipeline = make_pipeline(sampling, models, chosen)
    with torch.inference_mode():
        of_eight = make(sampling, pipeline, items, 8, prefetch=64)
        of_three = make(sampling, make_pipeline(sampling, models, chosen), items[:3], 3, prefetch=64)
        alone = make(sampling, make_pipeline(sampling, models, chosen), items[1:2], 1)
        native = native_picture(comfyui, models, chosen, items[1])
    assert max(pipeline.batches) > 1, pipeline.apart
    assert {picture.shape for picture in of_eight.values()} == {(SIZE, SIZE, 3)}
    assert largest_difference(of_eight[1], of_eight[2]) > 4, "a flat picture would prove nothing"
    assert largest_difference(alone[1], native) <= 2
    assert largest_difference(of_eight[1], native) <= 2
    for rank, picture in of_three.items():
        assert largest_difference(of_eight[rank], picture) <= 2

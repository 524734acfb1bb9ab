"""The stand-ins of today's families are what ComfyUI takes them for; prompt and seed give each its own picture."""

from __future__ import annotations

import pytest

from hyponet.nodes.sampling.advice import candidates
from hyponet.nodes.sampling.model_facts import facts_of
from hyponet.tests.tools.families import FAMILIES

# what `advice` takes them for, and whether their encoder reads weights: disable_weights in comfy/text_encoders
KINDS = {
    "SD3.5": ("SD 3 and 3.5", False),
    "FLUX.1 dev": ("FLUX.1 dev", False),
    "FLUX.1 schnell": ("FLUX.1 schnell", False),
    "FLUX.2": ("FLUX.2 dev", True),
    "Z-Image": ("Z-Image Turbo", True),
    "Qwen-Image": ("Qwen-Image with a Lightning LoRA", True),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_native_loaders_know_the_family_and_its_prompts_and_seeds_make_different_pictures(comfyui, caplog, name):
    import comfy.sample
    import torch

    from hyponet.nodes.lora.unet import family_of

    family = FAMILIES[name]
    with torch.inference_mode():
        loaded = family.load()
        assert type(loaded.model.model.model_config).__name__ == family.config
        assert "missing" not in caplog.text.replace("torchaudio missing", "")
        latent_format = loaded.model.get_model_object("latent_format")
        side = 4 if latent_format.latent_channels == 128 else 8
        shape = [1, latent_format.latent_channels, *[1] * (latent_format.latent_dimensions - 2), side, side]

        def draw(prompt: str, seed: int) -> torch.Tensor:
            text = loaded.clip.encode_from_tokens_scheduled(loaded.clip.tokenize(prompt))
            empty = torch.zeros(shape)
            noise = comfy.sample.prepare_noise(empty, seed)
            latents = comfy.sample.sample(
                loaded.model, noise, 2, 1.0, "euler", "simple", text, text, empty, seed=seed, disable_pbar=True
            )
            return loaded.vae.decode(latents).reshape(-1, 64, 64, 3)[0]

        fox, whale, other_seed = draw("a fox", 1), draw("a whale", 1), draw("a whale", 2)
    facts = facts_of(loaded.model, loaded.clip, ())
    assert (candidates(facts)[0].name, facts.ignores_weights) == KINDS[name]
    with pytest.raises(ValueError, match=rf"model is {family.config} \(FL\w+\); expected SD 1.x or SDXL base"):
        family_of(loaded.model)  # LoRA Training
    assert torch.isfinite(fox).all()
    assert (fox - whale).abs().max() > 4 / 255
    assert (whale - other_seed).abs().mean() > 4 / 255

"""What the loss compares: the noise or v, as the model says it, held against the formulas on the raw UNet."""

from __future__ import annotations

import pytest
import torch

from hyponet.nodes.lora.denoiser import EPSILON, UNetDenoiser, V
from hyponet.nodes.lora.examples import literal_tokens, weighted_tokens

TIMESTEPS = (10, 300, 700, 990, 999)


def sampled_by(model, prediction, zero_snr):
    """The MODEL as the native node ModelSamplingDiscrete gives it."""
    from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete

    names = {EPSILON: "eps", V: "v_prediction"}
    with torch.inference_mode():
        return ModelSamplingDiscrete().patch(model, names[prediction], zero_snr)[0]


@pytest.mark.parametrize(
    ("family", "prediction", "zero_snr"),
    [("sd15", EPSILON, False), ("sdxl", EPSILON, False), ("sd15", V, False), ("sdxl", V, False), ("sdxl", V, True)],
)
def test_the_loss_is_the_formulas(request, engine, captioned, encoded, family, prediction, zero_snr):
    """At five timesteps, against the UNet itself in float32.

    DDPM (Ho et al. 2020): z = sqrt(a) x + sqrt(1 - a) e, loss (e' - e)^2; Salimans and Ho 2022, appendix D:
    v = sqrt(a) e - sqrt(1 - a) x, loss (v' - v)^2. Noise in the scale of e' of a v model: (v' - v)^2 a. SD's own
    betas are the squares of 1,000 even steps from sqrt(0.00085) to sqrt(0.012); zero terminal SNR by Lin et al. 2024,
    algorithm 1, where a is 0 at the end (ComfyUI has 4.9e-8).
    """
    import comfy.model_management

    from hyponet.nodes.lora.unet import family_of

    model, clip, vae = request.getfixturevalue(family)
    examples = encoded((model, clip, vae), captioned(*["a cat"] * 5))
    abar = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2, 0)
    if zero_snr:
        root = abar.sqrt()
        abar = ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2
    timesteps = torch.tensor(TIMESTEPS)
    a = abar[timesteps].float()[:, None, None, None]
    noise = torch.randn(5, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    patched = sampled_by(model, prediction, zero_snr)
    comfy.model_management.load_models_gpu([patched])
    try:
        unet = patched.model
        found = family_of(patched)
        assert (found.prediction, found.has_zero_snr) == (prediction, zero_snr)
        latents = torch.stack([example.latent for example in examples])
        with torch.no_grad():
            vectors = {"y": torch.cat([each.vector for each in examples])} if family == "sdxl" else {}
            dtype = unet.manual_cast_dtype or unet.get_dtype()
            assert dtype == torch.float32
            said = unet.diffusion_model(
                a.sqrt() * latents + (1 - a).sqrt() * noise,
                timesteps.float(),
                context=torch.cat([each.context for each in examples]),
                **vectors,
            ).float()
            true = noise if prediction == EPSILON else a.sqrt() * noise - (1 - a).sqrt() * latents
            expected = (said - true).square().mean((1, 2, 3))
            for target in {EPSILON, prediction}:
                denoiser = UNetDenoiser(unet, examples, torch.device("cpu"), target)
                ours, truth = denoiser.predict(range(5), timesteps, noise)
                loss = (ours - truth).square().mean((1, 2, 3))
                assert torch.isfinite(loss).all()
                scale = a.flatten() if target != prediction else 1.0
                torch.testing.assert_close(loss, expected * scale, rtol=1e-3, atol=1e-6)
    finally:
        patched.detach()


@pytest.mark.parametrize("scaled", [False, True])
def test_a_v_prediction_model_is_trained_on_the_error_of_v(sd15, captioned, encoded, train, tmp_path, scaled):
    """kohya's trainer and diffusers take the mean squared error of v; scaled by alpha^2 only by the option's name.

    By hand: x = alpha z - sigma v, so that v' - v = (x - x') / sigma; ComfyUI's sigma s is sigma / alpha.
    """
    model, clip, vae = sd15
    folder = captioned("a cat")
    latent = encoded(sd15, folder)[0].latent
    errors = []
    original = model.model.apply_model

    def watched(x, sigma, *args, **kwargs):
        denoised = original(x, sigma, *args, **kwargs)
        if torch.is_grad_enabled():
            share = sigma if scaled else sigma / (1 + sigma**2).sqrt()
            errors.append(((latent - denoised.detach().float()) / share[:, None, None, None]).square().mean().item())
        return denoised

    model.model.apply_model = watched
    try:
        result = train(
            (sampled_by(model, V, False), clip, vae), folder, tmp_path, scale_v_pred_loss_like_noise_pred=scaled
        )
    finally:
        del model.model.apply_model
    assert len(errors) == 2
    assert result.figures["losses"] == pytest.approx(errors, rel=0.02)
    assert (result.settings["prediction"], result.settings["loss_of"]) == (V, EPSILON if scaled else V)


def test_the_scaled_loss_of_v_is_refused_for_a_model_of_noise(sd15, captioned, train, tmp_path):
    with pytest.raises(ValueError, match=r"scale_v_pred_loss_like_noise_pred is on, .* switch it off"):
        train(sd15, captioned("a cat"), tmp_path, scale_v_pred_loss_like_noise_pred=True)


@pytest.mark.parametrize("sampling", ["lcm", "x0"])
def test_another_sampling_is_refused(engine, sd15, sampling):
    """Neither noise nor v: the formulas would be others."""
    from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete

    from hyponet.nodes.lora.unet import family_of

    with torch.inference_mode():
        patched = ModelSamplingDiscrete().patch(sd15[0], sampling, False)[0]
    with pytest.raises(ValueError, match=r"expected one that predicts the noise or v at 1000 timesteps"):
        family_of(patched)


def test_a_node_that_changes_the_sampling_makes_another_training(sd15, captioned, train, tmp_path):
    model, clip, vae = sd15
    folder = captioned("a cat")
    train(sd15, folder, tmp_path, epochs=1)
    with pytest.raises(ValueError, match=r"prediction epsilon there, v now"):
        train((sampled_by(model, V, False), clip, vae), folder, tmp_path, epochs=1)
    with pytest.raises(ValueError, match=r"schedule .* there"):
        train((sampled_by(model, EPSILON, True), clip, vae), folder, tmp_path, epochs=1)


@pytest.mark.parametrize(
    "caption",
    [
        "a photo of a crane (bird)",
        "((a)) cat (sitting:1.3), [blue] ) ( :",
        "solo, \\(series\\), c:\\(x",
        "an embedding:cat and embedding:none, Embedding:x",
    ],
)
@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_a_caption_is_text_and_no_prompt(request, family, caption):
    """The numbers of CLIP's own tokenizer (of transformers), each with weight 1."""
    clip = request.getfixturevalue(family)[1]
    for name, chunks in literal_tokens(clip, caption).items():
        tokenizer = getattr(clip.tokenizer, f"clip_{name}").tokenizer
        ours = [pair for chunk in chunks for pair in chunk]
        expected = tokenizer(caption)["input_ids"]
        assert [token for token, _ in ours][: len(expected)] == expected
        assert {weight for _, weight in ours} == {1.0}


def test_captions_are_weighted_on_choice(sd15, captioned, encoded):
    folder = captioned("a (cat:1.5)")
    literal, weighted = (encoded(sd15, folder, tokens)[0].context for tokens in (literal_tokens, weighted_tokens))
    clip = sd15[1]
    with torch.inference_mode():
        prompt, _ = clip.encode_from_tokens(clip.tokenize("a (cat:1.5)"), return_pooled=True)
    torch.testing.assert_close(weighted, prompt.float().clone())
    assert not torch.allclose(literal, weighted, atol=1e-3)

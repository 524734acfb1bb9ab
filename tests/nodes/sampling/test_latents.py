"""The size that is asked for is the size that is drawn, whatever a model's latents are."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import pytest
import torch

from .other_vae import OtherVAE
from .test_engine import SIZE, item, make, settings

# what the VAE of each of ComfyUI's formats enlarges by: upscale_ratio in comfy/sd.py of 0.3.75 and 0.33.0; others: 8
RATIOS = {
    "Flux2": 16, "LTXV": 32, "LTXAV": 32, "Wan22": 16, "HunyuanImage21": 32, "HunyuanVideo15": 16,
    "MiniMaxH3Video": 16, "SC_B": 4, "ChromaRadiance": 1, "ZImagePixelSpace": 1, "HiDreamO1Pixel": 1,
    "PixelDiTPixel": 1,
}  # fmt: skip
# sound and bodies: VAE.decode of them gives (B, T, 2), or no tensor of pixels at all
NO_PICTURES = {
    "StableAudio1", "StableAudio3", "Hunyuan3Dv2", "Hunyuan3Dv2_1", "Hunyuan3Dv2mini", "ACEAudio", "ACEAudio15",
    "MiniMaxMusic3", "MiniMaxH3AV", "TripoSplat", "Trellis2", "Trellis2SLAT", "Trellis2ShapeSLAT", "Trellis2TexSLAT",
}  # fmt: skip


def model_of(latent_format):
    return SimpleNamespace(get_model_object={"latent_format": latent_format}.__getitem__)


def all_formats():
    """All latent formats of this ComfyUI, and the model families that use them: (name, format)."""
    import comfy.latent_formats
    import comfy.supported_models

    formats = [kind for _, kind in inspect.getmembers(comfy.latent_formats, inspect.isclass)]
    base = comfy.latent_formats.LatentFormat
    for kind in (kind for kind in formats if issubclass(kind, base) and kind is not base):
        yield kind.__name__, kind()
    for family in comfy.supported_models.models:
        kind = family.latent_format
        if kind is not base:  # what finds things in pictures
            yield f"{family.__name__}: {kind.__name__}", kind()


def test_every_latent_format_gives_the_size_asked_for_or_is_refused(comfyui, sampling):
    """The regression: an eighth of the side for all of them, so that Flux.2 drew 2048x1536 for 1024x768."""
    chosen, refused = settings(width=1024, height=768), set()
    for name, latent_format in all_formats():
        kind = type(latent_format).__name__
        sounds = "sound" if kind in NO_PICTURES else "pictures"
        vae = OtherVAE(RATIOS.get(kind, 8), latent_format.latent_channels, draws=sounds)
        model = model_of(latent_format)
        try:
            ratio = sampling.latents.pixels_per_latent(model, vae)
        except ValueError:
            refused.add(kind)
            continue
        latents = sampling.latents.empty_latents(model, ratio, 2, chosen)
        assert latents.ndim == (5 if latent_format.latent_dimensions == 3 else 4), name
        assert latents.shape[:2] == (2, latent_format.latent_channels), name
        assert tuple(vae.decode(latents).shape[-3:-1]) == (768, 1024), name
        if "downscale_ratio_spacial" in inspect.signature(comfyui.sample.fix_empty_latent_channels).parameters:
            native = comfyui.sample.fix_empty_latent_channels(model, torch.zeros(2, 4, 96, 128), 8)
            assert latents.shape == native.shape, f"{name}: what the native Empty Latent Image becomes"
    # a newer ComfyUI knows that Stable Cascade's first stage shrinks by 42, which no VAE undoes
    assert refused - {"SC_Prior"} <= NO_PICTURES
    assert {"StableAudio1", "ACEAudio", "Hunyuan3Dv2"} <= refused


@pytest.mark.parametrize("ratio", [8, 16, 32])
def test_pictures_have_the_asked_size_whatever_the_vae_shrinks_by(sampling, sd15, ratio):
    pipeline = sampling.pipeline.ComfyPipeline(sd15.model, OtherVAE(ratio), sd15.encoder, settings(steps=1))
    assert {picture.shape for picture in make(sampling, pipeline, [item(0), item(1)], 2).values()} == {(SIZE, SIZE, 3)}


@pytest.mark.parametrize(("side", "nearest"), [(72, 64), (88, 96), (8, 16)])
def test_a_side_that_the_model_cannot_draw_is_refused_with_the_nearest(sampling, side, nearest):
    with pytest.raises(ValueError, match=f"width is {side}; expected a multiple of 16 for this model; try {nearest}"):
        sampling.latents.check_size(settings(width=side), 16)


def test_the_vae_of_another_model_is_named_before_anything_is_sampled(sampling, sd15):
    """The regression: torch's raw text, after a whole batch had been sampled."""
    sdxl_like, flux_like = OtherVAE(8), OtherVAE(8, channels=16)
    assert sampling.latents.pixels_per_latent(sd15.model, sdxl_like) == 8
    with pytest.raises(ValueError, match=r"cannot decode the model's latents \(SD15, 4 channels\); it takes 16 chan"):
        sampling.latents.pixels_per_latent(sd15.model, flux_like)


def test_a_real_vae_of_another_kind_is_named(sampling, sd15):
    import comfy.latent_formats

    with pytest.raises(ValueError, match=r"latents \(Flux, 16 channels\); it takes 4 channels; connect the VAE that"):
        sampling.latents.pixels_per_latent(model_of(comfy.latent_formats.Flux()), sd15.vae)


def test_a_picture_of_another_size_is_an_error_before_it_is_kept(sampling, sd15):
    vae, large = OtherVAE(8, draws="growing pictures"), settings(steps=1, width=128, height=128)
    pipeline = sampling.pipeline.ComfyPipeline(sd15.model, vae, sd15.encoder, large)
    with pytest.raises(ValueError, match=r"2 pictures of 128x136 for 2 latents; expected 2 of 128x128"):
        make(sampling, pipeline, [item(0), item(1)], 2)


def test_frames_of_one_video_are_no_pictures_of_a_batch(sampling, sd15):
    """As many frames as pictures, of the right size, and each with something of its neighbours."""
    video = sampling.pipeline.ComfyPipeline(sd15.model, OtherVAE(8, video=True), sd15.encoder, settings(steps=1))
    with pytest.raises(ValueError, match=r"videos of the shape \(1, 2, 64, 64, 3\) for 2 pictures; expected one"):
        make(sampling, video, [item(0), item(1)], 2)
    assert make(sampling, video, [item(0)], 1)[0].shape == (SIZE, SIZE, 3)


def test_each_start_image_is_its_own_for_a_vae_that_takes_a_batch_for_a_video(sampling):
    """The regression: the second start image of a video model's VAE was never used."""
    images = torch.stack([torch.full((SIZE, SIZE, 3), value) for value in (0.25, 0.75)])
    latents = sampling.latents.encode_start_images(OtherVAE(8, video=True), images, settings())
    assert latents[:, 0, 0, 0].tolist() == [0.25, 0.75]

from __future__ import annotations

import pytest
import torch

from hyponet.nodes.sampling.noise import PerImageNoise, each_with_its_own, start_noise


def test_each_image_has_the_noise_that_comfyui_draws_for_it_alone(comfyui):
    latents = torch.zeros(3, 4, 8, 8)
    noise = start_noise(latents, [7, 2**32 - 1, 7])
    for row, seed in enumerate([7, 2**32 - 1, 7]):
        assert torch.equal(noise[row : row + 1], comfyui.sample.prepare_noise(latents[:1], seed))


def test_the_global_generator_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    start_noise(torch.zeros(2, 4, 8, 8), [1, 2])
    assert torch.equal(torch.rand(1), expected)


def test_step_noise_is_the_engine_s_own_of_each_image(comfyui):
    """What k-diffusion draws for a batch of one at each image's seed; versions since 0.8 add 1 to it on a CPU."""
    from comfy.k_diffusion.sampling import default_noise_sampler

    x = torch.zeros(2, 4, 8, 8)
    both = each_with_its_own(default_noise_sampler, x, [1, 2])
    alone = [default_noise_sampler(x[:1], seed=seed) for seed in (1, 2)]
    for _ in range(2):  # the second draw goes on from the first
        assert torch.equal(both(None, None), torch.cat([draw(None, None) for draw in alone]))


def test_a_latent_batch_of_another_size_is_refused():
    with pytest.raises(ValueError, match="latent batch has 4 images and the plan batch has 2"):
        PerImageNoise((1, 2)).generate_noise({"samples": torch.zeros(4, 4, 8, 8)})

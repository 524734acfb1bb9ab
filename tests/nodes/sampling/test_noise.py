from __future__ import annotations

import pytest
import torch

from hyponet.nodes.sampling.noise import PerImageNoise, generator_noise, start_noise


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


def test_step_noise_goes_on_image_by_image():
    x = torch.zeros(2, 4, 8, 8)
    both, second = generator_noise(x, [1, 2]), generator_noise(x[:1], [2])
    first_draw, second_draw = both(None, None), both(None, None)
    assert not torch.equal(first_draw, second_draw)
    assert torch.equal(first_draw[1:], second(None, None))
    assert torch.equal(second_draw[1:], second(None, None))


def test_a_latent_batch_of_another_size_is_refused():
    with pytest.raises(ValueError, match="latent batch has 4 images and the plan batch has 2"):
        PerImageNoise((1, 2)).generate_noise({"samples": torch.zeros(4, 4, 8, 8)})

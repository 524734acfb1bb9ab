"""IMAGE to uint8 and back is the arithmetic of ComfyUI's own SaveImage and LoadImage."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hyponet.evaluation.pictures.memory import pictures_as_images
from hyponet.evaluation.pictures.tensors import check_pixels, to_image, to_uint8

LEVELS = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
def test_floats_are_cut_off_as_save_image_does_it(kind: torch.dtype) -> None:
    images = torch.linspace(-0.5, 1.5, 2 * 8 * 9 * 3).reshape(2, 8, 9, 3).to(kind)
    # SaveImage (nodes.py of ComfyUI 0.3.75), after the float32 that VAEs give it
    expected = np.clip(255.0 * images.float().numpy(), 0, 255).astype(np.uint8)
    assert np.array_equal(to_uint8(images), expected)
    assert np.array_equal(to_uint8(images[1]), expected[1])


def test_numbers_that_are_none_become_black_and_endless_ones_white() -> None:
    images = torch.tensor([torch.nan, torch.inf, -torch.inf]).view(1, 1, 3, 1)
    assert to_uint8(images)[0, 0].tolist() == [[0, 0, 0], [255, 255, 255], [0, 0, 0]]


def test_grey_gets_three_channels_and_alpha_is_left_out() -> None:
    images = torch.rand(2, 4, 5, 4)
    assert np.array_equal(to_uint8(images), to_uint8(images[..., :3]))
    assert np.array_equal(to_uint8(images[..., :1]), to_uint8(images[..., [0, 0, 0]]))


def test_the_images_given_are_not_changed() -> None:
    images = torch.full((1, 2, 2, 3), 2.0)
    to_uint8(images)
    assert torch.equal(images, torch.full((1, 2, 2, 3), 2.0))


def test_there_and_back_is_what_load_image_and_save_image_do() -> None:
    # LoadImage divides by 255 in float32, SaveImage multiplies and truncates (nodes.py of ComfyUI 0.3.75)
    expected = np.clip(255.0 * (LEVELS.astype(np.float32) / 255), 0, 255).astype(np.uint8)
    image = to_image(LEVELS)
    assert image.shape == (1, 16, 16, 3)
    assert np.array_equal(image[0].numpy(), LEVELS.astype(np.float32) / 255)
    assert np.array_equal(to_uint8(image)[0], expected)
    assert torch.equal(to_image(LEVELS[None]), image)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_pictures_with_pixels_that_are_no_numbers_are_refused_by_their_number(value: float) -> None:
    pictures = torch.zeros(3, 4, 4, 3)
    pictures[1, 2, 2, 0] = value
    with pytest.raises(ValueError, match=r"pictures has 1 pictures with pixels .*\(picture 1, .*--fp32-vae"):
        pictures_as_images(pictures)


@pytest.mark.parametrize("shape", [(4, 4, 3), (1, 4, 4, 2), (1, 4, 4, 5), (1, 3, 4, 4, 3)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"images has the shape .*; expected \[pictures, height, width,"):
        check_pixels(torch.zeros(shape))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_grey_colour_and_alpha_are_measured(channels: int) -> None:
    """By hand: 0.5 * 255 = 127.5 is cut to 127, and grey is equal red, green and blue."""
    picture = pictures_as_images(torch.full((1, 4, 4, channels), 0.5)).read(0)
    assert picture.tolist() == np.full((4, 4, 3), 127).tolist()

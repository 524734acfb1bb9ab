"""Preprocessing equals torchvision's own preset on the same PIL picture, and is SaveImage's uint8 before that."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torchvision.models import ResNet50_Weights

from hyponet.nodes.hyponyms.preprocessing import ResizeAndCrop, SquareResize, to_pictures

PRESET = ResNet50_Weights.IMAGENET1K_V1.transforms()  # resize 256, crop 224, bilinear, ImageNet mean and deviation


def images(picture: np.ndarray) -> torch.Tensor:
    """[1,H,W,C] in 0..1, as LoadImage gives it."""
    return torch.from_numpy(picture.astype(np.float32) / 255)[None]


@pytest.mark.parametrize("size", [(300, 451), (451, 300), (256, 256), (257, 999), (64, 64), (1, 7), (1000, 256)])
def test_equals_torchvisions_preset_on_the_same_picture(size):
    picture = Image.fromarray(data.chelsea()).resize(size)
    expected = PRESET(picture)
    assert torch.equal(ResizeAndCrop().picture(picture), expected)
    assert torch.equal(ResizeAndCrop()(images(np.asarray(picture)))[0], expected)


def test_a_batch_is_preprocessed_picture_by_picture():
    batch = torch.cat([images(data.chelsea()[:200, :200]), images(data.coffee()[:200, :200])])
    assert ResizeAndCrop()(batch).shape == (2, 3, 224, 224)
    assert torch.equal(ResizeAndCrop()(batch)[1], ResizeAndCrop()(batch[1:])[0])


# SaveImage: np.clip(255. * image, 0, 255).astype(np.uint8), which truncates
def test_pictures_are_what_save_image_writes():
    values = torch.tensor([-1.0, 0.0, 0.4999, 0.5, 0.999, 1.0, 7.0])
    row = values.view(1, 1, -1, 1).expand(1, 1, -1, 3)
    expected = np.clip(255.0 * values.numpy(), 0, 255).astype(np.uint8)
    assert np.asarray(to_pictures(row)[0])[0, :, 0].tolist() == expected.tolist()
    assert np.asarray(to_pictures(row.half())[0]).shape == (1, 7, 3)


def test_alpha_is_left_out_and_grey_is_spread():
    rgba = torch.rand(1, 4, 5, 4)
    assert np.array_equal(np.asarray(to_pictures(rgba)[0]), np.asarray(to_pictures(rgba[..., :3])[0]))
    assert to_pictures(torch.rand(1, 4, 5, 1))[0].mode == "RGB"


@pytest.mark.parametrize("shape", [(4, 5, 3), (0, 4, 5, 3), (1, 4, 5, 2)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected \[B,H,W,C\]"):
        to_pictures(torch.zeros(shape))


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_picture_to_classify_with_pixels_that_are_no_numbers_is_refused(value):
    """The regression: it was classified with those pixels black or white, and its hyponyms were of some class."""
    picture = images(data.chelsea())
    picture[0, 5, 5, 1] = value
    for preprocess in (ResizeAndCrop(), SquareResize(32, "bicubic", "squash", (0.0,) * 3, (1.0,) * 3)):
        with pytest.raises(ValueError, match=r"image has 1 pictures with pixels .*\(picture 0, .*--fp32-vae"):
            preprocess(picture)


def test_our_own_models_see_a_square_resize_without_crop():
    expected = np.asarray(Image.fromarray(data.chelsea()).resize((32, 32), Image.Resampling.BICUBIC)) / 255.0
    settings = SquareResize(32, "bicubic", "squash", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    found = settings(images(data.chelsea()))[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)

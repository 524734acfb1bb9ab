"""Resizing equals the libraries whose filters it names."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torchvision
from hyponet.evaluation.images import FILTERS, CorruptPicture, decode, resize
from PIL import Image


@pytest.fixture
def photo():
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (50, 70, 3), dtype=np.uint8)


def test_bicubic_is_pils_with_antialias(photo):
    expected = np.asarray(Image.fromarray(photo).resize((32, 32), Image.Resampling.BICUBIC))
    assert np.array_equal(resize(photo, 32), expected)


def test_bilinear_is_what_the_thesis_script_ran(photo):
    # the script's constant 2 means bilinear to torchvision, which leaves PIL pictures to PIL
    thesis = torchvision.transforms.Resize((32, 32), interpolation=torchvision.transforms.InterpolationMode.BILINEAR)
    assert np.array_equal(resize(photo, 32, "bilinear"), np.asarray(thesis(Image.fromarray(photo))))


def test_bicubic_without_antialias_uses_opencvs_kernel():
    # a row 0 0 0 0 255 0 0 0 made half as wide: output pixels sit between two inputs, where OpenCV's cubic with
    # a = -0.75 weighs the four neighbours -3/32, 19/32, 19/32, -3/32 (Keys 1981, equation 4)
    row = np.zeros((8, 8, 3), dtype=np.uint8)
    row[:, 4] = 255
    small = resize(row, 4, "bicubic without antialias")
    weights = np.array([0, -3 / 32, 19 / 32, 0]) * 255
    assert np.array_equal(small[0, :, 0], weights.round().clip(0, 255))


def test_area_is_the_mean_of_what_a_pixel_covers(photo):
    blocks = photo[:48, :64].reshape(16, 3, 16, 4, 3).mean(axis=(1, 3))
    assert np.abs(resize(photo[:48, :64], 16, "area") - blocks).max() <= 0.5
    thirds = np.array([[[0] * 3, [90] * 3, [210] * 3]], dtype=np.uint8).repeat(3, axis=0)
    # two pixels from three: (1 * 0 + 0.5 * 90) / 1.5 and (0.5 * 90 + 1 * 210) / 1.5
    assert resize(thirds, 2, "area")[0, :, 0].tolist() == [30, 170]


def test_centre_crop_takes_the_central_square(photo):
    assert np.array_equal(resize(photo, 50, crop="centre crop"), photo[:, 10:60])


@pytest.mark.parametrize("name", FILTERS)
def test_a_picture_of_the_right_size_is_left_alone(photo, name):
    assert np.array_equal(resize(photo[:50, :50], 50, name), photo[:50, :50])


@pytest.mark.parametrize(("arguments", "message"), [((32, "cubic"), "filter is"), ((0,), "size is"), ((9999,), "size")])
def test_refuses(photo, arguments, message):
    with pytest.raises(ValueError, match=message):
        resize(photo, *arguments)


def test_a_truncated_picture_is_named(photo):
    packed = io.BytesIO()
    Image.fromarray(photo).save(packed, "PNG")
    assert np.array_equal(decode(packed.getvalue(), "whole.png"), photo)
    with pytest.raises(CorruptPicture, match=r"torn\.png"):
        decode(packed.getvalue()[:200], "torn.png")

"""Decoding says and does what torchvision, PIL and a hand count say; resizing equals the libraries it names."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torchvision
from PIL import Image, ImageOps

from hyponet.evaluation.pictures.decode import PICTURE_SUFFIXES, CorruptPicture, decode, has_picture_suffix, is_picture
from hyponet.evaluation.pictures.resize import FILTERS, resize


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


def encoded(picture, kind, **options):
    packed = io.BytesIO()
    picture.save(packed, kind, **options)
    return packed.getvalue()


# by hand: a value over 257 to the nearest; 128 / 257 = 0.498, 129 / 257 = 0.502, 65,406 / 257 = 254.498
SIXTEEN_BITS = {0: 0, 128: 0, 129: 1, 255: 1, 257: 1, 32_896: 128, 65_406: 254, 65_407: 255, 65_535: 255}


@pytest.mark.parametrize(("kind", "order"), [("PNG", "<u2"), ("TIFF", "<u2"), ("TIFF", ">u2")])
def test_sixteen_bit_grey_is_scaled(kind, order):
    picture = encoded(Image.fromarray(np.array([list(SIXTEEN_BITS)], dtype=order)), kind)
    found = decode(picture, "deep")
    assert found.dtype == np.uint8
    assert found.tolist() == [[[value] * 3 for value in SIXTEEN_BITS.values()]]


def test_a_sixteen_bit_pgm_is_scaled_though_pil_opens_it_as_32_bits():
    # Netpbm's own form: values of 0 to maxval 65,535, the high byte first
    picture = b"P5 3 1 65535\n" + bytes([0, 0, 0x80, 0x80, 0xFF, 0xFF])
    assert decode(picture, "deep.pgm")[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("values", [np.int32([[0, 255]]), np.int32([[-1, 70_000]]), np.float32([[0, 0.5]])])
def test_32_bit_values_are_refused_by_name(values):
    with pytest.raises(CorruptPicture, match=r"depth\.tif .*convert it to 8 or 16 bits"):
        decode(encoded(Image.fromarray(values), "TIFF"), "depth.tif")


def test_orientation_and_transparency_are_left_out_as_torchvisions_imagefolder_does(photo, tmp_path):
    alpha = np.dstack([photo, np.arange(50 * 70, dtype=np.uint8).reshape(50, 70)])
    turned = Image.Exif()
    turned[0x0112] = 6  # EXIF's orientation: turn by 90 degrees to show it
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "0.png").write_bytes(encoded(Image.fromarray(alpha), "PNG", exif=turned))
    peer, _ = torchvision.datasets.ImageFolder(tmp_path)[0]
    assert np.array_equal(decode(tmp_path / "class" / "0.png", "0.png"), np.asarray(peer))
    assert peer.size == (70, 50)


@pytest.mark.filterwarnings("ignore:")
@pytest.mark.parametrize("kind", [2, 5, 7, 11, 16])
def test_damage_is_named_whatever_pil_raises(photo, kind):
    # found by trying every byte: PIL 13 raises TypeError or OverflowError where tag 273 (where the pixels are) states
    # its type as text (2), a fraction (5), bytes (7), a float (11) or 64 bits (16)
    whole = encoded(Image.fromarray(photo[:5, :7]), "TIFF")
    place = whole.index((273).to_bytes(2, "little")) + 2
    with pytest.raises(CorruptPicture, match=r"broken\.tif"):
        decode(whole[:place] + bytes([kind]) + whole[place + 1 :], "broken.tif")


def test_lanczos_is_pils(photo):
    expected = np.asarray(Image.fromarray(photo).resize((32, 32), Image.Resampling.LANCZOS))
    assert np.array_equal(resize(photo, 32, "lanczos"), expected)


# EXIF's orientations as PIL turns them for the eye (ImageOps.exif_transpose), and two policies at once
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("deep", [False, True])
def test_a_turned_picture_stands_up_where_asked_for(photo, orientation, deep):
    exif = Image.Exif()
    exif[0x0112] = orientation
    levels = photo[:, :, 0].astype(np.uint16) * 257 if deep else photo
    picture = encoded(Image.fromarray(levels), "PNG", exif=exif)
    plain = Image.open(io.BytesIO(encoded(Image.fromarray(photo), "PNG", exif=exif)))
    upright = np.asarray(ImageOps.exif_transpose(plain))
    expected = np.repeat(upright[:, :, :1], 3, axis=2) if deep else upright
    assert np.array_equal(decode(picture, "turned", orientation="apply"), expected)


def test_transparent_parts_are_dropped_or_laid_on_white():
    # by hand: red 200, clear and half clear (128 of 255): 255 - 55 * 128 / 255 = 227.4, and 255 - 255 * 128 / 255 = 127
    picture = encoded(Image.fromarray(np.uint8([[[200, 0, 0, 0], [200, 0, 0, 128], [200, 0, 0, 255]]])), "PNG")
    assert decode(picture, "clear").tolist() == [[[200, 0, 0]] * 3]
    assert decode(picture, "clear", alpha="white").tolist() == [[[255, 255, 255], [227, 127, 127], [200, 0, 0]]]


def test_a_palette_and_a_grey_picture_with_a_clear_colour_are_laid_on_white():
    palette = Image.fromarray(np.uint8([[0, 1]])).convert("P")
    palette.putpalette([10, 20, 30, 40, 50, 60])
    assert decode(encoded(palette, "PNG", transparency=1), "p", alpha="white").tolist() == [[[10, 20, 30], [255] * 3]]
    grey = encoded(Image.fromarray(np.uint8([[7, 9]])), "PNG", transparency=9)
    assert decode(grey, "grey", alpha="white").tolist() == [[[7] * 3, [255] * 3]]


def test_every_suffix_is_one_of_a_format_that_pil_reads():
    Image.init()
    formats = Image.registered_extensions()
    assert {suffix for suffix in PICTURE_SUFFIXES if formats.get(suffix) not in Image.OPEN} == set()


def test_names_of_pictures_are_told_whatever_their_case(tmp_path):
    assert has_picture_suffix("cat/A.JpEg")
    assert not has_picture_suffix("cat.png.txt")
    for name in ("a.PNG", "._a.png", "a.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in tmp_path.iterdir() if is_picture(path)] == ["a.PNG"]


def test_the_message_names_no_address_of_an_object():
    with pytest.raises(CorruptPicture) as raised:
        decode(b"no picture", "a.png")
    assert "0x" not in str(raised.value)

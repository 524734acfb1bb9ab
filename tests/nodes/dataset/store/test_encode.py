from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from hyponet.nodes.dataset.store.encode import FORMATS, Encoding, encode, parameters_line
from hyponet.nodes.prompts.item import Item

TEXTS = {"prompt": '{"1": {}}', "workflow": '{"nodes": ["\\uace0"]}', "parameters": "a cat\nSteps: 2, Seed: 5"}
GENERATED = b"digitalsourcetype/trainedAlgorithmicMedia"  # the IPTC vocabulary's name for pictures by a model


def picture(height=40, width=56):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("format", ["png", "webp lossless"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (40, 56)])
def test_lossless_formats_give_every_pixel_back(format, shape):
    image = picture(*shape)
    assert np.array_equal(np.asarray(opened(encode(image, Encoding(format), TEXTS)).convert("RGB")), image)


def test_png_is_whole_for_a_strict_reader():
    """PIL's verify checks every chunk's checksum."""
    image = Image.open(io.BytesIO(encode(picture(), Encoding(), TEXTS)))
    assert image.format == "PNG"
    image.verify()  # raises on a chunk whose checksum is wrong


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("text", [True, False])
def test_every_file_says_that_it_is_generated(format, text):
    data = encode(picture(), Encoding(format, text=text), TEXTS)
    assert GENERATED in opened(data).info["xmp"]


def test_png_text_is_what_save_image_writes():
    """ComfyUI's page reads the keywords `prompt` and `workflow`; other tools `parameters`."""
    info = opened(encode(picture(), Encoding(parameters=True), {**TEXTS, "note": "\uace0\uc591\uc774"})).info
    assert {key: info[key] for key in TEXTS} == TEXTS
    assert info["note"] == "\uace0\uc591\uc774"


@pytest.mark.parametrize("format", FORMATS)
def test_parameters_are_left_out_by_default(format):
    """Frontend 1.32.9 opens an import of `parameters` although the graph stands beside it: its issue 6988."""
    data = encode(picture(), Encoding(format), TEXTS)
    assert b"Steps" not in data.replace(b"\0", b"")
    assert b"nodes" in data


def test_text_can_be_switched_off():
    for format in FORMATS:
        data = encode(picture(), Encoding(format, text=False), TEXTS)
        assert b"nodes" not in data
        assert b"Steps" not in data.replace(b"\0", b"")


def test_webp_and_jpeg_carry_the_graph_where_comfyui_reads_it():
    """ComfyUI's SaveAnimatedWEBP: Model (0x0110) `prompt:...`, Make (0x010F) `workflow:...`."""
    for format in ("webp lossless", "webp", "jpeg"):
        exif = opened(encode(picture(), Encoding(format, parameters=True), TEXTS)).getexif()
        assert exif[0x0110] == "prompt:" + TEXTS["prompt"]
        assert exif[0x010F] == "workflow:" + TEXTS["workflow"]
        comment = exif.get_ifd(0x8769)[0x9286]
        assert comment[8:].decode("utf-16-be") == TEXTS["parameters"]


def test_a_graph_too_large_for_a_jpeg_segment_is_left_out():
    large = {**TEXTS, "workflow": json.dumps(["x" * 100_000])}
    exif = opened(encode(picture(), Encoding("jpeg", parameters=True), large)).getexif()
    assert 0x010F not in exif
    assert exif.get_ifd(0x8769)[0x9286]


@pytest.mark.parametrize("bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_other_arrays_are_refused(bad):
    with pytest.raises(ValueError, match="expected uint8"):
        encode(bad, Encoding(), {})


def test_parameters_line_is_in_the_form_that_other_tools_read():
    """The form of the AUTOMATIC1111 web UI: prompt, `Negative prompt:`, then `Key: value` divided by commas."""
    item = Item("cat", 3, 0, "a cat,\nfront", "blurry", (), 7)
    assert parameters_line(item, {"Steps": 20, "Model": "a, b"}) == (
        'a cat, front\nNegative prompt: blurry\nSteps: 20, Model: "a, b", Seed: 7'
    )

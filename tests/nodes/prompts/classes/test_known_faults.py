"""Faults of the prompts room that are known and not mended yet: each test states what is right and fails today."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hyponet.nodes.prompts.classes.pictures import read_picture


@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="16-bit grey is clipped to white by Classes from Pictures"
)
def test_sixteen_bit_grey_is_scaled_as_in_training(tmp_path):
    """By hand: 16 bits of white are 65,535 = 257 * 255, so that 257 * k is k of 255 (as evaluation's decode has it)."""
    grey = np.arange(256, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(grey * 257).save(tmp_path / "cat.png")
    seen = read_picture(tmp_path / "cat.png")[0, :, :, 0] * 255
    assert np.abs(seen.numpy() - grey).max() < 0.5

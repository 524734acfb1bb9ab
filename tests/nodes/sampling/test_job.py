from __future__ import annotations

import pytest
import torch

from hyponet.nodes.sampling.job import check_space, digest, evenly_spaced
from hyponet.nodes.sampling.settings import SamplingSettings

SETTINGS = SamplingSettings(512, 512, 30, 2.0, "dpmpp_2m", "karras", 8, 1.0, 0.8)


def test_a_disk_that_is_too_small_is_refused(tmp_path):
    check_space(tmp_path / "not" / "made" / "yet", 1, SETTINGS)
    with pytest.raises(ValueError, match=r"free space is .* expected about 419\d{6}\.\d GB for 1,000,000,000,000"):
        check_space(tmp_path, 10**12, SETTINGS)  # 512 * 512 * 1.6 bytes each


def test_at_most_64_are_spread_over_all():
    assert evenly_spaced(iter(range(5)), 5, 64) == [0, 1, 2, 3, 4]
    some = evenly_spaced(iter(range(1000)), 1000, 64)
    assert len(some) == 64
    assert (some[0], some[1]) == (0, 15)
    assert some[-1] >= 980


def test_start_images_are_told_apart_by_content_and_shape():
    first, second = torch.zeros(1, 8, 4, 3), torch.zeros(1, 4, 8, 3)
    assert len({digest(None), digest(first), digest(second), digest(first + 0.5)}) == 4
    assert digest(first) == digest(first.half())

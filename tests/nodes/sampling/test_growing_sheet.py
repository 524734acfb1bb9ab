"""What the node shows while it runs: a sheet of the finished pictures after each batch, also with live previews on."""

from __future__ import annotations

import numpy as np
import pytest

from hyponet.nodes.sampling.growing_sheet import MAX_PICTURES, GrowingSheet
from hyponet.tests.nodes.sampling.test_interrupt import generate, job  # noqa: F401


def test_the_newest_pictures_stay():
    sheet = GrowingSheet()
    assert sheet.picture() is None
    for number in range(MAX_PICTURES + 1):
        sheet.add(np.full((8, 8, 3), number, np.uint8))
    picture = np.asarray(sheet.picture())
    assert picture.shape == (8 * 130 + 2, 8 * 130 + 2, 3)  # 8 x 8 of 128 pixels and gaps of 2
    assert (picture[66, 66] == 1).all(), "the first went"
    assert (picture[-66, -66] == MAX_PICTURES).all()


@pytest.mark.parametrize("method", ["NoPreviews", "Latent2RGB"])
def test_each_batch_is_shown_and_a_preview_never_stays(comfyui, sampling, sd15, job, monkeypatch, method):  # noqa: F811
    import comfy.cli_args
    import comfy.utils

    monkeypatch.setattr(sampling.reporter, "SHEET_SECONDS", 0.0)
    monkeypatch.setattr(comfy.cli_args.args, "preview_method", comfy.cli_args.LatentPreviewMethod[method])
    seen = []
    comfy.utils.set_progress_bar_global_hook(lambda value, total, preview, **_: seen.append(preview))
    try:
        generate(sampling, job, sd15)
    finally:
        comfy.utils.set_progress_bar_global_hook(None)
    pictures = [preview[1] for preview in seen if preview]
    sheets = [picture.size for picture in pictures if picture.width > 200]
    assert sheets == [(262, 132), (262, 262), (392, 262)]  # 2, 4 and 6 pictures
    assert pictures[-1].size == sheets[-1]
    assert (len(pictures) > len(sheets)) == (method == "Latent2RGB"), "its previews are 8 pixels wide"

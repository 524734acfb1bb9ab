"""Every node that takes an IMAGE refuses pictures whose pixels are no numbers, which would be black in silence."""

from __future__ import annotations

import pytest
import torch

from tools.dev.places import ROOT

# node -> the file in which its pictures are checked, by tensors.check_pixels or by pictures_as_images, which calls it
CHECKED_IN = {
    "HypoNetExtractFeatures": "nodes/metrics/nodes.py",
    "HypoNetCaptionImages": "nodes/lora/captioning/engine.py",
    "HypoNetClassifyImage": "nodes/hyponyms/preprocessing.py",
    "HypoNetHyponymsOfImage": "nodes/hyponyms/preprocessing.py",
    "HypoNetSaveToDataset": "nodes/dataset/nodes.py",
    "HypoNetGenerateDataset": "nodes/sampling/nodes.py",
}


def test_the_nodes_that_take_pictures_are_those_that_check_them():
    from comfy_api.latest import io

    from hyponet.nodes.extension import NODES

    taking = {
        node.define_schema().node_id
        for node in NODES
        if any(isinstance(each, io.Image.Input) for each in node.define_schema().inputs)
    }
    assert taking == set(CHECKED_IN)
    for file in CHECKED_IN.values():
        text = (ROOT / file).read_text("utf-8")
        assert "check_pixels(" in text or "pictures_as_images(" in text, file


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_pictures_to_caption_with_pixels_that_are_no_numbers_are_refused_and_nothing_is_written(
    tmp_path, monkeypatch, value
):
    from hyponet.nodes.lora.captioning import engine

    monkeypatch.setattr(engine, "captions_dir", lambda name: tmp_path / name)
    broken = torch.zeros(2, 8, 8, 3)
    broken[1, 2, 2, 0] = value
    captioning = engine.Captioning("template", "a {label}", "")
    with pytest.raises(ValueError, match=r"pixels that are not finite numbers \(picture 1,"):
        engine.caption_images([torch.zeros(1, 8, 8, 3), broken], ["cat"], "cats", captioning)
    assert not list(tmp_path.iterdir())

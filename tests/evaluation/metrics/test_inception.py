"""Both networks give what torch-fidelity's and torchvision's give on the same weights; bad files are named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hyponet.evaluation.metrics import convolution
from hyponet.evaluation.metrics.inception import load_inception
from hyponet.evaluation.metrics.inception_weights import FID_NETWORK, NETWORKS, TORCHVISION_NETWORK, find_weights

from .inception_fixtures import crops, network, weights


def test_features_and_logits_are_those_of_torch_fidelity() -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    path = str(weights()[FID_NETWORK])
    theirs = FeatureExtractorInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"], path)
    pictures = torch.from_numpy(crops(3, 299)).permute(0, 3, 1, 2)  # 299: no resize on either side
    with torch.inference_mode():
        expected = theirs(pictures)
        found = network()((pictures.float() - 128) / 128)
    for ours, peer in zip(found, expected, strict=True):
        # folding batch-norm reorders float32 sums; 2e-5 of the largest value is some ten roundings
        assert (ours - peer).abs().max() <= 2e-5 * peer.abs().max()


def test_the_imagenet_network_is_torchvisions_with_transform_input_off() -> None:
    from torchvision.models import Inception3

    theirs = Inception3(transform_input=False, init_weights=False).train(False)
    theirs.load_state_dict(torch.load(weights()[TORCHVISION_NETWORK], weights_only=True))
    pictures = torch.from_numpy(crops(3, 299)).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.inference_mode():
        expected = theirs(pictures)
        _, found = network(TORCHVISION_NETWORK)(pictures)
    assert found.shape == (3, 1000)
    assert (found - expected).abs().max() <= 2e-5 * expected.abs().max()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_torch_without_the_packed_convolution_gives_the_same(name, monkeypatch) -> None:
    pictures = torch.from_numpy(crops(2, 299)).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.inference_mode():
        packed = network(name)(pictures)
        monkeypatch.setattr(convolution, "packing_works", lambda: False)
        public = network(name)(pictures)
    for one, other in zip(packed, public, strict=True):
        assert (one - other).abs().max() <= 2e-5 * one.abs().max()  # as above


def test_missing_weights_are_named_with_every_folder_and_the_link(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        find_weights(FID_NETWORK, [tmp_path / "one", tmp_path / "two"])
    for part in ("pt_inception-2015-12-05-6726825d.pth", str(tmp_path / "one"), str(tmp_path / "two"), "https://"):
        assert part in str(error.value)


def test_the_first_folder_that_has_the_weights_wins(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / NETWORKS[FID_NETWORK].file).write_bytes(b"")
    assert find_weights(FID_NETWORK, [tmp_path / "none", tmp_path / "b", tmp_path / "a"]).parent.name == "b"


def test_truncated_foreign_and_wrong_weights_are_refused_by_name(tmp_path: Path) -> None:
    whole = weights()[FID_NETWORK]
    (tmp_path / "cut.pth").write_bytes(whole.read_bytes()[:1_000_000])
    (tmp_path / "text.pth").write_bytes(b"<!doctype html><title>404</title>")
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({"fc.weight": torch.zeros(1)}, tmp_path / "other.pth")
    for name in ("cut.pth", "text.pth", "list.pth"):
        with pytest.raises(ValueError, match=name):
            load_inception(tmp_path / name, FID_NETWORK)
    with pytest.raises(ValueError, match=r"weight Conv2d_1a_3x3.conv.weight is missing; expected 32 x 3 x 3 x 3"):
        load_inception(tmp_path / "other.pth", FID_NETWORK)
    with pytest.raises(ValueError, match=r"fc.weight is 1008 x 2048; expected 1000 x 2048"):
        load_inception(whole, TORCHVISION_NETWORK)


class _Hostile:
    """Would write a file when a reader that trusts its input loads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.path,)  # type: ignore[return-value]


def test_weights_that_carry_code_are_refused_and_do_not_run(tmp_path: Path) -> None:
    torch.save({"fc.weight": _Hostile(tmp_path / "ran")}, tmp_path / "hostile.pth")
    with pytest.raises(ValueError, match=r"hostile.pth cannot be read as weights"):
        load_inception(tmp_path / "hostile.pth", FID_NETWORK)
    assert not (tmp_path / "ran").exists()

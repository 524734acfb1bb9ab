"""One pass gives the features of each tool under its own convention; the cache, sizes and interrupts hold."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from hyponet.evaluation.metrics.conventions import Preparation, network_input
from hyponet.evaluation.metrics.feature_statistics import statistics_of
from hyponet.evaluation.metrics.features import check_comparable, default_batch, extract_features
from hyponet.evaluation.metrics.fid import measure_fid
from hyponet.evaluation.metrics.inception import load_inception
from hyponet.evaluation.metrics.inception_score import measure_inception_score
from hyponet.evaluation.metrics.inception_weights import FID_NETWORK, TORCHVISION_NETWORK
from hyponet.evaluation.metrics.kid import measure_kid
from hyponet.evaluation.metrics.precision_recall import measure_precision_recall
from hyponet.evaluation.pictures.labelled_images import labelled
from hyponet.evaluation.pictures.memory import ArrayPictures, pictures_as_images

from .inception_fixtures import as_set, crops, made_up, network, weights

COUNT = 8


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    """Two sets of 64x64 photo crops, the second noisy."""
    return crops(COUNT), crops(COUNT, noise=12, seed=1)


@pytest.fixture(scope="module")
def ours(pair):
    """Convention -> features of both sets at their own size."""
    return {
        convention: [extract_features(as_set(part), network(), Preparation(convention, 0)) for part in pair]
        for convention in ("torch-fidelity", "pytorch-fid", "torchmetrics", "clean-fid")
    }


class Tensors(torch.utils.data.Dataset):
    def __init__(self, pictures: np.ndarray) -> None:
        self.pictures = torch.from_numpy(pictures).permute(0, 3, 1, 2)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.pictures[index]


def test_every_metric_is_torch_fidelitys_end_to_end(pair, ours) -> None:
    import torch_fidelity

    theirs = torch_fidelity.calculate_metrics(
        input1=Tensors(pair[0]),
        input2=Tensors(pair[1]),
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(weights()[FID_NETWORK]),
        cuda=False,
        batch_size=8,
        fid=True,
        isc=True,
        isc_splits=2,
        kid=True,
        kid_subsets=10,
        kid_subset_size=6,
        prc=True,
        cache=False,
        verbose=False,
    )
    first, second = ours["torch-fidelity"]
    fid = measure_fid(first, second).figures["fid"]
    score = measure_inception_score(first, splits=2).figures
    kid = measure_kid(first, second, subsets=10, subset_size=6).figures
    shares = measure_precision_recall(first, second).figures
    assert fid == pytest.approx(theirs["frechet_inception_distance"], rel=2e-4)
    assert score["inception_score"] == pytest.approx(theirs["inception_score_mean"], abs=1e-5)
    assert score["inception_score_sd"] == pytest.approx(theirs["inception_score_std"], abs=1e-5)
    # random weights give a KID of about 50 where trained ones give 0.01: relative here, absolute near zero below
    assert kid["kid"] == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-5)
    assert kid["kid_sd_over_subsets"] == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-5)
    assert abs(shares["precision"] - theirs["precision"]) * COUNT < 1.5
    assert abs(shares["recall"] - theirs["recall"]) * COUNT < 1.5


def test_fid_is_torchmetrics_end_to_end(pair, ours) -> None:
    from torchmetrics.image.fid import FrechetInceptionDistance

    theirs = FrechetInceptionDistance(2048, feature_extractor_weights_path=str(weights()[FID_NETWORK]))
    for part, real in zip(pair, (True, False), strict=True):
        theirs.update(torch.from_numpy(part).permute(0, 3, 1, 2), real=real)
    found = measure_fid(*ours["torchmetrics"])
    assert found.figures["fid"] == pytest.approx(float(theirs.compute()), rel=2e-4)
    assert found.settings["convention"] == "torchmetrics"
    assert (found.inputs["features"]["count"], found.inputs["reference"]["count"]) == (COUNT, COUNT)


@pytest.fixture(scope="module")
def pytorch_fid_network(tmp_path_factory):
    """pytorch-fid's network: it looks for its weights in torch.hub's folder."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / weights()[FID_NETWORK].name).symlink_to(weights()[FID_NETWORK])
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(folder))
    from pytorch_fid.inception import InceptionV3

    yield lambda resize: InceptionV3([3], resize_input=resize, normalize_input=resize).train(False)
    torch.hub.set_dir(before)


def test_features_are_pytorch_fids(pair, ours, pytorch_fid_network, tmp_path: Path) -> None:
    from pytorch_fid.fid_score import get_activations

    for number, picture in enumerate(pair[0]):
        Image.fromarray(picture).save(tmp_path / f"{number:02}.png")
    files = sorted(tmp_path.iterdir())
    expected = get_activations(files, pytorch_fid_network(True), 8, 2048, "cpu", 0)
    _same_gaussian(ours["pytorch-fid"][0].features, expected)


def test_features_are_clean_fids(pair, ours, pytorch_fid_network, tmp_path: Path) -> None:
    from cleanfid.fid import get_folder_features

    for number, picture in enumerate(pair[0]):
        Image.fromarray(picture).save(tmp_path / f"{number:02}.png")
    plain = pytorch_fid_network(False)
    expected = get_folder_features(
        str(tmp_path),
        lambda x: plain((x - 128) / 128)[0].flatten(1),
        num_workers=0,
        batch_size=8,
        device=torch.device("cpu"),
        mode="clean",
        verbose=False,
    )
    _same_gaussian(ours["clean-fid"][0].features, expected)


def _same_gaussian(found: np.ndarray, expected: np.ndarray) -> None:
    """As close as FIDs to 2e-4 need it: features to 2e-5 of the largest, and a FID of 1e-6 of the trace between both.

    Their own distance needs scipy's matrix root of 2048 x 2048, which takes a minute: benchmarks/metrics.py has it.
    """
    assert np.abs(found - expected).max() <= 2e-5 * np.abs(expected).max()
    between = measure_fid(made_up(found), made_up(expected)).figures["fid"]
    assert abs(between) <= 1e-6 * statistics_of(made_up(expected)).trace()


def test_conventions_differ(ours) -> None:
    fids = [measure_fid(*both).figures["fid"] for both in ours.values()]
    assert min(abs(a - b) / a for i, a in enumerate(fids) for b in fids[:i]) > 1e-3


def test_the_thesis_is_clean_fid_for_the_fid_network_and_8_bit_pil_bicubic_for_torchvisions() -> None:
    pictures = torch.from_numpy(crops(2, 32))
    same = network_input(pictures, "clean-fid", is_fid=True)
    assert torch.equal(network_input(pictures, "thesis", is_fid=True), same)
    large = Image.fromarray(pictures[0].numpy()).resize((299, 299), Image.Resampling.BICUBIC)
    expected = torch.from_numpy(np.array(large)).permute(2, 0, 1).float() / 255 * 2 - 1
    found = network_input(pictures, "thesis", is_fid=False)[0]
    assert (found - expected).abs().max() < 1e-6


def test_thesis_and_clean_fid_compare_for_the_fid_network_and_other_ways_do_not() -> None:
    check_comparable(made_up(np.zeros((2, 2)), preparation=Preparation("thesis")), _like("clean-fid"))
    with pytest.raises(ValueError, match="convention torch-fidelity / clean-fid"):
        check_comparable(_like("torch-fidelity"), _like("clean-fid"))
    with pytest.raises(ValueError, match="size 0 / 64"):
        check_comparable(_like("thesis"), made_up(np.zeros((2, 2)), preparation=Preparation("thesis", 64)))


def _like(convention: str):
    return made_up(np.zeros((2, 2)), preparation=Preparation(convention))


def test_pictures_of_any_size_go_in_and_keep_their_order() -> None:
    small, wide = crops(1, 48)[0], crops(1, 80)[0][:40]

    mixed = labelled("mixed", ("a",), [0, 0, 0], ArrayPictures([small, wide, small]))
    found = extract_features(mixed, network(), Preparation("clean-fid", 0), batch=3).features
    assert np.abs(found[0] - found[2]).max() <= 1e-4
    assert np.abs(found[0] - found[1]).max() > 1e-2


def test_batch_zero_is_chosen_for_the_device(pair):
    assert default_batch(network()) == 4  # the fastest of 1, 2, 3, 4 and 8 on each of two cores
    assert default_batch(SimpleNamespace(device=torch.device("cuda"), sides=None)) == 32
    chosen, four = (extract_features(as_set(pair[0]), network(), Preparation(), batch=batch) for batch in (0, 4))
    assert np.array_equal(chosen.features, four.features)
    with pytest.raises(ValueError, match="batch is -1; expected 0"):
        extract_features(as_set(pair[0]), network(), Preparation(), batch=-1)


def test_the_number_of_cores_changes_nothing_and_is_left_as_it_was(pair):
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(extract_features(as_set(pair[0]), network(), Preparation(), batch=2).features)
            assert torch.get_num_threads() == threads
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(torch.get_num_threads).result() == threads
        assert np.array_equal(*found)
    finally:
        torch.set_num_threads(before)


def test_features_are_kept_by_content_and_a_damaged_file_is_made_again(tmp_path: Path, caplog) -> None:
    pictures = crops(3, 32)
    calls: list[tuple[int, int]] = []

    def run(preparation: Preparation, images: np.ndarray = pictures) -> np.ndarray:
        calls.clear()
        return extract_features(
            as_set(images), network(), preparation, cache=tmp_path, progress=lambda *at: calls.append(at)
        ).features

    first = run(Preparation("torch-fidelity"))
    assert calls[-1] == (3, 3)
    assert np.array_equal(run(Preparation("torch-fidelity")), first)
    assert set(calls) <= {(0, 3), (3, 3)}, "the network ran again"
    assert len(list(tmp_path.iterdir())) == 1
    kept = next(tmp_path.iterdir())
    kept.write_bytes(kept.read_bytes()[:100])
    with caplog.at_level(logging.WARNING, "hyponet"):
        assert np.array_equal(run(Preparation("torch-fidelity")), first)
    assert kept.name in caplog.text
    changed = pictures.copy()
    changed[2, 0, 0, 0] ^= 255
    assert not np.array_equal(run(Preparation("torch-fidelity"), changed), first)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("interrupt", [InterruptedError, KeyboardInterrupt])  # ComfyUI's is an Exception, or is none
def test_an_interrupt_stops_the_pass_and_leaves_no_file(tmp_path: Path, interrupt: type[BaseException]) -> None:
    def stop(done: int, total: int) -> None:
        if done:
            raise interrupt

    threads = torch.get_num_threads()
    with pytest.raises(interrupt):
        extract_features(as_set(crops(4, 32)), network(), Preparation(), cache=tmp_path, batch=2, progress=stop)
    assert list(tmp_path.iterdir()) == []
    assert torch.get_num_threads() == threads
    assert len(extract_features(as_set(crops(4, 32)), network(), Preparation(), cache=tmp_path, batch=2)) == 4


def test_an_image_becomes_the_bytes_that_save_image_writes() -> None:
    pictures = torch.linspace(-0.1, 1.1, 2 * 4 * 5 * 3).reshape(2, 4, 5, 3)
    images = pictures_as_images(pictures.half())
    # ComfyUI's SaveImage: numpy.clip(255 * i, 0, 255).astype(uint8)
    expected = np.clip(255.0 * pictures.half().float().numpy(), 0, 255).astype(np.uint8)
    assert np.array_equal(np.stack([images.read(i) for i in range(2)]), expected)


def test_torchvisions_network_gives_a_thousand_logits_and_an_inception_score() -> None:
    found = extract_features(as_set(crops(4, 32)), network(TORCHVISION_NETWORK), Preparation("thesis"))
    assert found.logits.shape == (4, 1000)
    score = measure_inception_score(found, splits=2)
    assert 1 <= score.figures["inception_score"] <= 2
    assert not any("FID network" in warning for warning in score.warnings)


def test_weights_that_give_no_finite_numbers_are_named_and_nothing_is_kept(tmp_path: Path) -> None:
    broken = load_inception(weights()[FID_NETWORK], FID_NETWORK)
    with torch.no_grad():
        broken.fc.weight[3, 5] = torch.nan
    with pytest.raises(ValueError, match=r"not finite.*fid-inception-v3-2015-12-05"):
        extract_features(as_set(crops(2)), broken, Preparation(), cache=tmp_path)
    assert not list(tmp_path.iterdir())

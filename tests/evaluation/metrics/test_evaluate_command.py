"""`evaluate` measures sets in folders by the pack's functions, and says what is missing in one line."""

from __future__ import annotations

import json
import sys

import pytest
from PIL import Image

from hyponet.evaluation.metrics import inception
from hyponet.evaluation.metrics.conventions import Preparation
from hyponet.evaluation.metrics.features import extract_features
from hyponet.evaluation.metrics.fid import measure_fid
from hyponet.evaluation.metrics.inception import load_inception
from hyponet.evaluation.metrics.inception_weights import FID_NETWORK
from hyponet.evaluation.metrics.kid import measure_kid
from hyponet.evaluation.results import read_results
from hyponet.headless.__main__ import main

from .inception_fixtures import as_set, crops, network, weights

CLASSES = ("cat", "ship")


@pytest.fixture
def folders(tmp_path):
    """Two folders of class folders, and their pictures: those of `real` noisy ones."""
    pictures = {"made": crops(6, side=32), "real": crops(6, side=32, noise=20.0, seed=1)}
    for name, values in pictures.items():
        for index, pixels in enumerate(values):
            path = tmp_path / name / CLASSES[index % 2] / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    return tmp_path, pictures


def test_figures_are_those_of_the_nodes_functions(folders, capsys):
    folder, pictures = folders
    line = ["evaluate", str(folder / "made"), "--against", str(folder / "real"), "--device", "cpu"]
    line += ["--weights", str(weights()[FID_NETWORK])]
    assert main([*line, "--metrics", "kid, fid,prdc", "--json", "--results", str(folder / "results")]) == 0
    rows = {row["kind"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == ["kid", "fid", "precision_recall"]
    sides = [extract_features(as_set(pictures[name], name), network(), Preparation()) for name in ("made", "real")]
    # folders are read class by class, and crops() takes turns: sums come in another order
    assert rows["fid"]["figures"]["fid"] == pytest.approx(measure_fid(*sides).figures["fid"], rel=1e-5)
    assert rows["kid"]["figures"]["kid"] == pytest.approx(measure_kid(*sides).figures["kid"], rel=1e-4)
    assert rows["fid"]["inputs"]["reference"]["count"] == 6
    assert sorted(result.kind for result in read_results(folder / "results")) == sorted(rows)


def test_without_a_reference_a_set_is_measured_alone_and_printed_as_a_table(folders, capsys):
    folder, _ = folders
    # a folder of weights, found there by the published name
    line = ["evaluate", str(folder / "made"), "--weights", str(weights()[FID_NETWORK].parent), "--size", "16"]
    assert main([*line, "--device", "cpu"]) == 0
    shown = capsys.readouterr()
    assert {row.split()[0] for row in shown.out.splitlines()} == {"inception_score", "diversity"}
    assert "warning: " in shown.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--metrics", "fid"], "expected --against"),
        (["--metrics", "fad"], "--metrics names 'fad'; expected some of: fid, kid"),
        (["--convention", "own"], "convention is own, which is none of"),
        (["--weights", "nowhere"], "get it from https://"),
        (["--device", "abacus"], "--device is 'abacus'"),
        (["--size=-32"], "--size is -32; expected a side in pixels, or 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_what_is_wrong_is_one_line(folders, capsys, more, message):
    line = ["evaluate", str(folders[0] / "made"), "--weights", str(weights()[FID_NETWORK])]
    assert main([*line, *more]) == 2
    assert message in capsys.readouterr().err


def test_without_torch_the_extra_is_named(folders, capsys, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("hyponet.evaluation.results")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)  # as import finds it where it is not installed
    assert main(["evaluate", str(folders[0] / "made")]) == 2
    said = "evaluate needs torch, which is not installed; pip install torch torchvision numpy pillow"
    assert said in capsys.readouterr().err


def test_what_is_missing_is_named_wherever_it_is_imported(folders, capsys, monkeypatch):
    """The regression: only what result files need was looked for; pictures are read later. A module stands for PIL."""
    module = "hyponet.evaluation.pictures.sources"
    monkeypatch.setitem(sys.modules, module, None)
    assert main(["evaluate", str(folders[0] / "made")]) == 2
    assert f"evaluate needs {module}, which is not installed; pip install" in capsys.readouterr().err


def test_the_network_of_two_sets_is_loaded_once(folders, monkeypatch):
    folder, _ = folders
    loads = []

    def load(path, kind):
        loads.append(path)
        return load_inception(path, kind)

    monkeypatch.setattr(inception, "load_inception", load)
    line = ["evaluate", str(folder / "made"), "--against", str(folder / "real"), "--device", "cpu", "--metrics", "kid"]
    assert main([*line, "--weights", str(weights()[FID_NETWORK])]) == 0
    assert len(loads) == 1


def test_weights_that_torch_does_not_take_are_no_fault_of_the_device(folders, monkeypatch):
    def load(path, kind):
        raise RuntimeError("size mismatch")

    monkeypatch.setattr(inception, "load_inception", load)
    with pytest.raises(RuntimeError, match="size mismatch"):
        main(["evaluate", str(folders[0] / "made"), "--weights", str(weights()[FID_NETWORK])])


def test_a_device_that_torch_was_not_built_for_is_one_line(folders, capsys, monkeypatch):
    """What `.to("cuda")` raises in a torch for processors alone, as of 2.9."""

    class Network:
        def to(self, device):
            raise AssertionError("Torch not compiled with CUDA enabled")

    monkeypatch.setattr(inception, "load_inception", lambda path, kind: Network())
    line = ["evaluate", str(folders[0] / "made"), "--weights", str(weights()[FID_NETWORK]), "--device", "cuda"]
    assert main(line) == 2
    assert "--device is 'cuda': Torch not compiled with CUDA enabled" in capsys.readouterr().err

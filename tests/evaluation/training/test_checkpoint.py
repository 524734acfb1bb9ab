"""A checkpoint carries everything that is needed to use it, and says where it came from."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import safetensors
import safetensors.torch
import torch

from hyponet.evaluation.training.checkpoint import is_checkpoint, load_checkpoint, save_checkpoint
from hyponet.evaluation.training.model import Preprocessing, build
from hyponet.evaluation.training.settings import Settings
from hyponet.evaluation.training.state import Diverged

from ..sample_pictures import provenance


@pytest.fixture
def saved(tmp_path):
    network = build("resnet18", 3, "3x3 stride 2", seed=1)
    preprocessing = Preprocessing(16, "area", "centre crop", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    return network, save_checkpoint(
        tmp_path / "run" / "last.safetensors",
        network,
        ["cat", "\uac1c", "ship"],
        preprocessing,
        provenance(stem="3x3 stride 2", seed=1),
    )


def test_a_checkpoint_comes_back_whole(saved):
    network, written = saved
    read = load_checkpoint(written.path)
    assert read == written
    assert is_checkpoint(written.path)
    assert read.class_names == ("cat", "\uac1c", "ship")
    tensors, expected = read.model().state_dict(), network.state_dict()
    assert all(torch.equal(tensors[name], expected[name]) for name in expected)
    assert not read.model().training


def test_the_metadata_is_the_agreed_one(saved):
    with safetensors.safe_open(saved[1].path, "pt") as file:
        metadata = file.metadata()
    stored = json.loads(metadata.pop("provenance"))
    assert metadata == {
        "format": "hyponet.classifier",
        "version": "1",
        "architecture": "resnet18",
        "stem": "3x3 stride 2",
        "classes": '["cat", "\\uac1c", "ship"]',
        "size": "16",
        "filter": "area",
        "crop": "centre crop",
        "mean": "[0.1, 0.2, 0.3]",
        "std": "[0.4, 0.5, 0.6]",
    }
    assert stored["settings"] == asdict(Settings(stem="3x3 stride 2", seed=1))
    assert stored.keys() == {
        "identity",
        "kind",
        "complete",
        "seconds",
        "epochs_done",
        "best_epoch",
        "held_out_pictures",
        "held_out_without",
        "settings",
        "data",
        "history",
        "imagenet_classes_leak",
        "torch",
        "device",
    }


def test_bad_files_are_refused(saved, tmp_path):
    path = saved[1].path
    with pytest.raises(FileNotFoundError, match="missing"):
        load_checkpoint(tmp_path / "none.safetensors")
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"torn\.safetensors cannot be read"):
        load_checkpoint(torn)
    foreign = tmp_path / "foreign.safetensors"
    safetensors.torch.save_file({"x": torch.zeros(1)}, foreign)
    with pytest.raises(ValueError, match="Load Classifier"):
        load_checkpoint(foreign)
    assert not is_checkpoint(foreign)
    with safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata()
    incomplete = tmp_path / "incomplete.safetensors"
    safetensors.torch.save_file({"x": torch.zeros(1)}, incomplete, metadata={**metadata, "provenance": "{}"})
    with pytest.raises(ValueError, match=r"incomplete\.safetensors has damaged metadata"):
        load_checkpoint(incomplete)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_not_written(tmp_path, value):
    network = build("resnet18", 2)
    with torch.no_grad():
        network.fc.bias[1] = value
    with pytest.raises(Diverged, match=r"fc\.bias has numbers that are not finite after epoch .* learning rate of"):
        save_checkpoint(tmp_path / "last.safetensors", network, ["a", "b"], Preprocessing(), provenance())
    assert not list(tmp_path.iterdir())

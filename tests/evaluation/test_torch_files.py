"""A file of torch.save is read only as far as it goes; a disk that fails is no damage."""

from __future__ import annotations

import errno
import os
import zipfile

import pytest
import torch

from hyponet.evaluation import torch_files
from hyponet.evaluation.disk_errors import UnreadableFile
from hyponet.evaluation.metrics.inception import load_inception
from hyponet.evaluation.metrics.inception_weights import FID_NETWORK
from hyponet.evaluation.torch_files import load_torch
from hyponet.evaluation.training.model import build, start_from_imagenet
from hyponet.nodes.hyponyms.model_files import read_tensors


def packed_anew(path, folder):
    """The same records deflated, as torch reads them too: zeros take a thousandth."""
    packed = folder / "packed.pth"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for record in source.infolist():
            target.writestr(record.filename, source.read(record))
    return packed


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"fc.weight": torch.zeros(1000, 1000)}, path)
    return path


READERS = {
    "load_inception": lambda path: load_inception(path, FID_NETWORK),
    "start_from_imagenet": lambda path: start_from_imagenet(build("resnet18", 2), path),
    "read_tensors": read_tensors,
}
each_reader = pytest.mark.parametrize("read", READERS.values(), ids=READERS)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])
def test_what_torch_saves_is_read(tmp_path, legacy):
    path = tmp_path / "a.pt"
    torch.save({"a": torch.arange(5)}, path, _use_new_zipfile_serialization=not legacy)
    assert load_torch(path)["a"].tolist() == [0, 1, 2, 3, 4]


@each_reader
def test_records_that_swell_are_refused_before_they_are_read(weights, tmp_path, monkeypatch, read):
    packed = packed_anew(weights, tmp_path)
    assert packed.stat().st_size < 10_000
    assert torch.load(packed, weights_only=True)["fc.weight"].numel() == 1_000_000, "torch itself unpacks them"
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it is read"))
    with pytest.raises(ValueError, match=r"packed\.pth"):
        read(packed)


@each_reader
@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE], ids=errno.errorcode.get)
def test_a_disk_that_fails_is_no_reason_to_get_the_file_again(weights, monkeypatch, number, read):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(torch_files.torch, "load", fail)
    with pytest.raises(UnreadableFile, match=rf"weights\.pth cannot be read \({os.strerror(number)}\)"):
        read(weights)

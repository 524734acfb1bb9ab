"""The disk fails while a set is read, as ours and as an image folder: an error that says where, or the whole result."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from hyponet.evaluation.pictures.cache import resized
from hyponet.evaluation.pictures.sources import read_source

from ...nodes.dataset.failing_disk import ERRORS, FailingDisk, places_of, says_where, some_numbers
from ...nodes.dataset.sample_sets import generate, open_set


@pytest.mark.parametrize("source", ["HypoNet set", "image folder"])
def test_a_set_that_is_read_from_a_failing_disk_is_whole_or_refused(tmp_path, monkeypatch, source):
    def read(base: Path):
        data = read_source(source, base / "pets", cache=base / "cache")
        return data.class_names, len(data), data.skipped, data.pictures_key, resized(data, 8).tolist()

    monkeypatch.setattr("os.cpu_count", lambda: 1)  # threads would mix the order of the calls
    stage, base = tmp_path / "stage", tmp_path / "base"
    with open_set(stage) as store:
        generate(store)
    whole = read(shutil.copytree(stage, tmp_path / "whole"))
    places = places_of(read, stage, base)
    shutil.rmtree(base)
    errors = itertools.cycle(ERRORS)
    refused = 0
    for number in some_numbers(places):
        shutil.copytree(stage, base)
        disk = FailingDisk(base, number, next(errors))
        message, result = "", None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("time.sleep", lambda seconds: None)
            disk.install(patch)
            try:
                result = read(base)
            except OSError as error:
                message = str(error)
        assert disk.failed
        if message:
            refused += 1
            assert says_where(message, Path(disk.failed), base), f"{message}; it was {disk.failed}"
        else:
            assert result == whole
        shutil.rmtree(base)
    assert refused > 5

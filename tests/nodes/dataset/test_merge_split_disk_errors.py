"""The disk fails while a set is split or merged: the message says where, the sources stay, the next try is whole."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from hyponet.nodes.dataset.merge import merge
from hyponet.nodes.dataset.split import Shares, split
from hyponet.nodes.dataset.store.store import DatasetStore

from .failing_disk import ERRORS, FailingDisk, pictures, places_of, says_where, some_numbers
from .sample_sets import generate, item, open_set, picture

RESULTS = ("pets-train", "pets-test", "both")


def split_pets(base: Path) -> None:
    split(DatasetStore.open(base / "pets"), base, "pets", Shares(0.5, 0, 0.5), 3)


def merge_both(base: Path) -> None:
    with merge([DatasetStore.open(base / name) for name in ("pets", "others")], base, "both"):
        pass


def split_after_a_change(base: Path) -> None:
    """Two pictures left the source, two came, and a person deleted one of a part."""
    split_pets(base)


def prepare(base: Path, phase) -> None:
    with open_set(base) as store:
        generate(store)
    with open_set(base, "others", identity={"steps": 3}) as store:
        for label, rank in (("cat", 2), ("fox", 0), ("dog", 9)):
            store.add(item(label, rank, 1), picture(label, rank, 1))
    if phase is split_after_a_change:
        split_pets(base)
        with open_set(base) as store:
            store.delete({("cat", 1), ("dog", 2)})
            generate(store, count=6)
        next((base / "pets-train" / "cat").iterdir()).unlink()


def records(base: Path) -> dict[str, list]:
    """What each of the results holds, every file compared with its line."""
    found = {}
    for name in RESULTS:
        if (base / name).exists():
            store = DatasetStore.open(base / name)
            assert store.deleted() == store.unlisted() == store.damage() == []
            found[name] = sorted((record.file_name, record.sha256) for record in store.records())
    return found


@pytest.mark.parametrize("phase", [split_pets, merge_both, split_after_a_change])
def test_a_merge_or_split_on_a_failing_disk_says_where_and_the_next_one_is_whole(tmp_path, monkeypatch, phase):
    stage, base = tmp_path / "stage", tmp_path / "base"
    prepare(stage, phase)
    whole_base = shutil.copytree(stage, tmp_path / "whole")
    phase(whole_base)
    whole = records(whole_base)
    places = places_of(phase, stage, base)
    shutil.rmtree(base)
    errors = itertools.cycle(ERRORS)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    failures = 0
    for number in some_numbers(places):
        shutil.copytree(stage, base)
        sources = [pictures(base / name) for name in ("pets", "others")]
        disk = FailingDisk(base, number, next(errors))
        message = ""
        with pytest.MonkeyPatch.context() as patch:
            disk.install(patch)
            try:
                phase(base)
            except OSError as error:
                message = str(error)
        if not disk.failed:  # pixels are hashed by threads, whose calls come in any order and number
            shutil.rmtree(base)
            continue
        if message:
            failures += 1
            assert says_where(message, Path(disk.failed), base), f"{message}; it was {disk.failed}"
        else:
            assert records(base) == whole, "it reported success"
        phase(base)
        assert records(base) == whole
        assert [pictures(base / name) for name in ("pets", "others")] == sources
        shutil.rmtree(base)
    assert failures > 10

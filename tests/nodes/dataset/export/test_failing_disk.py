"""The disk fails while a set is exported: the message names the file, the set stays as it is, the next try is whole."""

from __future__ import annotations

import builtins
import errno
import itertools
import shutil
import zipfile
from pathlib import Path

import pytest

from hyponet.evaluation.disk_errors import UnreadableFile
from hyponet.nodes.dataset.export.formats import EXPORTS, export
from hyponet.nodes.dataset.store.store import DatasetStore

from ..failing_disk import ERRORS, FailingDisk, pictures, places_of, says_where, some_numbers
from ..sample_sets import generate, open_set
from .test_export import contents, stop_at


def exporting(form: str, progress=lambda done, total: None):
    """What exports the set in a folder in shards of three; the folder of the export."""

    def phase(base: Path) -> Path:
        store = DatasetStore.open(base / "pets")
        options = {"shard_size": 3, "include_fallbacks": False, "progress": progress}
        return export(store, base / "exports", "out", form, **options).folder

    return phase


@pytest.mark.parametrize("stopped", [False, True], ids=["from the start", "going on"])
@pytest.mark.parametrize("form", EXPORTS)
def test_an_export_on_a_failing_disk_says_where_and_the_next_one_is_whole(tmp_path, monkeypatch, form, stopped):
    stage, base, phase = tmp_path / "stage", tmp_path / "base", exporting(form)
    with open_set(stage) as store:
        generate(store)
    whole = contents(phase(shutil.copytree(stage, tmp_path / "whole")))
    if stopped:
        with pytest.raises(KeyboardInterrupt):
            exporting(form, stop_at(5, KeyboardInterrupt))(stage)
    errors = itertools.cycle(ERRORS)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    failures = 0
    places = places_of(phase, stage, base)
    shutil.rmtree(base)
    for number in some_numbers(places):
        shutil.copytree(stage, base)
        before = pictures(base / "pets")
        disk = FailingDisk(base, number, next(errors))
        made, message = None, ""
        with pytest.MonkeyPatch.context() as patch:
            disk.install(patch)
            patch.setattr("tarfile.bltn_open", builtins.open)
            try:
                made = phase(base)
            except OSError as error:
                message = str(error)
        assert disk.failed
        if made is None:
            failures += 1
            assert says_where(message, Path(disk.failed), base), f"{message}; it was {disk.failed}"
        else:
            assert contents(made) == whole, "it reported success"
        again = phase(base)
        assert contents(again) == whole
        assert {path.name for path in again.parent.iterdir()} == {again.name, *([made.name] if made else [])}
        assert pictures(base / "pets") == before
        shutil.rmtree(base)
    assert failures > 3


def test_a_zip_that_the_disk_does_not_give_again_keeps_its_pictures(tmp_path, monkeypatch):
    """zipfile takes what it cannot read for no zip, and writes an empty directory behind what it opens to append to."""
    with open_set(tmp_path) as store:
        generate(store)
    whole = contents(
        exporting("ImageFolder zip")(shutil.copytree(tmp_path / "pets", tmp_path / "whole" / "pets").parent)
    )
    with pytest.raises(KeyboardInterrupt):
        exporting("ImageFolder zip", stop_at(5, KeyboardInterrupt))(tmp_path)
    (stopped,) = (tmp_path / "exports").rglob("*.zip")
    before = zipfile.ZipFile(stopped).namelist()
    read = zipfile._EndRecData
    for failing in (1, 2):  # when it is looked at, and when it is opened to go on
        calls = itertools.count(1)

        def fail_once(file, calls=calls, failing=failing):
            if next(calls) == failing:
                raise OSError(errno.EIO, "Input/output error")
            return read(file)

        monkeypatch.setattr(zipfile, "_EndRecData", fail_once)
        with pytest.raises(UnreadableFile, match="cannot be read"):
            exporting("ImageFolder zip")(tmp_path)
        monkeypatch.setattr(zipfile, "_EndRecData", read)
        assert zipfile.ZipFile(stopped).namelist() == before
    assert contents(exporting("ImageFolder zip")(tmp_path)) == whole

"""A set whose folder somebody renamed takes the folders beside it along."""

from __future__ import annotations

import json

import pytest

from hyponet.evaluation.lock import FileLock
from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.description import Copies, read_description
from hyponet.nodes.dataset.store.store import DatasetStore

from ..sample_sets import assert_whole, generate, make_set, open_set

FAILED = {"check": "failed", "predicted": "dog"}


@pytest.fixture
def with_sidecars(tmp_path):
    """A set with a first attempt among its rejects, small copies and a sheet."""
    with open_set(tmp_path, copies=Copies((8,))) as store:
        generate(store)
        mark(store, {("cat", 1): Mark("looks like dog", probability=0.4, **FAILED)})
        generate(store)
    return store.root


def test_the_best_attempt_comes_back_after_a_set_was_renamed(with_sidecars):
    """0.4 for the first attempt and 0.1 for the second: the first one stays, wherever it lies."""
    root = with_sidecars.rename(with_sidecars.parent / "animals")
    with open_for_writing(root) as store:
        counts = mark(store, {("cat", 1): Mark("looks like dog", probability=0.1, **FAILED)}, attempts=2)
        (stays,) = (record for record in store.records() if record.key == ("cat", 1))
    assert (counts.fallbacks, stays.attempt, stays.status) == (1, 0, "fallback")
    assert_whole(root)
    assert sorted(path.name for path in root.parent.iterdir()) == [
        "animals", "animals.8px", "animals.rejects", "animals.sheets", "animals.work",
    ]  # fmt: skip
    assert read_description(root).name == "animals"
    assert read_description(root.parent / "animals.8px").copy_of == "animals"
    assert json.loads((root.parent / "animals.rejects" / "dataset.json").read_text("utf-8"))["of"] == "animals"
    assert "../animals.sheets/card.jpg" in (root / "README.md").read_text("utf-8")


def test_a_renamed_set_is_gone_on_with(with_sidecars):
    with_sidecars.rename(with_sidecars.parent / "animals")
    with open_set(with_sidecars.parent, "animals", copies=Copies((8,))) as store:
        assert generate(store, count=5) == 2
    assert_whole(store.root, count=5)
    assert len(DatasetStore.open(store.root.parent / "animals.8px")) == 10


def test_a_copied_set_leaves_them_to_the_original(with_sidecars, tmp_path):
    import shutil

    shutil.copytree(with_sidecars, tmp_path / "animals")
    with open_for_writing(tmp_path / "animals"):
        pass
    assert (tmp_path / "pets.rejects" / "cat" / "000001.try0.png").exists()
    assert not (tmp_path / "animals.rejects").exists()


def test_folders_of_somebody_else_stay(with_sidecars, tmp_path):
    """Only what says that it is of the set's former name is its own."""
    (tmp_path / "pets.64px").mkdir()
    (tmp_path / "pets.64px" / "dataset.json").write_text('{"format": "of another program"}')
    mark_of_rejects = tmp_path / "pets.rejects" / "dataset.json"
    mark_of_rejects.write_text(mark_of_rejects.read_text("utf-8").replace('"pets"', '"ducks"'), "utf-8")
    with_sidecars.rename(tmp_path / "animals")
    with open_for_writing(tmp_path / "animals"):
        pass
    assert {"pets.64px", "pets.rejects", "animals.8px"} <= {path.name for path in tmp_path.iterdir()}


def test_copies_of_damaged_files_go_along_and_what_is_in_use_stays(with_sidecars, tmp_path):
    """The regression: the folder for temporary files stayed under the former name for ever."""
    work = tmp_path / "pets.work"
    (work / "damaged-metadata-0123456789ab.jsonl").write_text("[")
    (work / "metadata.jsonl.1-2.part").write_text("half")
    lock = FileLock(work / "lock")
    root = with_sidecars.rename(tmp_path / "animals")
    with open_for_writing(root):
        pass
    assert (work / "damaged-metadata-0123456789ab.jsonl").exists(), "somebody has it in use"
    lock.release()
    root = root.rename(tmp_path / "pets")  # back and forth
    with open_for_writing(root):
        pass
    with open_for_writing(root.rename(tmp_path / "beasts")):
        pass
    names = {path.name for path in tmp_path.iterdir() if path.suffix == ".work"}
    assert names == {"beasts.work"}
    assert (tmp_path / "beasts.work" / "damaged-metadata-0123456789ab.jsonl").read_text("utf-8") == "["
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("step", [0, 1, 2, 3, 4, 5])
def test_a_crash_while_they_are_renamed_is_made_good(with_sidecars, monkeypatch, step):
    """Whatever file could not be replaced or folder renamed, the next opening finds the rest."""
    import os

    root = with_sidecars.rename(with_sidecars.parent / "animals")
    calls = []
    replace = os.replace

    def crash(source, target):
        calls.append(target)
        if len(calls) > step:
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as until_then:
        until_then.setattr(os, "replace", crash)
        with pytest.raises(KeyboardInterrupt), open_for_writing(root) as store:
            store.raise_revision()
    with open_set(root.parent, "animals", copies=Copies((8,))) as store:
        assert generate(store) == 0
        assert store.rejects_path(next(store.rejections()).record).is_file()
    assert len(DatasetStore.open(root.parent / "animals.8px")) == 8


def test_a_name_that_leads_elsewhere_is_not_followed(tmp_path):
    make_set(tmp_path / "sets", "pets")
    root = tmp_path / "sets" / "pets"
    description = json.loads((root / "dataset.json").read_text("utf-8"))
    (root / "dataset.json").write_text(json.dumps({**description, "name": "../elsewhere"}), "utf-8")
    (tmp_path / "elsewhere.rejects").mkdir()
    with open_for_writing(root):
        pass
    assert (tmp_path / "elsewhere.rejects").is_dir()
    assert read_description(root).name == "pets"

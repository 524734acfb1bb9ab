from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image

from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.description import Copies
from hyponet.nodes.dataset.store.identity import OtherSettings
from hyponet.nodes.dataset.store.manifest import Manifest
from hyponet.nodes.dataset.store.picture_files import PictureFiles
from hyponet.nodes.dataset.store.store import DatasetStore
from hyponet.nodes.dataset.store.writable_store import WritableStore

from ..sample_sets import generate, make_set, note_pictures, open_set, picture, schedule


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_copies_are_sets_of_their_own_beside_the_set(tmp_path):
    with open_set(tmp_path, copies=Copies((6, 12))) as store:
        generate(store)
    for size in (6, 12):
        root = tmp_path / f"pets.{size}px"
        copies = DatasetStore.open(root)
        assert sorted(copies.keys()) == sorted(schedule())
        for line in copies.records():
            assert (line.width, line.height) == (size, size)
            assert hashlib.sha256((root / line.file_name).read_bytes()).hexdigest() == line.sha256
            whole = Image.fromarray(picture(line.label, line.rank))
            expected = np.asarray(whole.resize((size, size), Image.Resampling.BICUBIC))  # PIL's, antialiased
            assert np.abs(pixels(root / line.file_name).astype(int) - expected).max() <= 1


def test_copies_asked_for_later_are_made_of_the_files(tmp_path):
    with open_set(tmp_path) as store:
        generate(store, count=2)
    with open_set(tmp_path, copies=Copies((6,))) as store:
        generate(store)
    assert len(DatasetStore.open(tmp_path / "pets.6px")) == 8


def test_a_copy_without_its_picture_is_made_again(tmp_path):
    """A crash between the copy's line and the picture's."""
    with open_set(tmp_path, copies=Copies((6,))) as store:
        generate(store)
    manifest = store.root / "metadata.jsonl"
    manifest.write_bytes(b"".join(manifest.read_bytes().splitlines(keepends=True)[:-1]))
    note_pictures(store.root, 0)
    with open_set(tmp_path, copies=Copies((6,))) as store:
        assert generate(store) == 1
    lines = (tmp_path / "pets.6px" / "metadata.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == 8


def test_copies_by_another_filter_are_refused(tmp_path):
    make_set(tmp_path, copies=Copies((6,)))
    with pytest.raises(OtherSettings, match='filter: "bicubic" there, "area" now'):
        make_set(tmp_path, copies=Copies((6,), "area"))


def test_copies_are_changed_through_their_set_only(tmp_path):
    make_set(tmp_path, copies=Copies((6,)))
    with pytest.raises(ValueError, match="holds small copies of pets"):
        WritableStore.open(tmp_path / "pets.6px")


@pytest.mark.parametrize(("part", "call"), [(Manifest, "rewrite"), (PictureFiles, "delete")])
def test_a_crash_while_a_copy_leaves_keeps_no_file_that_no_line_names(tmp_path, monkeypatch, part, call):
    """The regression: torchvision's ImageFolder of the copies had the rejected picture for ever."""

    def crash(*_):
        raise KeyboardInterrupt

    with open_set(tmp_path, copies=Copies((6,))) as store:
        generate(store)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):  # noqa: PT012 - leaving the set raises it
        with open_for_writing(store.root) as store:
            mark(store, {("cat", 1): Mark("by hand")})
            patch.setattr(part, call, crash)
    with open_for_writing(store.root):
        pass
    copies = DatasetStore.open(tmp_path / "pets.6px")
    assert len(copies) == 7
    files = {path.relative_to(copies.root).as_posix() for path in copies.root.glob("*/*.png")}
    assert files == {record.file_name for record in copies.records()}

"""Where a set may lie: on one disk with the folders beside it, and in no other set."""

from __future__ import annotations

import shutil

import pytest

from hyponet.nodes.dataset.open import open_for_writing

from ..sample_sets import assert_whole, generate, make_set, open_set


def test_a_set_that_is_a_mount_point_is_refused_before_anything_is_written(mount, tmp_path):
    """Files cannot be renamed into it from beside it; a container's shared folder may be such a one."""
    (tmp_path / "elsewhere").mkdir()
    with open_set(tmp_path / "elsewhere") as store:
        generate(store, count=1)
    shutil.copytree(store.root, mount, dirs_exist_ok=True)
    before = {path: path.read_bytes() for path in mount.rglob("*.*") if path.is_file()}
    for write in (lambda: make_set(tmp_path, mount.name), lambda: open_for_writing(mount).__enter__()):
        with pytest.raises(ValueError, match=r"disk is another disk than .*; mount the folder that holds the set"):
            write()
    assert {path: path.read_bytes() for path in mount.rglob("*.*") if path.is_file()} == before


def test_an_error_of_moving_between_disks_says_so(mount, tmp_path):
    from hyponet.evaluation.files import replacing

    with pytest.raises(OSError, match="another disk than the one that files are written to before"):
        with replacing(mount / "file", work=tmp_path) as part:
            part.write_bytes(b"content")


def test_a_set_in_one_whose_description_is_damaged_is_refused(pets):
    """Nobody can say that it is none: inside it, readers of image folders would take the new one for a class."""
    for content in ("[", '{"format": ', "\0"):
        (pets / "dataset.json").write_text(content, "utf-8")
        with pytest.raises(ValueError, match=r"dataset.json is corrupt .*restore it from a copy"):
            make_set(pets / "cat", "inner")
    assert not (pets / "cat" / "inner").exists()


def test_a_set_in_the_folder_of_another_program_is_made(tmp_path):
    (tmp_path / "dataset.json").write_text('{"made by": "another program"}', "utf-8")
    with open_set(tmp_path) as store:
        generate(store)
    assert_whole(store.root)

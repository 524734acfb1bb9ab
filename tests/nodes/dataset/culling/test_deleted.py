"""Pictures that were deleted by hand: noticed, taken out, and told by the fingerprints."""

from __future__ import annotations

import json
import os
import random
import shutil
import unicodedata

import pytest

from hyponet.nodes.dataset.culling.deleted import reject_deleted
from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.culling.verify import verify
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.fingerprint import changes_by_others, lacks_pictures, set_fingerprint
from hyponet.nodes.dataset.store.store import DatasetStore

from ..sample_sets import assert_whole, generate, item, note_pictures, open_set, picture, schedule


def test_a_deleted_picture_is_made_again_with_the_next_attempt(pets):
    (pets / "cat" / "000001.png").unlink()
    shutil.rmtree(pets / "dog")
    gone = [("cat", 1), *(("dog", rank) for rank in range(4))]
    assert DatasetStore.open(pets).deleted() == gone
    with open_set(pets.parent) as store:
        assert reject_deleted(store) == 5
        assert store.deleted() == []
        assert set(store.missing(schedule())) == {(*key, 1) for key in gone}
        generate(store)
    assert_whole(pets)


def test_a_deleted_picture_is_left_out_for_as_long_as_that_is_asked(pets):
    (pets / "cat" / "000001.png").unlink()
    with open_set(pets.parent) as store:
        reject_deleted(store)
    for _ in range(2):
        with open_set(pets.parent) as store:
            assert reject_deleted(store) == 0
            assert list(store.missing(schedule(), include_deleted=False)) == []
            assert store.count_absent(schedule(), include_deleted=False) == 0
            assert list(store.missing(schedule())) == [("cat", 1, 1)]
            assert store.count_absent(schedule()) == 1


def test_a_picture_made_since_and_rejected_by_a_check_is_no_deleted_one(pets):
    (pets / "cat" / "000001.png").unlink()
    with open_set(pets.parent) as store:
        reject_deleted(store)
        generate(store)
        mark(store, {("cat", 1): Mark("by hand")})
        assert list(store.missing(schedule(), include_deleted=False)) == [("cat", 1, 2)]


def test_a_deleted_fallback_does_not_come_back(pets):
    """Its picture lies among the rejects as well; whoever deleted it wants another one, as often as that takes."""
    with open_for_writing(pets) as store:
        mark(store, {("cat", 1): Mark("by hand")}, attempts=1)
        assert store.fallback_count() == 1
    for attempt in (1, 2):
        (pets / "cat" / "000001.png").unlink()
        with open_set(pets.parent) as store:
            assert reject_deleted(store) == 1
            assert list(store.missing(schedule())) == [("cat", 1, attempt)]
            generate(store)
        assert_whole(pets)
    with open_for_writing(pets) as store:
        mark(store, {("cat", 1): Mark("by hand")}, attempts=1)
        (stays,) = (record for record in store.records() if record.key == ("cat", 1))
        assert stays.attempt == 2, "the earlier two were deleted"


def test_only_a_folder_that_is_not_there_has_lost_its_pictures(pets, monkeypatch):
    import errno

    listdir = os.listdir

    def hiccup(path="."):
        if str(path).endswith("cat"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return listdir(path)

    monkeypatch.setattr(os, "listdir", hiccup)
    with pytest.raises(OSError, match=r"cat cannot be read \(Input/output error\)"):
        DatasetStore.open(pets).deleted()
    assert lacks_pictures(pets), "the next run looks again, and says what is wrong"


@pytest.mark.posix("making links needs a right")
def test_a_class_folder_that_is_a_link_is_said(pets, tmp_path):
    (pets / "cat").rename(tmp_path / "elsewhere")
    (pets / "cat").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="cat is a link"):
        DatasetStore.open(pets).deleted()


def test_the_fingerprint_tells_a_deleted_picture_and_calms_down(pets):
    whole = set_fingerprint(pets)
    assert set_fingerprint(pets) == whole
    (pets / "cat" / "000001.png").unlink()
    assert lacks_pictures(pets)
    assert set_fingerprint(pets) != whole
    with open_set(pets.parent) as store:
        reject_deleted(store)
        generate(store)
    assert not lacks_pictures(pets)
    assert set_fingerprint(pets) != whole, "another picture is there now"


def swapped(first, second):
    first.rename(first.with_suffix(".part"))
    second.rename(first)
    first.with_suffix(".part").rename(second)


def swapped_between_classes(root):
    """Two of other sizes: within one tick of the clock nothing else tells them apart."""
    cats, dogs = (sorted((root / label).iterdir()) for label in ("cat", "dog"))
    swapped(*next(pair for pair in zip(cats, dogs, strict=True) if len({path.stat().st_size for path in pair}) == 2))


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "cat" / "000001.png").write_bytes((root / "dog" / "000001.png").read_bytes()),
        lambda root: shutil.copy2(root / "dog" / "000001.png", root / "cat" / "000001.png"),
        swapped_between_classes,
    ],
    ids=["written over", "replaced by an older file", "swapped between classes"],
)
def test_the_fingerprints_tell_pictures_that_others_changed_once(pets, change):
    """Neither the manifest nor a folder changes then: what was read of the old picture stayed until a restart."""
    before = set_fingerprint(pets)
    assert changes_by_others(pets) == 0, "a run of ours changes its own fingerprint never"
    change(pets)
    after = set_fingerprint(pets)
    assert (after != before, changes_by_others(pets)) == (True, 1)
    with open_for_writing(pets) as store:
        store.raise_revision()
    assert changes_by_others(pets) == 1


def test_each_of_a_hundred_swaps_changes_the_fingerprint(pets):
    """The regression: a sum of tuples' hashes is so nearly linear that every fifth swap of two files kept it."""
    rng = random.Random(20)
    cat, dog = (pets / label / "000001.png" for label in ("cat", "dog"))
    kept = 0
    for size in rng.sample(range(300, 5000), 100):
        for path, length in ((cat, size), (dog, size + rng.randrange(1, 30))):
            path.write_bytes(b"x" * length)
            os.utime(path, ns=(10**18, 10**18))
        before = set_fingerprint(pets)
        swapped(cat, dog)
        kept += set_fingerprint(pets) == before
    assert kept == 0


def test_what_a_program_leaves_in_a_class_folder_changes_no_fingerprint(pets):
    before = set_fingerprint(pets)
    for name in (".DS_Store", "Thumbs.db", "._000001.png", "desktop.ini", "000001.png.tmp"):
        (pets / "cat" / name).write_bytes(b"x")
    assert (set_fingerprint(pets), changes_by_others(pets)) == (before, 0)


def test_a_picture_that_an_older_one_replaced_is_told(pets):
    """As a copy from a backup keeps its time."""
    before = set_fingerprint(pets)
    path = pets / "cat" / "000001.png"
    path.write_bytes((pets / "dog" / "000001.png").read_bytes())
    os.utime(path, ns=(10**18, 10**18))
    assert set_fingerprint(pets) != before


def test_fingerprints_never_raise(tmp_path, pets):
    assert set_fingerprint(tmp_path / "nothing") == "none"
    assert changes_by_others(tmp_path / "nothing") == 0
    (pets / "dataset.json").write_text("[")
    assert lacks_pictures(pets), "nobody can say"


def test_an_empty_class_folder_may_be_a_disk_that_is_not_mounted(pets):
    """Of a folder that is a mount point an empty one is left; whoever deletes a whole class deletes its folder."""
    before = set_fingerprint(pets)
    (pets / "cat").rename(pets.parent / "the disk")
    (pets / "cat").mkdir()
    assert set_fingerprint(pets) != before, "else the cache would answer"
    for look in (DatasetStore.deleted, lambda store: verify(store, duplicates=False)):
        with pytest.raises(ValueError, match=r"cat is empty, though 4 pictures of data set 'pets' are listed in it"):
            look(DatasetStore.open(pets))
    (pets / "cat").rmdir()
    (pets.parent / "the disk").rename(pets / "cat")
    assert set_fingerprint(pets) == before
    assert DatasetStore.open(pets).deleted() == []


def test_the_only_picture_of_a_class_may_be_deleted_and_its_folder_be_left(tmp_path):
    with open_set(tmp_path) as store:
        generate(store, count=1)
    (store.root / "cat" / "000000.png").unlink()
    assert DatasetStore.open(store.root).deleted() == [("cat", 0)]
    assert verify(DatasetStore.open(store.root), duplicates=False).missing == [("cat", 0)]
    with open_for_writing(store.root) as store:
        assert reject_deleted(store) == 1
    assert not (store.root / "cat").exists(), "torchvision's ImageFolder refuses a class without pictures"


@pytest.fixture
def korean(tmp_path):
    """A set whose first class has a folder in decomposed letters, as a Mac leaves it."""
    labels = ("\uace0\uc591\uc774", "dog")
    with open_set(tmp_path, labels=labels) as store:
        generate(store, labels)
    folder = store.root / labels[0]
    folder.rename(store.root / unicodedata.normalize("NFD", labels[0]))
    return store.root, labels


def test_a_folder_in_decomposed_letters_loses_nothing(korean):
    root, labels = korean
    store = DatasetStore.open(root)
    assert store.deleted() == []
    assert store.count_absent(schedule(labels)) == 0
    assert all(store.path(record).is_file() for record in store.records())


def test_a_folder_in_decomposed_letters_is_written_and_culled_like_any_other(korean):
    root, labels = korean
    with open_for_writing(root) as store:
        mark(store, {(labels[0], 1): Mark("by hand")})
    with open_set(root.parent, labels=labels) as store:
        assert generate(store, labels, 5) == 3
    folders = [path for path in root.iterdir() if path.is_dir()]
    assert len(folders) == 2, "no second folder of that name"
    assert len(list(root.glob("*/*.png"))) == 10
    (folder,) = (path for path in folders if path.name != "dog")
    (folder / "000002.png").unlink()
    assert lacks_pictures(root)


def test_two_folders_of_one_name_are_one_class(korean):
    """Copied from a Mac and gone on with: half the pictures in each."""
    root, labels = korean
    with open_set(root.parent, labels=labels) as store:
        (root / labels[0]).mkdir()
        (decomposed,) = (path for path in root.iterdir() if unicodedata.normalize("NFC", path.name) != path.name)
        for rank in (1, 2):
            (decomposed / f"00000{rank}.png").rename(root / labels[0] / f"00000{rank}.png")
    store = DatasetStore.open(root)
    assert store.deleted() == []
    assert all(store.path(record).is_file() for record in store.records())


def test_a_file_without_a_line_is_not_replaced_without_a_word(pets):
    """A crash lost half of the lines; one of the pictures was drawn over by hand, the others are as they were."""
    manifest = pets / "metadata.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(b"".join(lines[:4]))
    note_pictures(pets, 4)
    lost = json.loads(lines[4])
    drawn_over = pets / lost["file_name"]
    drawn_over.write_bytes(b"mine")
    with open_set(pets.parent) as store:
        assert generate(store) == 4
        assert store.found_unlisted == 4
    assert_whole(pets)
    kept = list((pets.parent / "pets.rejects" / "unlisted").rglob("*.png"))
    assert [path.read_bytes() for path in kept] == [b"mine"], "the same bytes are not kept twice"


def test_a_merge_does_not_replace_a_file_without_a_line_either(pets):
    with open_set(pets.parent, "other") as store:
        (store.root / "cat").mkdir()
        (store.root / "cat" / "000000.png").write_bytes(b"mine")
        for record in DatasetStore.open(pets).records():
            store.add_file(record, pets / record.file_name)
        assert store.found_unlisted == 1
    assert_whole(store.root)
    (kept,) = (pets.parent / "other.rejects" / "unlisted").rglob("*.png")
    assert kept.read_bytes() == b"mine"


def test_an_extra_attempt_after_a_crash_keeps_the_rejected_picture(pets):
    """A crash after rejected.jsonl was written: the picture still lies in the set when the next attempt is made."""
    with open_for_writing(pets) as store:
        (record,) = (record for record in store.records() if record.key == ("cat", 1))
        from hyponet.nodes.dataset.store.rejection_log import BY_HAND, Rejection

        store.log_rejections([Rejection(record, "by hand", BY_HAND)])
    rejected = (pets / "cat" / "000001.png").read_bytes()
    with open_set(pets.parent) as store:
        assert list(store.missing(schedule())) == [("cat", 1, 1)]
        store.add(item("cat", 1, 1), picture("cat", 1, 1))
    assert_whole(pets)
    (kept,) = (pets.parent / "pets.rejects" / "unlisted").rglob("*.png")
    assert kept.read_bytes() == rejected

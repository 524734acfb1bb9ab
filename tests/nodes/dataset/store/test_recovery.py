"""What a crash, a full disk or a careless hand leaves behind, and that going on puts it right."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.culling.verify import mark_findings, verify
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.manifest import ChangedMeanwhile
from hyponet.nodes.dataset.store.store import DatasetStore
from hyponet.nodes.dataset.store.writer import BackgroundWriter

from ..sample_sets import assert_whole, generate, item, make_set, note_pictures, open_set, picture, schedule


def repair(root: Path) -> int:
    """Verify, then make what is missing; how many were made."""
    with open_for_writing(root) as store:
        mark_findings(store, verify(store, duplicates=False))
    with open_set(root.parent) as store:
        return generate(store)


@pytest.mark.parametrize("cut", [1, 10, 300])
def test_a_torn_last_line_is_made_again(pets, cut):
    manifest = pets / "metadata.jsonl"
    data = manifest.read_bytes()
    manifest.write_bytes(data[:-cut])
    note_pictures(pets, 0)
    assert len(DatasetStore.open(pets)) in (7, 8), "a reader leaves the torn line out"
    assert manifest.read_bytes() == data[:-cut], "a reader changes nothing"
    with open_set(pets.parent) as store:
        assert generate(store) == (0 if cut == 1 else 1)
    assert_whole(pets)


def test_a_score_of_a_user_that_is_nan_is_carried_along(pets):
    manifest = pets / "metadata.jsonl"
    manifest.write_bytes(manifest.read_bytes().replace(b"}\n", b', "quality": NaN}\n'))
    with open_for_writing(pets) as store:
        mark(store, {("dog", 0): Mark("by hand")})
    with open_for_writing(pets) as store:
        assert not store.has("dog", 0)
    assert manifest.read_bytes().count(b'"quality": NaN}\n') == 7
    with open_set(pets.parent) as store:
        assert generate(store) == 1
    assert_whole(pets)


def test_doubled_lines_count_once(pets):
    manifest = pets / "metadata.jsonl"
    manifest.write_bytes(manifest.read_bytes() * 2)
    assert len(list(DatasetStore.open(pets).records())) == 8
    with open_set(pets.parent) as store:
        assert generate(store) == 0
    assert_whole(pets)


def test_windows_line_ends_are_read(pets):
    manifest = pets / "metadata.jsonl"
    manifest.write_bytes(manifest.read_bytes().replace(b"\n", b"\r\n"))
    with open_set(pets.parent) as store:
        assert generate(store) == 0
    assert_whole(pets)


def test_a_deleted_picture_is_made_again_with_the_next_seed(pets):
    (pets / "cat" / "000002.png").unlink()
    assert repair(pets) == 1
    assert_whole(pets)
    tries = {(line.label, line.rank): line.attempt for line in DatasetStore.open(pets).records()}
    assert tries.pop(("cat", 2)) == 1
    assert set(tries.values()) == {0}


@pytest.mark.parametrize("place", [20, -40, -5])
def test_a_flipped_byte_is_found_and_made_again(pets, place):
    path = pets / "dog" / "000001.png"
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    assert repair(pets) == 1
    assert_whole(pets)


def test_a_torn_picture_is_found_and_made_again(pets):
    path = pets / "dog" / "000003.png"
    path.write_bytes(path.read_bytes()[:100])
    assert repair(pets) == 1
    assert_whole(pets)


def test_an_unlisted_picture_is_moved_beside_the_set(pets):
    for source in ("000000.png", "000001.png"):  # the second does not replace the first
        (pets / "cat" / "stranger.png").write_bytes((pets / "cat" / source).read_bytes())
        assert repair(pets) == 0
    assert_whole(pets)
    moved = pets.parent / "pets.rejects" / "unlisted" / "cat"
    assert (moved / "stranger.png").read_bytes() == (pets / "cat" / "000000.png").read_bytes()
    assert (moved / "stranger-2.png").read_bytes() == (pets / "cat" / "000001.png").read_bytes()


def test_a_crash_between_rejecting_and_moving_leaves_only_missing_items(pets):
    """rejected.jsonl is written first: with it, and without anything else, the item counts as missing."""
    with open_for_writing(pets) as store:
        before = (pets / "metadata.jsonl").read_bytes()
        mark(store, {("cat", 1): Mark("by hand")})
    (pets / "metadata.jsonl").write_bytes(before)
    os.replace(pets.parent / "pets.rejects" / "cat" / "000001.try0.png", pets / "cat" / "000001.png")
    with open_set(pets.parent) as store:
        assert list(store.missing(schedule())) == [("cat", 1, 1)]
        assert generate(store) == 1
    assert_whole(pets)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not on Windows: it has no fork")
def test_kill_9_leaves_a_set_that_goes_on(tmp_path):
    """Six random moments here; benchmarks/crash.py takes fifty."""
    outside = tmp_path / "other set"
    outside.mkdir()
    (outside / "note.txt").write_text("untouched")
    moments = random.Random(4)
    for _ in range(6):
        killed_while_writing(tmp_path, moments.uniform(0, 0.06))
    with open_set(tmp_path) as store:
        generate(store, count=100)
    assert_whole(tmp_path / "pets", count=100)
    assert [path.name for path in (tmp_path / "pets.work").iterdir() if path.suffix == ".part"] == []
    assert (outside / "note.txt").read_text("utf-8") == "untouched"
    assert {path.name for path in tmp_path.iterdir()} == {"pets", "pets.work", "pets.sheets", "other set"}


def killed_while_writing(base: Path, seconds: float) -> None:
    """A child opens the set, says so, and goes on with it until it is killed."""
    ear, mouth = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with open_set(base) as store, BackgroundWriter(store, threads=2) as writer:
                os.write(mouth, b"open")
                for label, rank, attempt in list(store.missing(schedule(count=100))):
                    writer.put(item(label, rank, attempt), picture(label, rank, attempt))
        finally:
            os._exit(0)
    os.close(mouth)
    assert os.read(ear, 4) == b"open"
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(ear)


def remount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)


def test_a_full_disk_loses_nothing_that_was_written(mount):
    """256 kB hold some 60 of 300 pictures, whose blocks are 4 kB each."""
    with pytest.raises(OSError, match="No space left"):  # noqa: PT012 - which put raises is a matter of time
        with open_set(mount) as store, BackgroundWriter(store, queue_size=4) as writer:
            for label, rank in schedule(count=150):
                writer.put(item(label, rank), picture(label, rank))
    store = DatasetStore.open(mount / "pets")
    written = len(store)
    assert 10 < written < 300
    # each of the writer's threads may have renamed one that its line had no room for
    assert verify(store, duplicates=False).problems() <= 4
    remount(mount, "size=8m")
    with open_set(mount) as store:
        assert generate(store, count=150) == 300 - written
    assert_whole(mount / "pets", count=150)


def test_a_read_only_disk_is_said_so_and_can_be_read(mount):
    remount(mount, "size=8m")
    with open_set(mount) as store:
        generate(store)
    remount(mount, "ro")
    with pytest.raises(OSError, match=r"cannot be written \(Read-only file system\)"):
        make_set(mount)
    with pytest.raises(OSError, match="Read-only file system"):
        make_set(mount, name="other")
    store = DatasetStore.open(mount / "pets")
    assert verify(store, duplicates=True).problems() == 0
    remount(mount, "rw")
    assert_whole(mount / "pets")


def test_dataset_json_alone_makes_the_plan_again(pets):
    assert json.loads((pets / "dataset.json").read_text("utf-8"))["plan"]["classes"][0]["name"] == "cat"


def save_as_editors_do(manifest):
    copy = manifest.with_name("copy")
    copy.write_bytes(manifest.read_bytes().splitlines(keepends=True)[0])
    copy.replace(manifest)


def save_in_place(manifest):
    manifest.write_bytes(manifest.read_bytes().splitlines(keepends=True)[0])


def append_a_line(manifest):
    first = manifest.read_bytes().splitlines(keepends=True)[0]
    with open(manifest, "ab") as file:
        file.write(first)


no_windows = pytest.mark.posix("it replaces and deletes no file that is open")


@pytest.mark.parametrize(
    "save",
    [
        pytest.param(save_as_editors_do, marks=no_windows),
        save_in_place,
        append_a_line,
        pytest.param(os.unlink, marks=no_windows),
    ],
)
def test_a_manifest_that_another_program_saves_during_a_run_stops_it(tmp_path, save):
    """The regression: the lines went into the old file or behind a hole, and the run reported them as made."""
    with open_set(tmp_path) as store:
        store.add(item("cat", 0), picture("cat", 0))
        store.add(item("dog", 0), picture("dog", 0))
        save(store.root / "metadata.jsonl")
        with pytest.raises(ChangedMeanwhile, match=r"metadata.jsonl was changed by another program.* queue again"):
            store.add(item("cat", 1), picture("cat", 1))
    manifest = store.root / "metadata.jsonl"
    lines = manifest.read_bytes().splitlines() if manifest.exists() else []
    assert all(line.startswith(b"{") for line in lines), "no hole of NULs"
    with open_set(tmp_path) as store:
        assert generate(store) == 8 - len(set(lines))
    assert_whole(store.root)


@pytest.mark.parametrize("save", [save_as_editors_do, save_in_place, append_a_line, os.unlink])
def test_a_manifest_that_another_program_saves_while_items_are_marked_is_not_replaced(pets, save):
    """Its lines were read up to the length that it had: the rest was cut off in the middle of a line."""
    manifest = pets / "metadata.jsonl"
    with open_for_writing(pets) as store:
        save(manifest)
        saved = manifest.read_bytes() if manifest.exists() else None
        with pytest.raises(ChangedMeanwhile):
            mark(store, {("cat", 1): Mark("by hand")})
    assert (manifest.read_bytes() if manifest.exists() else None) == saved

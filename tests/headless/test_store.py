"""Sets in a store: whole or not there, one of equal deliveries, damage named. By fsspec's own memory:// and file://."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from pathlib import Path

import pytest

from hyponet.headless.store import Store, StoreError
from hyponet.tests.nodes.dataset.sample_sets import generate, open_set


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    url = {"memory": f"memory://{tmp_path.name}", "file": (tmp_path / "store").as_uri()}[request.param]
    return Store(url)


def make_set(folder: Path, **pictures: bytes) -> Path:
    """A set of the classes and pictures that are named class_file."""
    for name, content in pictures.items():
        path = folder / name.replace("_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "metadata.jsonl").write_text(str(folder), "utf-8")  # differs between deliveries, as a time would
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def paths_in(store: Store) -> list[str]:
    return sorted(store.files.find(store.root))


def test_a_set_comes_back_as_it_was_delivered(store: Store, tmp_path: Path) -> None:
    made = make_set(tmp_path / "made", cat_1=b"1", cat_2=b"22", dog_1=b"")
    store.put(made, "runs/pets")
    assert store.get("runs/pets", tmp_path / "got") == 1
    assert contents(tmp_path / "got") == contents(made)
    assert [Path(path).suffixes[-1] for path in paths_in(store)] == [".json", ".tar"]  # few objects, not one a picture
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_done_file_is_written_last_and_nothing_is_read_without_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_set(tmp_path / "made", cat_1=b"1")

    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(type(store.files), "pipe_file", broken)
        with pytest.raises(OSError, match="No space"):
            store.put(made, "pets")
    assert [Path(path).suffix for path in paths_in(store)] == [".tar"]
    with pytest.raises(StoreError, match="no whole delivery of set 'pets'"):
        store.get("pets", tmp_path / "got")
    store.put(made, "pets")
    assert store.get("pets", tmp_path / "got") == 1


def test_of_equal_deliveries_one_counts_and_others_are_refused(store: Store, tmp_path: Path) -> None:
    store.put(make_set(tmp_path / "a", cat_1=b"1", cat_2=b"2"), "pets")
    store.put(make_set(tmp_path / "b", cat_1=b"1", cat_2=b"2"), "pets")  # by a worker whose row was handed out twice
    assert store.get("pets", tmp_path / "got") == 1
    store.put(make_set(tmp_path / "c", cat_1=b"1", cat_2=b"3"), "pets")
    with pytest.raises(StoreError, match=r"differ in 1 files, the first 'cat/2'"):
        store.get("pets", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_what_is_there_is_kept_if_it_is_the_same_set(store: Store, tmp_path: Path) -> None:
    made = make_set(tmp_path / "made", cat_1=b"1")
    store.put(made, "pets")
    (made / "metadata.jsonl").write_text("later", "utf-8")
    assert store.get("pets", made) == 1
    assert (made / "metadata.jsonl").read_text("utf-8") == "later"
    (made / "cat" / "1").write_bytes(b"2")
    with pytest.raises(StoreError, match="differ in 1 files, the first 'cat/1'"):
        store.get("pets", made)


def test_what_a_lost_worker_left_half_done_is_replaced(store: Store, tmp_path: Path) -> None:
    store.put(make_set(tmp_path / "made", cat_1=b"1", cat_2=b"2"), "pets")
    half = make_set(tmp_path / "half", cat_1=b"1")
    store.get("pets", half)
    assert contents(half) == contents(tmp_path / "made")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_set_that_grew_or_lost_pictures_is_fetched_as_it_is_now(store: Store, tmp_path: Path) -> None:
    """As rounds of a top-up and Reject Items leave it; what a machine has that is newer stays."""
    grown = make_set(tmp_path / "a", cat_1=b"1")
    store.put(grown, "pets")
    store.put(make_set(grown, cat_2=b"2"), "pets")
    store.get("pets", tmp_path / "b")
    assert {"cat/1", "cat/2"} <= contents(tmp_path / "b").keys()
    (grown / "cat" / "1").unlink()
    (grown / "dataset.json").write_text('{"revision": 1}', "utf-8")
    store.put(make_set(grown, cat_2=b"another attempt"), "pets")
    store.get("pets", tmp_path / "b")
    assert contents(tmp_path / "b") == contents(grown)
    newer = make_set(tmp_path / "c", cat_2=b"another attempt", cat_3=b"3")
    (newer / "dataset.json").write_text('{"revision": 1}', "utf-8")
    before = contents(newer)
    store.get("pets", newer)
    assert contents(newer) == before


def test_two_deliveries_of_a_real_set_are_one(store: Store, tmp_path: Path) -> None:
    """Its books (dataset.json, the card, Croissant) hold the time at which it was made."""
    for name in ("a", "b"):
        with open_set(tmp_path, name) as made:
            generate(made, count=1)
    (tmp_path / "b" / "croissant.json").write_text("made at another time", "utf-8")
    assert {"croissant.json", "README.md"} <= contents(tmp_path / "a").keys()
    store.put(tmp_path / "a", "pets")
    store.put(tmp_path / "b", "pets")
    assert len(paths_in(store)) == 2
    store.get("pets", tmp_path / "b")


@pytest.mark.parametrize("name", ["../out", "/out", "more/../../out", "unnamed"])
def test_a_member_that_the_done_file_does_not_name_is_never_written(store: Store, tmp_path: Path, name: str) -> None:
    """A tar of somebody who can write to the bucket."""
    place = tmp_path / "worker" / "sets"
    hostile = str(tmp_path / "out") if name == "/out" else name
    store.put(make_set(tmp_path / "made", cat_1=b"1"), "pets")
    tar = next(path for path in paths_in(store) if path.endswith(".tar"))
    member = tarfile.TarInfo(hostile)
    member.size = 4
    with io.BytesIO() as content:
        with tarfile.open(fileobj=content, mode="w") as archive:
            archive.addfile(member, io.BytesIO(b"evil"))
        store.files.pipe_file(tar, content.getvalue())
    with pytest.raises(StoreError, match=r"is damaged at"):
        store.get("pets", place / "pets")
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.read_bytes() == b"evil"] == []


@pytest.mark.parametrize("way", ["cut", "changed", "gone", "no tar"])
def test_damage_is_named_and_leaves_nothing(store: Store, tmp_path: Path, way: str) -> None:
    store.put(make_set(tmp_path / "made", cat_1=b"1" * 2000, dog_1=b"2" * 2000), "pets")
    _, tar = paths_in(store)
    content = store.files.cat_file(tar)
    changed = {
        "cut": content[:2000],
        "changed": content.replace(b"2" * 1000, b"2" * 999 + b"3", 1),
        "no tar": b"?" * 3000,
    }
    if way == "gone":
        store.files.rm_file(tar)
    else:
        store.files.pipe_file(tar, changed[way])
    with pytest.raises(StoreError, match=r"pets\.\w+\.tar (is damaged|lacks)"):
        store.get("pets", tmp_path / "got")
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("made", "store")] == []


@pytest.mark.parametrize(
    "change",
    [
        *({"files": {path: "0"}} for path in ("../x", "/x", "a/../../x", "..\\x", "C:x", "x\0")),
        {"revision": "1"},
        {"tar": "../a.tar"},
        {"files": 1},
        {"more": 1},
        {"name": "x"},
    ],
)
def test_a_done_file_that_is_none_is_named(store: Store, tmp_path: Path, change: dict[str, object]) -> None:
    store.put(make_set(tmp_path / "made", cat_1=b"1"), "pets")
    done = paths_in(store)[0]
    text = json.dumps({**json.loads(store.files.cat_file(done)), **change})
    store.files.pipe_file(done, text.encode())
    with pytest.raises(StoreError, match=r"done\.json is damaged"):
        store.get("pets", tmp_path / "got")


def test_sets_whose_names_begin_alike_are_told_apart(store: Store, tmp_path: Path) -> None:
    store.put(make_set(tmp_path / "a", cat_1=b"1"), "pets")
    store.put(make_set(tmp_path / "b", cat_1=b"2"), "pets.2")
    assert store.names() == {"pets", "pets.2"}
    assert (store.get("pets", tmp_path / "one"), store.get("pets.2", tmp_path / "two")) == (1, 1)
    assert contents(tmp_path / "two")["cat/1"] == b"2"


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="s3fs"):
        Store("s3://bucket/folder")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ValueError, match="needs fsspec"):
        Store("memory://x")

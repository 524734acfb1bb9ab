"""Sets in a store: whole or not there, one of equal deliveries, damage named. By fsspec's own memory:// and file://."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hyponet.headless.store import Store, StoreError


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
    (made / "cat" / "1").unlink()
    with pytest.raises(StoreError, match="differ in 1 files"):
        store.get("pets", made)


@pytest.mark.parametrize("way", ["cut", "changed", "gone", "no tar"])
def test_damage_is_named_and_leaves_nothing(store: Store, tmp_path: Path, way: str) -> None:
    store.put(make_set(tmp_path / "made", cat_1=b"1" * 2000, dog_1=b"2" * 2000), "pets")
    _, tar = paths_in(store)
    content = store.files.cat_file(tar)
    changed = {"cut": content[:2000], "changed": content.replace(b"22", b"23", 1), "no tar": b"?" * 3000}
    if way == "gone":
        store.files.rm_file(tar)
    else:
        store.files.pipe_file(tar, changed[way])
    with pytest.raises(StoreError, match=r"pets\.\w+\.tar (is damaged|lacks)"):
        store.get("pets", tmp_path / "got")
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("made", "store")] == []


@pytest.mark.parametrize(
    "change",
    [{"files": {"../x": "0"}}, {"files": {"/x": "0"}}, {"tar": "../a.tar"}, {"files": 1}, {"more": 1}, {"name": "x"}],
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

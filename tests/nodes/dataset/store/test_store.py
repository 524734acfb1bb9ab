from __future__ import annotations

import json
import shutil
import threading

import numpy as np
import pytest
from PIL import Image

from hyponet.nodes.dataset.open import create_or_open
from hyponet.nodes.dataset.store.description import SetSpec, read_revision
from hyponet.nodes.dataset.store.encode import Encoding
from hyponet.nodes.dataset.store.identity import OtherSettings
from hyponet.nodes.dataset.store.lock import SetIsHeld
from hyponet.nodes.dataset.store.provenance import Provenance
from hyponet.nodes.dataset.store.store import DatasetStore
from hyponet.nodes.dataset.store.writable_store import WritableStore
from hyponet.nodes.dataset.store.writer import BackgroundWriter

from ..sample_sets import IDENTITY, assert_whole, generate, item, make_set, open_set, picture, schedule


def test_a_set_has_the_standard_layout(pets):
    assert_whole(pets)
    names = {entry.name for entry in pets.iterdir()}
    assert names == {"cat", "dog", "metadata.jsonl", "dataset.json", "README.md", "croissant.json"}
    line = json.loads((pets / "metadata.jsonl").read_text("utf-8").splitlines()[0])
    assert line | {"sha256": ""} == {
        "file_name": "cat/000000.png",
        "label": "cat",
        "rank": 0,
        "attempt": 0,
        "status": "ok",
        "prompt": "a red cat",
        "negative": "blurry",
        "picks": [{"slot": "color", "option": "red", "source": "color.txt"}],
        "seed": 0,
        "width": 24,
        "height": 24,
        "sha256": "",
        "check": "unchecked",
        "check_probability": 0.0,
        "check_predicted": "",
    }


def test_picture_carries_graph_parameters_and_its_own_record(tmp_path):
    with open_set(tmp_path, encoding=Encoding(parameters=True)) as store:
        generate(store)
    info = Image.open(store.root / "dog" / "000001.png").info
    assert json.loads(info["prompt"]) == {"1": {"class_type": "KSampler"}}
    assert info["parameters"] == "a blue dog\nNegative prompt: blurry\nSteps: 2, Size: 24x24, Seed: 100"
    assert json.loads(info["hyponet"])["picks"] == [["color", "blue", "color.txt"]]


def test_going_on_makes_only_what_is_missing(tmp_path):
    with open_set(tmp_path) as store:
        assert generate(store, count=2) == 4
    with open_set(tmp_path, labels=("cat", "dog", "fox")) as store:
        assert generate(store, ("cat", "dog", "fox"), 3) == 5
        assert list(store.missing(schedule(("cat", "dog", "fox"), 3))) == []
        assert store.counts() == {"cat": 3, "dog": 3, "fox": 3}
    assert_whole(store.root, ("cat", "dog", "fox"), 3)


def test_an_item_is_never_written_twice(tmp_path):
    with open_set(tmp_path) as store:
        store.add(item("cat", 0), picture("cat", 0))
        with pytest.raises(ValueError, match="in the set already"):
            store.add(item("cat", 0), picture("cat", 0))


def test_other_settings_are_refused_with_the_difference(pets):
    before = {path: path.read_bytes() for path in pets.rglob("*") if path.is_file()}
    with pytest.raises(OtherSettings, match=r"steps: 2 there, 30 now.*nothing was changed") as raised:
        make_set(pets.parent, identity={"steps": 30, "sampler": "euler", "cfg": 2})
    assert "cfg: nothing there, 2 now" in str(raised.value)
    with pytest.raises(OtherSettings, match=r'encoding.format: "png" there, "jpeg" now'):
        make_set(pets.parent, encoding=Encoding("jpeg"))
    assert {path: path.read_bytes() for path in pets.rglob("*") if path.is_file()} == before


def plan(**changes):
    first = {"name": "cat", "template": "", "count": None, "synset": ""}
    whole = {"template": "a __color__ cat", "seed": 1, "images_per_class": 4, "shard": [0, 1], "order": "interleaved"}
    return whole | {"classes": [first], "wildcards": {"color": ["red"]}} | changes


@pytest.mark.parametrize(
    "changed",
    [
        {"images_per_class": 9, "shard": [1, 2], "order": "by class"},
        {"classes": [{"name": "cat", "template": "", "count": 7, "synset": "n02121808"}, {"name": "dog"}]},
        {"wildcards": {"color": ["red"], "place": ["park"]}},
    ],
)
def test_more_images_classes_and_shards_extend_a_set(tmp_path, changed):
    for each in (plan(), plan(**changed)):
        store = WritableStore.create_or_open(tmp_path, "pets", SetSpec(each, IDENTITY))
        store.close()
    assert store.description.plan == plan(**changed)


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({"seed": 2}, "plan.seed: 1 there, 2 now"),
        ({"template": "x"}, 'plan.template: "a __color__ cat" there, "x" now'),
        ({"wildcards": {"color": ["blue"]}}, r'plan.wildcards.color: \["red"\] there, \["blue"\] now'),
        ({"classes": [{"name": "cat", "template": "one", "count": None}]}, 'plan.class.cat.template: "" there'),
    ],
)
def test_what_decides_items_may_not_change(tmp_path, changed, shown):
    with create_or_open(tmp_path, "pets", SetSpec(plan(), IDENTITY)) as store:
        store.add(item("cat", 0), picture("cat", 0))
    with pytest.raises(OtherSettings, match=shown):
        WritableStore.create_or_open(tmp_path, "pets", SetSpec(plan(**changed), IDENTITY))


def test_a_second_writer_is_told_who_holds_the_set(tmp_path):
    import os

    with open_set(tmp_path) as store:
        generate(store)
        with pytest.raises(SetIsHeld, match=f"'pets' is being written by process {os.getpid()} on "):
            make_set(tmp_path)
        with pytest.raises(SetIsHeld, match="being written"):
            WritableStore.open(store.root)
        assert len(DatasetStore.open(store.root)) == 8, "reading needs no lock"
    make_set(tmp_path)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "pets").mkdir()
    (tmp_path / "pets" / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(ValueError, match=r"holds files that are not ours \(holiday.jpg\)"):
        make_set(tmp_path)
    assert (tmp_path / "pets" / "holiday.jpg").read_bytes() == b"mine"
    assert [entry.name for entry in (tmp_path / "pets").iterdir()] == ["holiday.jpg"]


@pytest.mark.posix("making links needs a right")
def test_a_picture_that_is_a_link_is_not_read(pets, tmp_path):
    from hyponet.nodes.dataset.load import load_batch

    secret = tmp_path / "secret.png"
    (pets / "cat" / "000000.png").rename(secret)
    (pets / "cat" / "000000.png").symlink_to(secret)
    with pytest.raises(ValueError, match=r"cat/000000.png is a link"):
        load_batch(DatasetStore.open(pets), 0, 1)


def test_what_a_set_lacks_is_counted_on_the_disk(pets):
    keys = [(label, rank) for label in ("cat", "dog") for rank in range(4)]
    assert DatasetStore.open(pets).count_absent(keys) == 0
    (pets / "cat" / "000001.png").unlink()
    assert DatasetStore.open(pets).count_absent(keys) == 1
    assert DatasetStore.open(pets).count_absent([*keys, ("dog", 99)]) == 2  # never made
    shutil.rmtree(pets / "dog")
    assert DatasetStore.open(pets).count_absent(keys) == 5


def test_a_set_never_lies_in_another(pets):
    for inside in ("pets/cat", "pets/new", "pets.work/new"):
        folder, name = inside.split("/")
        with pytest.raises(ValueError, match="lies in the folder of another set"):
            make_set(pets.parent / folder, name)
    assert_whole(pets)


@pytest.mark.parametrize("folder", ["../outside", "..", "a/b", "C:", "", None, 7])
def test_a_set_from_elsewhere_writes_into_itself_only(pets, folder):
    """The regression: the folder of a class was taken from dataset.json as it stood there."""
    description = json.loads((pets / "dataset.json").read_text("utf-8"))
    description["classes"][0]["folder"] = folder
    (pets / "dataset.json").write_text(json.dumps(description), "utf-8")
    with pytest.raises(ValueError, match="no usable classes"):
        make_set(pets.parent)
    with pytest.raises(ValueError, match="no usable classes"):
        WritableStore.open(pets)


@pytest.mark.parametrize("part", ["revision", "classes", "identity", "plan", "provenance", "encoding", "copies"])
def test_a_description_that_lacks_something_says_so(pets, part):
    description = json.loads((pets / "dataset.json").read_text("utf-8"))
    del description[part]
    (pets / "dataset.json").write_text(json.dumps(description), "utf-8")
    with pytest.raises(ValueError, match=f"no usable {part}"):
        DatasetStore.open(pets)


def test_a_licence_that_its_owner_took_out_stops_nothing(pets):
    description = json.loads((pets / "dataset.json").read_text("utf-8"))
    del description["licence"]
    (pets / "dataset.json").write_text(json.dumps(description), "utf-8")
    with open_set(pets.parent) as store:
        generate(store, count=5)
    assert "license: unknown" in (pets / "README.md").read_text("utf-8")


@pytest.mark.posix("making links needs a right")
def test_links_are_not_followed_out_of_the_set(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    with open_set(tmp_path / "sets") as store:
        (store.root / "cat").symlink_to(outside)
        with pytest.raises(ValueError, match="is a link"):
            store.add(item("cat", 0), picture("cat", 0))
    assert list(outside.iterdir()) == []


LABELS = (
    "\uace0\uc591\uc774", "\U0001f600", "CON", "train", "dots...", "x" * 300, "Cat", "cat", "a/b", "line\nbreak",
    "README.md", "metadata.jsonl", "Croissant.json", "\ud800",
)  # fmt: skip


def test_any_label_is_kept_in_the_manifest(tmp_path):
    with open_set(tmp_path, labels=LABELS) as store:
        assert generate(store, LABELS, 2) == 2 * len(LABELS)
    assert_whole(store.root, LABELS, 2)
    again = DatasetStore.open(store.root)
    assert set(again.labels) == set(LABELS)
    assert list(again.missing(schedule(LABELS, 2))) == []
    assert len({path.parent for path in store.root.glob("*/*.png")}) == len(LABELS)


def test_half_a_surrogate_pair_in_any_widget_is_kept_as_an_escape(tmp_path):
    """The regression: dataset.json could not be written; the graph comes from the page and holds what was typed."""
    half = "\ud800 \\ \udfff"
    graph = {"1": {"class_type": half, "inputs": {"text": half}}}
    provenance = Provenance(prompt=graph, workflow={"nodes": [half]}, nodes={"X.text": half})
    for _ in range(2):
        with create_or_open(tmp_path, "pets", SetSpec({}, {"graph.X.text": half}, provenance)) as store:
            generate(store, ("cat",), 1)
    kept = json.loads((store.root / "dataset.json").read_text("utf-8"))
    assert kept["provenance"]["prompt"] == graph
    assert json.loads(Image.open(store.root / "cat" / "000000.png").info["prompt"]) == graph
    assert r"\ud800" in (store.root / "README.md").read_text("utf-8")


def test_threads_add_at_once(tmp_path):
    with open_set(tmp_path) as store:
        with BackgroundWriter(store, queue_size=2, threads=4) as writer:
            for label, rank in schedule(count=30):
                writer.put(item(label, rank), picture(label, rank))
    assert_whole(store.root, count=30)


def test_writer_raises_what_went_wrong_where_the_caller_is(tmp_path):
    with open_set(tmp_path) as store:
        writer = BackgroundWriter(store, queue_size=1)
        writer.put(item("cat", 0), np.zeros((4, 4), np.uint8))
        with pytest.raises(ValueError, match="expected uint8"):  # noqa: PT012 - which put raises is a matter of time
            for rank in range(1, 50):
                writer.put(item("cat", rank), picture("cat", rank))
        with pytest.raises(ValueError, match="expected uint8"):
            writer.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hyponet writer")]


def test_writer_drains_when_its_caller_is_interrupted(tmp_path):
    with open_set(tmp_path) as store:
        with pytest.raises(KeyboardInterrupt), BackgroundWriter(store, queue_size=50) as writer:  # noqa: PT012
            for label, rank in schedule():
                writer.put(item(label, rank), picture(label, rank))
            raise KeyboardInterrupt
        assert list(store.missing(schedule())) == []


def test_writer_drains_when_ctrl_c_is_pressed_while_it_waits(tmp_path, monkeypatch):
    """The regression: the threads went on behind a set that was closed, and what they had left to write was lost."""
    join, pressed = threading.Thread.join, []

    def join_and_press(thread, timeout=None):
        if thread.name.startswith("hyponet writer") and not pressed:
            pressed.append(1)
            raise KeyboardInterrupt
        join(thread, timeout)

    with open_set(tmp_path) as store:
        with pytest.raises(KeyboardInterrupt), BackgroundWriter(store, queue_size=50) as writer:  # noqa: PT012
            for label, rank in schedule(count=30):
                writer.put(item(label, rank), picture(label, rank))
            monkeypatch.setattr(threading.Thread, "join", join_and_press)
        assert pressed
        assert list(store.missing(schedule(count=30))) == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hyponet writer")]
    assert_whole(store.root, count=30)


def test_a_template_without_slots_leaves_no_column_null(tmp_path):
    from dataclasses import replace

    with open_set(tmp_path, labels=("cat",)) as store:
        store.add(replace(item("cat", 0), picks=()), picture("cat", 0))
        assert next(store.records()).picks == ()
    line = json.loads((store.root / "metadata.jsonl").read_text("utf-8"))
    assert all(value is not None and value != [] for value in line.values())


def test_fingerprint_of_a_set_never_raises(tmp_path):
    assert read_revision(tmp_path) == -1
    (tmp_path / "dataset.json").write_text("[")
    assert read_revision(tmp_path) == -1


@pytest.mark.parametrize("format", ["png", "webp lossless", "webp", "jpeg"])
def test_every_format_is_a_set_that_goes_on(tmp_path, format):
    for count in (1, 2):
        with open_set(tmp_path, encoding=Encoding(format)) as store:
            assert generate(store, count=count) == 2
    suffix = {"png": ".png", "jpeg": ".jpg"}.get(format, ".webp")
    assert {path.suffix for path in store.root.glob("*/*")} == {suffix}


def test_a_set_without_pictures_binds_nobody(tmp_path):
    """A first run that fails before its first picture must not keep its settings."""
    for changed in ({}, {"seed": 2}):
        with create_or_open(tmp_path, "pets", SetSpec(plan(**changed), {**IDENTITY, **changed})) as store:
            kept = store.description
    assert kept.identity["seed"] == 2
    assert kept.plan["seed"] == 2


@pytest.mark.posix("it deletes no file that is open")
def test_a_set_deleted_while_it_is_generated_is_not_made_anew_around_what_is_still_to_come(tmp_path):
    def generate_and_delete():
        with open_set(tmp_path) as store:
            store.add(item("cat", 0), picture("cat", 0))
            shutil.rmtree(tmp_path / "pets")
            store.add(item("cat", 1), picture("cat", 1))

    with pytest.raises(FileNotFoundError):
        generate_and_delete()
    assert not (tmp_path / "pets").exists()

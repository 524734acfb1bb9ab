"""A set opens whatever its pictures are like, so that the nodes that mend it, or take no picture, can be reached."""

from __future__ import annotations

import json
import os
import shutil
import time
import zipfile
from types import SimpleNamespace

import pytest
from PIL import Image

from hyponet.evaluation.disk_errors import UnreadableFile
from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.export.formats import EXPORTS, export
from hyponet.nodes.dataset.load import load_batch, read_picture
from hyponet.nodes.dataset.merge import merge
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.split import Shares, split
from hyponet.nodes.dataset.store.description import Copies
from hyponet.nodes.dataset.store.manifest import ChangedMeanwhile
from hyponet.nodes.dataset.store.store import DamagedPicture, DatasetStore
from hyponet.nodes.dataset.summary import summarize

from .sample_sets import assert_whole, generate, item, open_set, picture, schedule


def lose_a_picture(root):
    (root / "cat" / "000000.png").unlink()


def tear_a_picture(root):
    path = root / "cat" / "000000.png"
    path.write_bytes(path.read_bytes()[:60])


def lose_a_class(root):
    for path in (root / "cat").iterdir():
        path.unlink()
    (root / "cat").rmdir()


def add_a_larger_picture(root):
    with open_for_writing(root) as store:
        store.add(item("cat", 4), picture("cat", 4, side=48))


def reject_all(root):
    with open_for_writing(root) as store:
        mark(store, {key: Mark("by hand") for key in schedule()})


DAMAGES = [lose_a_picture, tear_a_picture, lose_a_class, add_a_larger_picture, reject_all]
LOST = {lose_a_picture: 1, tear_a_picture: 1, lose_a_class: 4, add_a_larger_picture: 0, reject_all: 0}
LISTED = {**dict.fromkeys(DAMAGES, 8), add_a_larger_picture: 9, reject_all: 0}


@pytest.fixture
def nodes(tmp_path, monkeypatch):
    """The nodes' functions, over the sets below `tmp_path`/datasets."""
    if not os.environ.get("HYPONET_COMFYUI"):
        pytest.fail("HYPONET_COMFYUI is not set; run the tests by `python3 dev.py test`")
    import comfy.cli_args

    comfy.cli_args.args.cpu = True
    import folder_paths

    from hyponet.nodes.dataset.nodes import NODES

    monkeypatch.setattr(folder_paths, "output_directory", str(tmp_path))
    names = {node.__name__.removeprefix("HypoNet"): node for node in NODES}
    return SimpleNamespace(**{name: node.execute for name, node in names.items()}, classes=SimpleNamespace(**names))


@pytest.fixture
def root(tmp_path):
    """A set that the nodes find by the name `pets`."""
    with open_set(tmp_path / "datasets") as store:
        generate(store)
    return store.root


def opened(nodes):
    """What Load Dataset gives: the set's reference, its table and count."""
    dataset, table, count, _ = nodes.LoadDataset(name="pets", include_marked=False).result
    assert len(table.splitlines()) == 1 + count
    return dataset, count


@pytest.mark.comfyui
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_set_opens_whatever_its_pictures_are_like(nodes, root, damage):
    damage(root)
    dataset, count = opened(nodes)
    assert dataset.path == root
    assert count == LISTED[damage]
    assert "pictures in 2 classes" in nodes.SummarizeDataset(dataset=dataset).result[1]


@pytest.mark.comfyui
@pytest.mark.parametrize("damage", DAMAGES)
def test_verify_behind_load_dataset_finds_it_and_generate_makes_it_again(nodes, root, damage):
    damage(root)
    dataset, _ = opened(nodes)
    found = nodes.VerifyDataset(dataset=dataset, reject=True, near_duplicates=False, mend_lines=False, attempts=5)
    assert found.result[2] == LOST[damage]
    with open_set(root.parent) as store:
        assert generate(store) == LOST[damage] + (8 if damage is reject_all else 0)
    nodes.LoadDatasetPictures(dataset=dataset, batch_number=0, batch_size=64, size=16, include_marked=False)


@pytest.mark.comfyui
@pytest.mark.parametrize("damage", [lose_a_picture, tear_a_picture, lose_a_class, add_a_larger_picture])
def test_items_of_a_damaged_set_can_be_rejected(nodes, root, damage):
    damage(root)
    dataset, count = opened(nodes)
    nodes.RejectItems(dataset=dataset, selection="dog: 1, cat: 0", round=1, attempts=5)
    assert len(DatasetStore.open(root)) == count - 2


@pytest.mark.comfyui
def test_pictures_of_two_sizes_are_exported(nodes, root):
    """As after a merge; the regression: Load Dataset asked for a size before any export could be reached."""
    with open_set(root.parent, "large", identity={"steps": 3}) as large:
        for key in schedule():
            large.add(item(*key), picture(*key, side=48))
    refs = [DatasetStore.open(path).ref() for path in (root, large.root)]
    merged = nodes.MergeDatasets(dataset_1=refs[0], dataset_2=refs[1], more_sets="", name="both").result[0]
    merged = nodes.LoadDataset(name=merged.name, include_marked=False).result[0]
    folder = nodes.ExportDataset(
        dataset=merged, export_format="ImageFolder zip", shard_size=1000, include_marked=False
    ).result[0]
    with zipfile.ZipFile(f"{folder}/both.zip") as archive:
        sizes = {Image.open(archive.open(name)).size for name in archive.namelist() if name.endswith(".png")}
        assert sizes == {(24, 24), (48, 48)}  # the sides of the two sets above


@pytest.mark.comfyui
@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lose_a_picture, r"picture cat/000000.png of data set 'pets' is missing; .*run Verify Dataset"),
        (lose_a_class, r"picture cat/000000.png of data set 'pets' is missing; .*run Verify Dataset"),
        (tear_a_picture, r"picture cat/000000.png of data set 'pets' cannot be decoded; .*run Verify Dataset"),
        (add_a_larger_picture, "pictures are of sizes 24x24, 48x48; .*set size"),
        (reject_all, "data set 'pets' has no pictures; .*generate some first"),
    ],
)
def test_where_pictures_are_asked_for_the_error_names_picture_and_way_to_mend(nodes, root, damage, says):
    damage(root)
    with pytest.raises(ValueError, match=says):
        nodes.LoadDatasetPictures(dataset=opened(nodes)[0], batch_number=0, batch_size=64, size=0, include_marked=False)


def test_another_error_of_the_disk_is_no_damage_to_a_picture(root):
    """A folder in the file's place (EISDIR, on Windows EACCES): said as it is, not as a picture to be made again."""
    lose_a_picture(root)
    (root / "cat" / "000000.png").mkdir()
    store = DatasetStore.open(root)
    record = next(record for record in store.records() if record.key == ("cat", 0))
    with pytest.raises(UnreadableFile, match=r"000000\.png cannot be read"):
        read_picture(store, record)


def test_rejecting_goes_on_although_another_picture_lacks_its_small_copy(root, caplog):
    """Small copies are brought up to date whenever a set was changed; the regression: one lost picture stopped it."""
    lose_a_picture(root)
    with open_set(root.parent, copies=Copies((6,), "area")) as store:
        mark(store, {("dog", 1): Mark("by hand")})
    assert "no copy of 6 pixels: picture cat/000000.png of data set 'pets' is missing" in caplog.text
    copies = DatasetStore.open(root.with_name("pets.6px"))
    assert set(copies.keys()) == set(schedule()) - {("cat", 0), ("dog", 1)}


def test_merge_and_split_name_the_picture_that_is_missing(root):
    lose_a_picture(root)
    source = DatasetStore.open(root)
    with open_set(root.parent, "other", identity={"steps": 3}) as other:
        generate(other)
    says = r"picture cat/000000.png of data set 'pets' is missing; .*run Verify Dataset"
    with (
        pytest.raises(DamagedPicture, match=says),
        merge([source, DatasetStore.open(other.root)], root.parent, "both"),
    ):
        pass
    with pytest.raises(DamagedPicture, match=says):
        split(source, root.parent, "pets", Shares(1, 0, 0), 0)


def test_a_batch_is_read_where_only_another_picture_is_damaged(root):
    lose_a_picture(root)  # item 0 of cat; batch 1 of 4 pictures holds ranks 2 and 3
    assert load_batch(DatasetStore.open(root), 1, 4).images.shape == (4, 24, 24, 3)


def lose_a_column(number, line):
    """Line 2, dog 0, lacks a column, as after an edit by hand."""
    return {name: value for name, value in line.items() if number != 1 or name != "check"}


def damage_lines(root):
    manifest = root / "metadata.jsonl"
    lines = [json.loads(line) for line in manifest.read_text("utf-8").splitlines()]
    text = "".join(json.dumps(lose_a_column(*entry)) + "\n" for entry in enumerate(lines))
    manifest.write_text(text, "utf-8")


@pytest.mark.parametrize("form", EXPORTS)
def test_a_set_with_a_damaged_line_is_not_exported_as_if_it_were_whole(root, form):
    """The regression: seven of the eight pictures went out, and the export reported success."""
    damage_lines(root)
    with pytest.raises(ValueError, match=r"metadata.jsonl, line 2 has no column 'check'.*Verify Dataset"):
        export(
            *(DatasetStore.open(root), root.parent / "exports", "pets", form),
            **{"shard_size": 9, "include_fallbacks": False, "progress": lambda done, total: None},
        )


@pytest.mark.comfyui
def test_nodes_that_show_a_set_say_which_lines_they_leave_out(nodes, root):
    damage_lines(root)
    loaded = nodes.LoadDataset(name="pets", include_marked=False)
    says = "1 damaged lines are left out (metadata.jsonl, line 2 has no column 'check')"
    assert "pets: 7 pictures in 2 classes. " + says in loaded.ui["text"][0]
    assert says in nodes.SummarizeDataset(dataset=loaded.result[0]).result[1]
    sheet = {"columns": 2, "rows": 4, "page": 0, "cell": 16, "caption": "none", "order": "by class", "only_class": ""}
    assert says in nodes.MakeContactSheet(dataset=loaded.result[0], **sheet).ui["text"][0]


@pytest.mark.comfyui
def test_who_writes_a_set_looks_again_when_its_pictures_were_overwritten(nodes, root):
    """Train Classifier behind Merge or Split would go on with digests of the old pictures; so would a merge by name."""
    with open_set(root.parent, "others", labels=("duck", "dog")) as store:
        generate(store, labels=("duck", "dog"))
    others = DatasetStore.open(store.root).ref()
    merged, parts = nodes.classes.MergeDatasets, nodes.classes.SplitDataset

    def fingerprints():
        return (
            merged.fingerprint_inputs(dataset_1=None, more_sets="pets\n", name="all"),
            parts.fingerprint_inputs(dataset=None, name="all", train=1.0),
            nodes.classes.SaveToDataset.fingerprint_inputs(images=None, name="all"),
        )

    before = fingerprints()
    nodes.MergeDatasets(dataset_1=others, more_sets="pets\n", name="all")
    whole = DatasetStore.open(root.parent / "all").ref()
    nodes.SplitDataset(dataset=whole, name="all", train=1.0, val=0.0, test=0.0, include_marked=False, seed=1)
    assert fingerprints() == before, "their own runs are no reason for another one"
    overwrite(root.parent / "all" / "duck" / "000001.png")
    after = fingerprints()
    assert [new != old for new, old in zip(after, before, strict=True)] == [True, False, True]
    overwrite(root.parent / "all-train" / "duck" / "000002.png")
    assert fingerprints()[1] != before[1]
    overwrite(root / "cat" / "000001.png")
    assert fingerprints()[0] != after[0], "a set that is merged by its name"


@pytest.mark.comfyui
def test_an_export_says_what_became_of_one_that_was_stopped(nodes, root):
    def stop(done, total):
        if done == 5:
            raise KeyboardInterrupt

    form, base = "ImageFolder zip", root.parents[1] / "hyponet" / "exports" / "pets"
    store = DatasetStore.open(root)
    with pytest.raises(KeyboardInterrupt):
        export(store, base, "pets", form, shard_size=9, include_fallbacks=False, progress=stop)
    exported = nodes.ExportDataset(dataset=store.ref(), export_format=form, shard_size=9, include_marked=False)
    assert exported.ui["text"][0] == (
        f"Exported 8 pictures to {base / 'imagefolder'} "
        "5 of them are from an export that had been stopped, compared with the set."
    )


@pytest.mark.comfyui
def test_a_split_without_a_name_of_its_own_looks_again_as_well(nodes, root):
    """The regression: its parts are called by the set, which the fingerprint is not told, and it never looked."""

    def look():
        return nodes.classes.SplitDataset.fingerprint_inputs(dataset=None, name=" ", train=1.0)

    before = look()
    dataset = DatasetStore.open(root).ref()
    nodes.SplitDataset(dataset=dataset, name=" ", train=0.5, val=0.0, test=0.5, include_marked=False, seed=1)
    assert look() == before, "its own run is no reason for another one"
    part = root.parent / "pets-train"
    overwrite(next(part / record.file_name for record in DatasetStore.open(part).records()))
    after = look()
    assert after != before
    assert look() == after


@pytest.mark.comfyui
def test_a_node_whose_name_comes_through_a_link_always_looks(nodes):
    """ComfyUI gives None for what is linked. The regression: a set called `None` was looked at."""
    classes = nodes.classes
    told = (
        classes.LoadDataset.fingerprint_inputs(name=None),
        classes.SaveToDataset.fingerprint_inputs(images=None, name=None),
        classes.MergeDatasets.fingerprint_inputs(more_sets="", name=None),
        classes.MergeDatasets.fingerprint_inputs(more_sets=None, name="all"),
        classes.SplitDataset.fingerprint_inputs(dataset=None, name=None),
    )
    assert all(value != value for value in told), "NaN, which equals nothing"


def overwrite(path):
    """In place, an hour from now: sooner the clock of the disk may say the time at which the set was written."""
    path.unlink()  # it may be linked from another set
    path.write_bytes(b"another")
    os.utime(path, (time.time() + 3600,) * 2)


@pytest.mark.posix("it deletes no file that is open")
def test_two_writers_whose_lock_was_deleted_make_no_half_set(root):
    """Somebody deletes <name>.work during a run, and with it the lock: whoever comes second is noticed."""
    with open_set(root.parent, "shared") as first:
        first.add(item("cat", 0), picture("cat", 0))
        shutil.rmtree(root.with_name("shared.work"))
        with open_set(root.parent, "shared") as second:
            second.add(item("dog", 0), picture("dog", 0))
            with pytest.raises(ChangedMeanwhile, match="queue again"):
                first.add(item("cat", 1), picture("cat", 1))
    with open_set(root.parent, "shared") as store:
        assert generate(store) == 6
    assert_whole(store.root)


def test_names_that_markdown_takes_for_markup_stay_one_row_of_the_summary_and_the_card(tmp_path):
    labels = ("cat | dog", "a `b`", "<b>")
    with open_set(tmp_path, labels=labels) as store:
        generate(store, labels, 1)
    table = summarize(DatasetStore.open(store.root)).markdown()
    assert "| cat \\| dog | 1 |" in table
    assert "| a 'b' | 1 |" in table
    card = (store.root / "README.md").read_text("utf-8")
    for text in (table, card):
        assert "| &lt;b> |" in text
        assert len([line for line in text.splitlines() if line.startswith("| cat \\| dog |")]) == 1

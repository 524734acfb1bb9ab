"""Exports and the set itself, read back with the libraries that users use."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.export import formats
from hyponet.nodes.dataset.export.formats import EXPORTS, export
from hyponet.nodes.dataset.export.job import ExportJob
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.encode import Encoding
from hyponet.nodes.dataset.store.store import DamagedPicture, DatasetStore
from tools.dev.places import ROOT

from ..sample_sets import generate, open_set, picture, schedule

ZIP, TARS, PARQUET, CSV, CAPTIONS = EXPORTS
LABELS = {
    "pets": ("cat", "dog"),
    "a class called train": ("train", "test tube", "\uace0\uc591\uc774"),
    "one class": ("only",),
    "one class called test": ("test",),
}


@pytest.fixture(params=LABELS, ids=lambda name: name.replace(" ", "-"))
def made(request, tmp_path):
    labels = LABELS[request.param]
    with open_set(tmp_path, "my-train set", labels=labels) as store:
        generate(store, labels, 3)
    return DatasetStore.open(store.root)


@pytest.fixture(autouse=True)
def no_cache_of_other_tests(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")


def exported(store, form, shard_size=4, fallbacks=False, name="out", progress=lambda done, total: None):
    return finished(store, form, shard_size, fallbacks, name, progress).folder


def finished(store, form, shard_size=4, fallbacks=False, name="out", progress=lambda done, total: None):
    base = store.root.parent / "exports"
    return export(store, base, name, form, shard_size=shard_size, include_fallbacks=fallbacks, progress=progress)


def expected_pixels(store):
    return {(label, rank): picture(label, rank) for label, rank in schedule(store.labels, 3)}


def load_hf(path, tmp_path, **more):
    import datasets

    return datasets.load_dataset(path, cache_dir=str(tmp_path / "hf"), **more)


def check_rows(rows, store):
    """Rows of Hugging Face with image, label (text or ClassLabel's number) and rank."""
    names = getattr(rows.features["label"], "names", None)
    seen = {}
    for row in rows:
        label = names[row["label"]] if names else row["label"]
        seen[(label, row["rank"])] = np.asarray(row["image"].convert("RGB"))
    expected = expected_pixels(store)
    assert seen.keys() == expected.keys()
    assert all(np.array_equal(seen[key], expected[key]) for key in expected)


def test_hugging_face_reads_the_set_as_it_lies(made, tmp_path):
    sets = load_hf("imagefolder", tmp_path, data_dir=str(made.root))
    assert list(sets) == ["train"], "no folder is taken for a split"
    check_rows(sets["train"], made)
    assert {"prompt", "negative", "picks", "seed", "attempt", "sha256", "status"} <= set(sets["train"].column_names)
    encoded = sets["train"].class_encode_column("label")  # as the set's own card says it
    assert encoded.features["label"].names == sorted(made.labels)


@pytest.mark.parametrize("how", ["imagefolder", "the folder"])
def test_no_card_makes_classes_of_the_labels_of_a_folder(pets, tmp_path, how):
    """docs/publishing.md says so, of datasets 5.2: folder_based_builder.py replaces what a card says of the columns."""
    names = "".join(f"          '{number}': {label}\n" for number, label in enumerate(("cat", "dog")))
    label = f"  - name: label\n    dtype:\n      class_label:\n        names:\n{names}"
    info = f"dataset_info:\n  features:\n  - name: image\n    dtype: image\n{label}"
    card = (pets / "README.md").read_text("utf-8")
    (pets / "README.md").write_text(card.replace("license:", f"{info}license:", 1), "utf-8")
    folder = pets.rename(tmp_path / "opened")
    opened = {"imagefolder": lambda: load_hf("imagefolder", tmp_path, data_dir=str(folder))}
    rows = opened.get(how, lambda: load_hf(str(folder), tmp_path))()["train"]
    assert rows.features["label"].dtype == "string"
    assert rows.class_encode_column("label").features["label"].names == ["cat", "dog"]


def test_a_card_that_names_the_columns_makes_classes_of_the_labels(pets, tmp_path):
    """The lines of docs/publishing.md, and why HypoNet does not write them: what is read is not looked at again."""
    page = (ROOT / "docs" / "publishing.md").read_text("utf-8")
    (lines,) = re.findall("```yaml\n(.*?)```", page, re.DOTALL)
    card = (pets / "README.md").read_text("utf-8")
    (pets / "README.md").write_text(card.replace("license:", f"{lines}license:", 1), "utf-8")
    folder = pets.rename(tmp_path / "opened")
    for _ in range(2):
        rows = load_hf(str(folder), tmp_path)["train"]
        assert rows.features["label"].names == ["cat", "dog"]
        assert sorted((rows.features["label"].int2str(row["label"]), row["rank"]) for row in rows) == sorted(schedule())
        assert rows.column_names == ["image", "label", "rank", "prompt"]
        manifest = folder / "metadata.jsonl"
        manifest.write_bytes(b"".join(manifest.read_bytes().splitlines(keepends=True)[:5]))


def test_hugging_face_reads_a_set_after_culling(pets, tmp_path):
    """rejected.jsonl lies in the set's folder by then."""
    with open_for_writing(pets) as store:
        mark(store, {("cat", 1): Mark("by hand")})
    rows = load_hf("imagefolder", tmp_path, data_dir=str(pets))["train"]
    assert sorted(zip(rows["label"], rows["rank"], strict=True)) == sorted(set(schedule()) - {("cat", 1)})


def test_torchvision_reads_the_set_as_it_lies(made):
    from torchvision.datasets import ImageFolder

    folder = ImageFolder(str(made.root))
    names = {entry.folder: entry.label for entry in made.description.classes}
    assert {names[name] for name in folder.classes} == set(made.labels)
    assert len(folder) == 3 * len(made.labels)
    image, number = folder[0]
    assert np.array_equal(np.asarray(image), picture(names[folder.classes[number]], 0))


def test_zip_is_an_image_folder(made, tmp_path):
    from torchvision.datasets import ImageFolder

    path = exported(made, ZIP) / "out.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "unzipped")
    assert len(ImageFolder(str(tmp_path / "unzipped"))) == 3 * len(made.labels)
    check_rows(load_hf("imagefolder", tmp_path, data_files=str(path))["train"], made)


def test_webdataset_reads_the_tar_shards(made):
    import webdataset

    folder = exported(made, TARS)
    shards = sorted(path.as_uri() for path in folder.glob("*.tar"))  # webdataset takes C: for a protocol
    assert len(shards) == -(-3 * len(made.labels) // 4)
    classes = (folder / "classes.txt").read_text("utf-8").splitlines()
    assert classes == list(made.labels)
    seen = {}
    for image, number, text, facts in (
        webdataset.WebDataset(shards, shardshuffle=False).decode("pil").to_tuple("png", "cls", "txt", "json")
    ):
        assert text == facts["prompt"]
        seen[(classes[number], facts["rank"])] = np.asarray(image)
    expected = expected_pixels(made)
    assert seen.keys() == expected.keys()
    assert all(np.array_equal(seen[key], expected[key]) for key in expected)


def test_parquet_opens_in_hugging_face_with_class_names(made, tmp_path):
    folder = exported(made, PARQUET)
    rows = load_hf(str(folder), tmp_path)["train"]
    assert rows.features["label"].names == list(made.labels)
    check_rows(rows, made)


def test_parquet_is_plain_for_pyarrow(made):
    import pyarrow.parquet

    folder = exported(made, PARQUET)
    table = pyarrow.parquet.read_table(folder / "data")
    assert table.num_rows == 3 * len(made.labels)
    assert [column for column in table.column_names if table[column].null_count] == []
    assert table["image"][0].as_py()["bytes"][:4] == b"\x89PNG"


def test_csv_is_a_table_of_the_manifest(made):
    with open(exported(made, CSV) / "out.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["label"], int(row["rank"])) for row in rows} == set(schedule(made.labels, 3))
    assert json.loads(rows[0]["picks"])[0]["slot"] == "color"
    assert (made.root / rows[0]["file_name"]).is_file()


def test_a_csv_has_the_columns_of_every_record(pets):
    """The regression: the columns were those of the first record, and a user's notes on others got lost."""
    manifest = pets / "metadata.jsonl"
    lines = manifest.read_bytes().splitlines()  # cat 0, dog 0, cat 1, ...
    lines[2] = lines[2][:-1] + b', "note": "the best one"}'
    manifest.write_bytes(b"\n".join(lines) + b"\n")
    with open(exported(DatasetStore.open(pets), CSV) / "out.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    notes = {(row["label"], row["rank"]): row["note"] for row in rows}
    assert len(notes) == 8
    assert {key: note for key, note in notes.items() if note} == {("cat", "1"): "the best one"}


def test_a_csv_opens_in_excel_and_pandas(made):
    """Excel takes a file without the mark for the machine's code page; pandas and R drop the mark."""
    import pandas

    path = exported(made, CSV) / "out.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    table = pandas.read_csv(path)
    assert table.columns[0] == "file_name"
    assert set(table["label"]) == set(made.labels)


def test_captions_stand_beside_the_pictures(made):
    folder = exported(made, CAPTIONS)
    for line in made.records():
        assert (folder / f"1_{line.file_name}").read_bytes() == (made.root / line.file_name).read_bytes()
        assert (folder / f"1_{line.file_name}").with_suffix(".txt").read_text("utf-8") == line.prompt


def test_lora_trainers_find_every_caption(made, tmp_path):
    """kohya-ss/sd-scripts, library/config_util.py: only folders `<repeats>_<name>` of --train_data_dir are read.

    diffusers' train_text_to_image_lora.py: load_dataset("imagefolder", data_files={"train": "<folder>/**"}), then the
    column `text`.
    """
    folder = exported(made, CAPTIONS)
    found = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            repeats, _, name = entry.name.partition("_")
            assert int(repeats) == 1
            assert name
            found |= {path.relative_to(folder).as_posix(): path for path in entry.glob("*.png")}
    prompts = {f"1_{record.file_name}": record.prompt for record in made.records()}
    assert {name: path.with_suffix(".txt").read_text("utf-8") for name, path in found.items()} == prompts
    rows = load_hf("imagefolder", tmp_path, data_files={"train": str(folder / "**")})["train"]
    assert sorted(rows["text"]) == sorted(prompts.values())
    assert len(rows) == len(prompts)


@pytest.mark.parametrize("name", ["test data", "pets-val", "my dev set", "pets"])
@pytest.mark.parametrize("form", [ZIP, TARS, PARQUET])
def test_whatever_a_set_is_called_an_export_of_it_opens_as_the_split_train(pets, tmp_path, form, name):
    """The regression: the zip and the tars of a set called `test data` opened as the split `test`, its Parquet not."""
    folder = exported(DatasetStore.open(pets), form, name=name)
    opened = tmp_path / "opened"  # by its whole path: pytest's own folder is called by the test
    folder.rename(opened)
    sets = load_hf(str(opened), tmp_path)
    assert {split: len(rows) for split, rows in sets.items()} == {"train": 8}


@pytest.mark.parametrize("form", EXPORTS)
def test_a_score_of_a_user_that_is_nan_goes_out_with_every_form(pets, form):
    manifest = pets / "metadata.jsonl"
    manifest.write_bytes(manifest.read_bytes().replace(b"}\n", b', "quality": NaN}\n'))
    assert any(exported(DatasetStore.open(pets), form).iterdir())


@pytest.mark.parametrize("form", EXPORTS)
@pytest.mark.parametrize(("included", "expected"), [(False, 7), (True, 8)])
def test_marked_pictures_are_left_out_unless_asked_for(pets, form, included, expected):
    with open_for_writing(pets) as store:
        mark(store, {("cat", 1): Mark("by hand")}, attempts=1)
    done = []
    store = DatasetStore.open(pets)
    export(
        store,
        pets.parent / "e",
        "x",
        form,
        shard_size=99,
        include_fallbacks=included,
        progress=lambda n, total: done.append(total),
    )
    assert set(done) == {expected}


def test_exports_never_overwrite_and_leave_nothing_half_way(pets):
    store = DatasetStore.open(pets)
    first, second = exported(store, ZIP), exported(store, ZIP)
    assert (first.name, second.name) == ("imagefolder", "imagefolder-2")
    (pets / "dog" / "000003.png").unlink()
    with pytest.raises(DamagedPicture, match=r"picture dog/000003.png of data set 'pets' is missing"):
        exported(store, CAPTIONS)
    assert {path.name for path in first.parent.iterdir()} == {"imagefolder", "imagefolder-2"}


@pytest.mark.parametrize("form", [ZIP, TARS, PARQUET, CAPTIONS])
def test_a_changed_picture_goes_not_out_beside_the_hash_of_the_old_one(pets, form):
    shutil.copy(pets / "cat" / "000000.png", pets / "dog" / "000003.png")
    with pytest.raises(DamagedPicture, match=r"picture dog/000003.png of data set 'pets' was changed.* run Verify"):
        exported(DatasetStore.open(pets), form)
    assert [path.suffix for path in (pets.parent / "exports").iterdir()] == [".part"]


def test_a_missing_picture_is_noticed_before_the_first_goes_out(pets):
    (pets / "dog" / "000003.png").unlink()  # the last one: classes in turn
    job = ExportJob(DatasetStore.open(pets), "pets", pets, tuple(DatasetStore.open(pets).records()), 9, print)
    with pytest.raises(DamagedPicture):
        job.refuse_missing()


def stop_at(count, error):
    def stop(done, total):
        if done == count:
            raise error

    return stop


def contents(folder):
    return {path.relative_to(folder).as_posix(): content_of(path) for path in folder.rglob("*") if path.is_file()}


def content_of(path):
    """Archives by what is in them: they tell the time at which they were made."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            return [(name, archive.read(name)) for name in archive.namelist()]
    return path.read_bytes()


@pytest.fixture
def reads(monkeypatch):
    """The pictures that were read out of the set since."""
    names = []
    read = DatasetStore.read

    def counted(store, record):
        names.append(record.file_name)
        return read(store, record)

    monkeypatch.setattr(DatasetStore, "read", counted)
    return names


# of eight pictures in shards of two the first five are out; a shard that was not finished is written again
KEPT = {ZIP: 5, TARS: 4, PARQUET: 4, CAPTIONS: 5, CSV: 0}


@pytest.mark.parametrize("form", EXPORTS)
@pytest.mark.parametrize("interrupt", [InterruptedError, KeyboardInterrupt])  # ComfyUI's is an Exception, or is none
def test_an_interrupted_export_is_gone_on_with(pets, form, interrupt, reads):
    store = DatasetStore.open(pets)
    whole = exported(store, form, shard_size=2)
    with pytest.raises(interrupt):
        exported(store, form, shard_size=2, progress=stop_at(5, interrupt))
    assert f"{whole.name}-2" not in {path.name for path in whole.parent.iterdir()}, "what is not whole has another name"
    reads.clear()
    again, said = finished(store, form, shard_size=2)
    assert len(reads) == (0 if form == CSV else 8 - KEPT[form])
    assert said.startswith("An export of this form had been stopped; nothing" if form == CSV else f"{KEPT[form]} of ")
    assert finished(store, form, shard_size=2).said == "", "there was none that had been stopped"
    shutil.rmtree(again.with_name(f"{whole.name}-3"))
    assert again.name == f"{whole.name}-2"
    assert contents(again) == contents(whole)
    assert {path.name for path in whole.parent.iterdir()} == {whole.name, again.name}


def damage_last_finished(part, form):
    path = {
        ZIP: lambda: part / "out.zip",
        TARS: lambda: part / "out-000001.tar",
        PARQUET: lambda: part / "data" / "train-00001-of-00004.parquet",
        CAPTIONS: lambda: part / "1_cat" / "000001.png",
    }[form]()
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("form", [ZIP, TARS, PARQUET, CAPTIONS])
@pytest.mark.parametrize("change", ["a damaged file", "other pictures", "another size of shards"])
def test_what_an_earlier_try_left_is_checked_before_it_is_gone_on_with(pets, form, change):
    store = DatasetStore.open(pets)
    with pytest.raises(KeyboardInterrupt):
        exported(store, form, shard_size=2, progress=stop_at(5, KeyboardInterrupt))
    part = next((pets.parent / "exports").glob("*.part"))
    size = 2
    if change == "a damaged file":
        damage_last_finished(part, form)
    elif change == "other pictures":
        with open_for_writing(pets) as writer:
            mark(writer, {("cat", 0): Mark("by hand")})
        with open_set(pets.parent) as writer:
            generate(writer)
        store = DatasetStore.open(pets)
    else:
        size = 3
    resumed = exported(store, form, shard_size=size)
    assert contents(resumed) == contents(exported(store, form, shard_size=size))


@pytest.mark.parametrize("form", [ZIP, TARS, PARQUET, CAPTIONS])
def test_a_full_disk_keeps_nothing_of_an_export(pets, form):
    with pytest.raises(OSError, match="No space left"):
        exported(DatasetStore.open(pets), form, progress=stop_at(5, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    assert not list((pets.parent / "exports").iterdir())


def test_an_export_whose_folder_cannot_be_renamed_is_gone_on_with(pets, monkeypatch):
    """The regression: its mark was gone by then, and every later export of that form was refused."""
    store, real = DatasetStore.open(pets), formats.replace_file

    def fail(source, target):
        raise PermissionError(errno.EACCES, "open in another program", str(source))

    monkeypatch.setattr(formats, "replace_file", fail)
    with pytest.raises(PermissionError):
        exported(store, CSV)
    monkeypatch.setattr(formats, "replace_file", real)
    assert {path.name for path in exported(store, CSV).iterdir()} == {"out.csv", "croissant.jsonld"}


def test_a_folder_of_somebody_else_is_not_cleared(pets):
    part = pets.parent / "exports" / "imagefolder.part"
    part.mkdir(parents=True)
    (part / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="not ours"):
        exported(DatasetStore.open(pets), ZIP)
    assert (part / "mine.txt").read_text("utf-8") == "mine"


def test_jpeg_and_webp_sets_export_too(tmp_path):
    import webdataset

    for format, suffix in (("jpeg", "jpg"), ("webp lossless", "webp")):
        with open_set(tmp_path, format.split()[0], encoding=Encoding(format)) as store:
            generate(store)
        store = DatasetStore.open(store.root)
        shards = [path.as_uri() for path in sorted(exported(store, TARS, name=suffix).glob("*.tar"))]
        samples = list(webdataset.WebDataset(shards, shardshuffle=False).decode("pil").to_tuple(suffix, "cls"))
        assert len(samples) == 8
        assert isinstance(samples[0][0], Image.Image)
        assert len(load_hf("imagefolder", tmp_path, data_dir=str(store.root))["train"]) == 8

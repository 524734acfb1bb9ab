"""MLCommons' own library opens every Croissant file that we write without a remark, and reads the records in it."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import mlcroissant
import numpy as np
import pytest
from etils import epath
from mlcroissant._src.operation_graph.operations import extract
from PIL import Image

from hyponet.nodes.dataset.export.formats import EXPORTS, export
from hyponet.nodes.dataset.facts import facts_of
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.encode import Encoding
from hyponet.nodes.dataset.store.store import DatasetStore

from .sample_sets import generate, item, open_set, picture, schedule
from .test_croissant import MADE

ZIP, TARS, PARQUET, CSV, CAPTIONS = EXPORTS
STATED = {
    "licence": "cc0-1.0",
    "creator": "Ada",
    "url": "https://example.org/pets",
    "citation": "@misc{pets}",
    "date_published": "2026-01-31",
}


def owned(tmp_path, **more):
    """A set whose owner has filled in what only an owner knows."""
    with open_set(tmp_path, provenance=MADE, **more) as store:
        generate(store, more.get("labels", ("cat", "dog")))
    path = store.root / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **STATED}), "utf-8")
    with open_for_writing(store.root):
        pass
    return DatasetStore.open(store.root)


def opened(path):
    """The data set; it is not opened with an error, a warning or a remark in the log."""
    dataset = mlcroissant.Dataset(str(path))
    assert (dataset.metadata.ctx.issues.errors, dataset.metadata.ctx.issues.warnings) == (set(), set())
    return dataset


@pytest.fixture(autouse=True)
def quiet_and_apart(tmp_path, monkeypatch, caplog):
    """Archives are unpacked into a folder of the test: the library finds them by their name alone, in a cache."""
    monkeypatch.setattr(extract, "EXTRACT_PATH", epath.Path(tmp_path / "extracted"))
    yield
    said = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING]
    assert [text for text in said if "datePublished" not in text] == []


def exported(store, form):
    out = export(
        store, store.root.parent / "e", "out", form, shard_size=3, include_fallbacks=False, progress=lambda *_: None
    )
    return out.folder / "croissant.jsonld"


def pixels(image):
    return np.asarray(image.convert("RGB"))


def check_pictures(rows, store, columns):
    """Every picture with its own pixels and the values of its own line."""
    lines = {record.file_name: record for record in store.records()}
    assert len(rows) == len(lines) == 8
    for row in rows:
        record = lines.pop(row["pictures/file_name"].decode())
        for column in columns:
            value = row[f"pictures/{column}"]
            assert (value.decode() if isinstance(value, bytes) else value) == getattr(record, column), column
        assert row["pictures/image"].size == (record.width, record.height)
        with Image.open(store.path(record)) as image:
            assert np.array_equal(pixels(row["pictures/image"]), pixels(image))


joins_by_path = pytest.mark.posix("mlcroissant 1.1.1 spells the paths that it joins by with Windows' own separator")
COLUMNS = ("label", "rank", "attempt", "status", "prompt", "negative", "seed", "sha256", "check", "check_probability")


@joins_by_path
@pytest.mark.parametrize("format", ["png", "jpeg"])
def test_a_set_as_it_lies(tmp_path, format):
    """WebP is described alike, but mlcroissant 1.1.1 reads it out of archives and Parquet alone."""
    store = owned(tmp_path, encoding=Encoding(format))
    check_pictures(list(opened(store.root / "croissant.json").records("pictures")), store, COLUMNS)


@joins_by_path
def test_the_zip(tmp_path):
    store = owned(tmp_path, encoding=Encoding("webp lossless"))
    rows = list(opened(exported(store, ZIP)).records("pictures"))
    check_pictures(rows, store, COLUMNS)
    row = next(row for row in rows if row["pictures/file_name"] == b"dog/000002.webp")
    assert np.array_equal(pixels(row["pictures/image"]), picture("dog", 2))


def test_tar_shards(tmp_path):
    """Three tables, whose keys belong together; the labels are numbers of the table of classes."""
    store = owned(tmp_path)
    dataset = opened(exported(store, TARS))
    classes = [row["classes/name"] for row in dataset.records("classes")]
    assert classes == list(store.labels)
    images = {row["pictures/key"]: row["pictures/image"] for row in dataset.records("pictures")}
    numbers = {row["labels/key"]: row["labels/label"] for row in dataset.records("labels")}
    lines = {row["lines/key"]: json.loads(row["lines/line"]) for row in dataset.records("lines")}
    assert images.keys() == numbers.keys() == lines.keys()
    assert len(lines) == 8
    for key, line in lines.items():
        assert classes[numbers[key]] == line["label"]
        assert np.array_equal(pixels(images[key]), picture(line["label"], line["rank"]))


def test_parquet(tmp_path):
    store = owned(tmp_path)
    dataset = opened(exported(store, PARQUET))
    classes = [row["classes/name"] for row in dataset.records("classes")]
    seen = set()
    for row in dataset.records("pictures"):
        label, rank = classes[row["pictures/label"]], row["pictures/rank"]
        assert np.array_equal(pixels(row["pictures/image"]), picture(label, rank))
        assert row["pictures/prompt"].decode().endswith(label)
        seen.add((label, rank))
    assert seen == set(schedule())


def test_the_table(tmp_path):
    store = owned(tmp_path)
    rows = list(opened(exported(store, CSV)).records("lines"))
    assert {(row["lines/label"].decode(), row["lines/rank"]) for row in rows} == set(schedule())
    assert {row["lines/file_name"].decode() for row in rows} == {record.file_name for record in store.records()}


@joins_by_path
def test_captions(tmp_path):
    store = owned(tmp_path)
    prompts = {f"1_{record.file_name}": record.prompt for record in store.records()}
    rows = list(opened(exported(store, CAPTIONS)).records("pictures"))
    assert {row["pictures/file_name"].decode(): row["pictures/text"].decode() for row in rows} == prompts
    for row in rows:
        folder, name = row["pictures/file_name"].decode().removeprefix("1_").split("/")
        assert np.array_equal(pixels(row["pictures/image"]), picture(folder, int(name[:6])))


def test_what_only_an_owner_knows_is_all_that_is_remarked(tmp_path):
    """docs/publishing.md says so: HypoNet knows no day of publication, and does not make one up."""
    with open_set(tmp_path) as store:
        generate(store, count=1)
    issues = mlcroissant.Dataset(str(store.root / "croissant.json")).metadata.ctx.issues
    assert issues.errors == set()
    (warning,) = issues.warnings
    assert "datePublished" in warning


@joins_by_path
def test_labels_of_digits_and_the_largest_seed(tmp_path):
    """Those of handwritten digits, say. Where all labels are numbers pandas reads "007" of a line as 7."""
    labels = ("0", "1", "12")
    with open_set(tmp_path, labels=labels) as store:
        for label in labels:
            store.add(replace(item(label, 0), seed=2**64 - 1, prompt="12"), picture(label, 0))
    rows = list(mlcroissant.Dataset(str(store.root / "croissant.json")).records("pictures"))
    assert {row["pictures/label"].decode() for row in rows} == set(labels)
    assert {row["pictures/seed"] for row in rows} == {2**64 - 1}
    assert {row["pictures/prompt"] for row in rows} == {b"12"}


def test_the_responsible_ai_fields_are_read(tmp_path):
    """By the library's own names, each of which it takes from the vocabulary's."""
    store = owned(tmp_path)
    metadata = opened(store.root / "croissant.json").metadata
    stated = facts_of(store).responsible_ai()
    assert metadata.data_collection == stated["dataCollection"]
    assert metadata.data_biases == [stated["dataBiases"]]
    assert metadata.data_limitations == [stated["dataLimitations"]]
    assert metadata.data_use_cases == [stated["dataUseCases"]]
    assert metadata.data_annotation_protocol == [stated["dataAnnotationProtocol"]]
    assert metadata.personal_sensitive_information == [stated["personalSensitiveInformation"]]
    assert metadata.version == store_version(store)
    assert metadata.license == ["cc0-1.0"]


def store_version(store):
    return f"{store.description.revision + 1}.{len(store)}.0"

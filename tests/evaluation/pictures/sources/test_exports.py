"""What the dataset room writes, Load Labelled Images reads: the set itself and each export of it."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from PIL import Image

from hyponet.evaluation.pictures.sources import read_source
from hyponet.nodes.dataset.export.formats import export
from hyponet.nodes.dataset.open import create_or_open
from hyponet.nodes.dataset.store.description import SetSpec
from hyponet.nodes.prompts.item import Item

LABELS = ("train", "a cat")  # a class called train, as ENGINE's list of traps has it


def picture(label, rank):
    return np.full((8, 8, 3), 40 * LABELS.index(label) + rank, dtype=np.uint8)


@pytest.fixture
def store(tmp_path):
    plan = {"classes": [{"name": label, "synset": ""} for label in LABELS]}
    with create_or_open(tmp_path, "pets", SetSpec(plan, identity={})) as opened:
        for rank in range(3):
            for label in LABELS:
                opened.add(Item(label, rank, 0, f"a {label}", "", (), rank), picture(label, rank))
        yield opened


def contents(data):
    return sorted((data.class_names[label], int(data.read(i)[0, 0, 0])) for i, label in enumerate(data.labels))


EXPECTED = sorted((label, 40 * LABELS.index(label) + rank) for label in LABELS for rank in range(3))


def test_the_set_itself(store):
    data = read_source("HypoNet set", store.root)
    assert contents(data) == EXPECTED
    assert data.synthetic.all()


@pytest.mark.parametrize(
    ("form", "source"),
    [
        ("Parquet (Hugging Face)", "Parquet"),
        ("WebDataset tar shards", "WebDataset"),
        ("ImageFolder zip", "image folder"),
    ],
)
def test_its_exports(store, tmp_path, form, source):
    folder, _ = export(
        store,
        tmp_path / "exports",
        "pets",
        form,
        shard_size=4,
        include_fallbacks=False,
        progress=lambda done, total: None,
    )
    path = next(folder.glob("*.zip")) if source == "image folder" else folder
    data = read_source(source, path)
    assert contents(data) == EXPECTED
    assert data.synthetic.all()


def test_an_unpacked_zip_of_ours_among_real_pictures(store, tmp_path):
    folder, _ = export(
        store,
        tmp_path / "exports",
        "pets",
        "ImageFolder zip",
        shard_size=4,
        include_fallbacks=False,
        progress=lambda *_: None,
    )
    with zipfile.ZipFile(next(folder.glob("*.zip"))) as archive:
        archive.extractall(tmp_path / "unpacked" / "pets")
    (tmp_path / "unpacked" / "pets" / "real").mkdir()
    Image.fromarray(np.full((8, 8, 3), 255, dtype=np.uint8)).save(tmp_path / "unpacked" / "pets" / "real" / "0.png")
    data = read_source("image folder", tmp_path / "unpacked")
    assert contents(data) == sorted([*EXPECTED, ("real", 255)])
    assert [data.class_names[label] for label in data.labels[~data.synthetic]] == ["real"]

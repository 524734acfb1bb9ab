from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hyponet.evaluation.pictures.manifest import FAILED, PASSED
from hyponet.nodes.dataset.card import write_card
from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.facts import facts_of
from hyponet.nodes.dataset.load import load_batch, table_of
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.save import save_items
from hyponet.nodes.dataset.store.provenance import Provenance
from hyponet.nodes.dataset.store.store import DatasetStore
from hyponet.nodes.dataset.summary import plot, summarize
from hyponet.nodes.upstream import ModelFile

from .sample_sets import generate, item, open_set, picture, schedule


def test_counts_and_picks_are_counted_by_hand(tmp_path):
    """item() picks red for even ranks and blue for odd ones: of ranks 0, 1, 2 two are red."""
    with open_set(tmp_path) as store:
        generate(store, count=3)
    summary = summarize(DatasetStore.open(store.root))
    assert summary.classes == {"cat": 3, "dog": 3}
    assert summary.picks == {"color": {"red": 4, "blue": 2}}
    assert "| color | 2 | 2 | 4 | blue | red |" in summary.markdown()
    assert "pets: 6 pictures in 2 classes" in summary.markdown()


def test_plot_has_bars_for_any_label(tmp_path):
    labels = ("\uace0\uc591\uc774", "\U0001f600", "two\nlines", "$x^2$")
    with open_set(tmp_path, labels=labels) as store:
        generate(store, labels, 1)
    image = plot(summarize(store))
    assert image.ndim == 3
    assert image.std() > 10
    assert plot(summarize(open_empty(tmp_path))).ndim == 3


def open_empty(base):
    with open_set(base, "empty", labels=()) as store:
        return store


def test_a_batch_is_in_turn_and_of_one_size(pets):
    store = DatasetStore.open(pets)
    batch = load_batch(store, 1, 3)
    assert [line.key for line in batch.records] == schedule()[3:6]
    assert (batch.images[0] == picture("dog", 1)).all()
    assert load_batch(store, 2, 3, size=8).images.shape == (2, 8, 8, 3)
    with pytest.raises(ValueError, match="batch_number is 3; expected 0 to 2"):
        load_batch(store, 3, 3)


def test_pictures_of_different_sizes_need_a_size(tmp_path):
    with open_set(tmp_path) as store:
        for rank, side in enumerate((12, 24)):
            store.add(item("cat", rank), picture("cat", rank, side=side))
        with pytest.raises(ValueError, match="sizes 12x12, 24x24; expected one size for a batch; set size"):
            load_batch(store, 0, 2)
        assert load_batch(store, 0, 2, size=6).images.shape == (2, 6, 6, 3)


def test_the_table_is_csv(pets):
    import csv

    rows = list(csv.DictReader(table_of(DatasetStore.open(pets)).splitlines()))
    assert [(row["label"], int(row["rank"])) for row in rows] == schedule()


def test_saving_leaves_what_is_there(tmp_path):
    with open_set(tmp_path) as store:
        items = [item(label, rank) for label, rank in schedule(count=2)]
        images = [picture(each.label, each.rank) for each in items]
        assert save_items(store, items[:2], images[:2]) == 2
        assert save_items(store, items, images) == 2
        with pytest.raises(ValueError, match="images has 1 pictures; expected 4"):
            save_items(store, items, images[:1])
    assert len(store) == 4


def test_the_card_counts_and_names_its_models(tmp_path):
    with open_set(tmp_path) as store:
        models = (ModelFile("sd15.ckpt", "checkpoints", "ab" * 32, 0),)
        store.description = replace(store.description, provenance=Provenance(models=models))
        generate(store)
    text = (store.root / "README.md").read_text("utf-8")
    assert text.startswith("---\nlicense: unknown\n")
    assert "8 generated pictures in 2 classes" in text
    assert "| checkpoints | sd15.ckpt | abab" in text
    assert "](../pets.sheets/card.jpg)" in text
    assert (store.root.parent / "pets.sheets" / "card.jpg").is_file()


def test_verdicts_are_those_of_the_pictures_that_the_set_has(pets):
    """By hand: one picture passed and one failed. A line is there twice, or once more and damaged."""
    with open_for_writing(pets) as store:
        mark(store, {("cat", 0): Mark("", check=PASSED, probability=0.9, predicted="cat")})
        mark(store, {("dog", 1): Mark("", check=FAILED, probability=0.1, predicted="cat")})
    manifest = pets / "metadata.jsonl"
    (passed,) = (line for line in manifest.read_bytes().splitlines(True) if b'"check": "passed"' in line)
    for left_behind in (passed, passed.replace(b'"rank": 0', b'"rank": -1')):
        before = manifest.read_bytes()
        manifest.write_bytes(before + left_behind)
        store = DatasetStore.open(pets)
        assert not store.is_a_line_each
        assert "judged 2 of 8: 1 show their label, 1 do not" in facts_of(store).labelling()
        manifest.write_bytes(before)
    assert DatasetStore.open(pets).is_a_line_each


def test_a_card_that_somebody_edited_is_left_alone(pets):
    card = pets / "README.md"
    card.write_text(card.read_text("utf-8").replace("## Responsible use", "## My own use"), encoding="utf-8")
    with open_for_writing(pets) as store:
        mark(store, {("cat", 0): Mark("by hand")})
        assert not write_card(store, facts_of(store))
    assert "## My own use" in card.read_text("utf-8")


def test_the_licence_field_is_shown(pets):
    path = pets / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"licence": "cc0-1.0"}), "utf-8")
    with open_for_writing(pets) as store:
        write_card(store, facts_of(store))
    assert (pets / "README.md").read_text("utf-8").startswith("---\nlicense: cc0-1.0\n")

"""What the page is told of a set, for culling by clicking."""

from __future__ import annotations

import json

from hyponet.nodes.dataset.culling import listing as listing_module
from hyponet.nodes.dataset.culling.items import number_of, reject_by_hand
from hyponet.nodes.dataset.culling.listing import listing
from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.store import DatasetStore


def test_every_picture_stands_under_the_number_that_reject_items_takes(pets):
    store = DatasetStore.open(pets)
    listed = listing(store, "datasets/pets")
    assert (listed["subfolder"], listed["labels"], listed["total"]) == ("datasets/pets", ["cat", "dog"], 8)
    assert [entry["number"] for entry in listed["pictures"]] == list(range(8))
    for entry in listed["pictures"]:
        assert entry["number"] == number_of(store, entry["label"], entry["rank"])
        assert (pets / entry["file"]).is_file()
    third = listed["pictures"][3]  # dog, rank 1: two classes in turn
    assert (third["prompt"], third["negative"], third["picks"]) == ("a blue dog", "blurry", [["color", "blue"]])
    assert (third["seed"], third["attempt"], third["notes"]) == ("100", 0, [])
    assert json.loads(json.dumps(listed)) == listed


def test_a_rejected_item_keeps_its_place_and_has_no_file(pets):
    with open_for_writing(pets) as store:
        reject_by_hand(store, "2, 5", 1, 5)
        listed = listing(store, "datasets/pets")
    assert [entry["number"] for entry in listed["pictures"] if not entry["file"]] == [2, 5]
    assert listed["total"] == 8


def test_what_a_check_says_stands_beside_the_picture(pets):
    with open_for_writing(pets) as store:
        mark(store, {("dog", 0): Mark(check="failed", probability=0.25, predicted="cat")})
        listed = listing(store, "datasets/pets")
    assert listed["pictures"][1]["notes"] == ["label check: failed, 25 %, cat"]


def test_a_large_set_is_listed_in_part_and_says_so(pets, monkeypatch):
    monkeypatch.setattr(listing_module, "MAX_LISTED", 3)
    listed = listing(DatasetStore.open(pets), "datasets/pets")
    assert ([entry["number"] for entry in listed["pictures"]], listed["total"]) == ([0, 1, 2], 8)

"""Whatever a person makes of a part of dataset.json, it is read or refused by its name, by all readers alike."""

from __future__ import annotations

import json

import pytest

from hyponet.evaluation.pictures.sources.ours import read_ours
from hyponet.nodes.dataset.card import card_text
from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.facts import facts_of
from hyponet.nodes.dataset.store.store import DatasetStore

from ..sample_sets import open_set

OTHERS = (None, 0, 1.5, 10**30, "", "x", [], [3], {}, {"x": 3})


def places(value, place=()):
    """The keys and numbers that lead to every part of a JSON value."""
    yield place
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*place, key))


def replaced(value, place, other):
    """A copy of a JSON value with `other` at `place`."""
    if not place:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = replaced(value[place[0]], place[1:], other)
    return copy


def test_every_part_replaced_by_every_kind_of_value_is_read_or_refused(pets):
    path = pets / "dataset.json"
    description = json.loads(path.read_text("utf-8"))
    description["provenance"]["models"] = [{"name": "m.safetensors", "kind": "checkpoints", "sha256": "0", "size": 7}]
    description["provenance"]["merged"] = [{"name": "others"}]
    refusals: list[str] = []
    for place in places(description):
        for other in OTHERS:
            path.write_text(json.dumps(replaced(description, place, other)), "utf-8")
            try:
                card_text(facts_of(DatasetStore.open(pets)))
            except ValueError as error:
                refusals.append(str(error))
                if "has no usable" in str(error):  # not a line that such a description makes wrong
                    with pytest.raises(ValueError, match="has no usable"):
                        read_ours(pets)
            else:
                if not DatasetStore.open(pets).damage():  # of lines, where a class has another name
                    read_ours(pets)
    assert len(refusals) > 100
    assert all(str(path) in message for message in refusals)


def test_keys_of_a_user_stay_at_the_top_and_in_a_class(pets):
    path = pets / "dataset.json"
    description = json.loads(path.read_text("utf-8"))
    description["note"] = "mine"
    description["classes"][1]["breed"] = ["boxer", "collie"]
    path.write_text(json.dumps(description), "utf-8")
    with open_set(pets.parent, labels=("dog", "bird")) as store:
        mark(store, {("cat", 1): Mark("by hand")})
    written = json.loads(path.read_text("utf-8"))
    assert written["note"] == "mine"
    assert [(entry["label"], entry.get("breed")) for entry in written["classes"]] == [
        ("cat", None),
        ("dog", ["boxer", "collie"]),
        ("bird", None),
    ]


@pytest.mark.parametrize(("part", "name"), [("encoding", "qualty"), ("copies", "note"), ("provenance", "note")])
def test_an_unknown_key_elsewhere_is_refused_rather_than_dropped(pets, part, name):
    path = pets / "dataset.json"
    description = json.loads(path.read_text("utf-8"))
    description[part][name] = 1
    path.write_text(json.dumps(description), "utf-8")
    for read in (DatasetStore.open, read_ours):
        with pytest.raises(ValueError, match=rf"dataset.json has no usable {part} \(it has '{name}'\)"):
            read(pets)


@pytest.mark.parametrize("copies", [{"sizes": [-5]}, {"sizes": [4097]}, {"filter": "nearest"}, {"filter": []}])
def test_small_copies_that_nobody_can_make_are_refused(pets, copies):
    path = pets / "dataset.json"
    description = json.loads(path.read_text("utf-8"))
    description["copies"] |= copies
    path.write_text(json.dumps(description), "utf-8")
    for read in (DatasetStore.open, read_ours):
        with pytest.raises(ValueError, match=r"dataset.json has no usable copies"):
            read(pets)


@pytest.mark.parametrize(
    "entry",
    [
        {"label": "hound", "folder": "dog"},
        {"label": "hound", "folder": "DOG"},
        {"label": "dog", "folder": "hound"},
        {"label": "hound", "folder": "chie\u0302n"},
        {"label": "chie\u0302n", "folder": "hound"},
    ],
    ids=ascii,
)
def test_two_classes_that_share_a_label_or_a_folder_are_refused(pets, entry):
    """Else one picture would count under both; letters may be composed or not, and no disk has both dog and DOG."""
    path = pets / "dataset.json"
    description = json.loads(path.read_text("utf-8"))
    composed = {"label": "chi\u00ean", "folder": "chi\u00ean", "synset": ""}
    description["classes"] += [composed, {"synset": "", **entry}]
    path.write_text(json.dumps(description), "utf-8")
    for read in (DatasetStore.open, read_ours):
        with pytest.raises(ValueError, match=r"dataset.json has no usable classes \(two have the label"):
            read(pets)


@pytest.mark.parametrize(("part", "other"), [("models", 0), ("merged", ""), ("settings", []), ("nodes", False)])
def test_an_empty_value_of_another_kind_is_refused(pets, part, other):
    path = pets / "dataset.json"
    description = json.loads(path.read_text("utf-8"))
    description["provenance"][part] = other
    path.write_text(json.dumps(description), "utf-8")
    for read in (DatasetStore.open, read_ours):
        with pytest.raises(ValueError, match=r"dataset.json has no usable provenance"):
            read(pets)


def test_a_misspelt_key_of_the_encoding_is_named(pets):
    path = pets / "dataset.json"
    path.write_text(path.read_text("utf-8").replace('"quality"', '"qualty"'), "utf-8")
    with pytest.raises(ValueError, match=r"dataset.json has no usable encoding \(it has 'qualty'\)"):
        DatasetStore.open(pets)

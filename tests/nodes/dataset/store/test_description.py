"""Whatever a person makes of a part of dataset.json, it is read or refused by its name."""

from __future__ import annotations

import json

import pytest

from hyponet.nodes.dataset.card import card_text
from hyponet.nodes.dataset.store.store import DatasetStore

OTHERS = (None, 1.5, 10**30, "x", [], [3], {"x": 3})


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
    refusals = []
    for place in places(description):
        for other in OTHERS:
            path.write_text(json.dumps(replaced(description, place, other)), "utf-8")
            try:
                card_text(DatasetStore.open(pets))
            except ValueError as error:
                refusals.append(str(error))
    assert len(refusals) > 100
    assert all(str(path) in message for message in refusals)


def test_a_misspelt_key_of_the_encoding_is_named(pets):
    path = pets / "dataset.json"
    path.write_text(path.read_text("utf-8").replace('"quality"', '"qualty"'), "utf-8")
    with pytest.raises(ValueError, match=r"dataset.json has no usable encoding \(it has 'qualty'\)"):
        DatasetStore.open(pets)

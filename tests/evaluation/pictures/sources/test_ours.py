"""Our own sets, read as labelled pictures: they count what the set itself counts."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from hyponet.evaluation.pictures.manifest import FAILED, PASSED
from hyponet.evaluation.pictures.sources.ours import read_ours
from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.rejection_log import BY_HAND, Rejection
from hyponet.nodes.dataset.store.store import DatasetStore
from hyponet.tests.nodes.dataset.sample_sets import generate, open_set


@pytest.fixture
def pets(tmp_path):
    """A set of two classes, four pictures each."""
    with open_set(tmp_path) as store:
        generate(store)
    return store.root


def test_a_line_that_a_crash_left_while_items_were_rejected_does_not_count(pets):
    """The rejection is written and the manifest is not yet."""
    with open_for_writing(pets) as store:
        (record,) = (record for record in store.records() if record.key == ("cat", 1))
        store.log_rejections([Rejection(record, "by hand", BY_HAND)])
    assert len(DatasetStore.open(pets)) == 7
    assert len(read_ours(pets)) == 7


@pytest.mark.parametrize("last", ["second", "first"])
def test_of_lines_for_one_item_the_same_one_counts(pets, last):
    """Of two attempts that of the last line; a line of an attempt once more changes nothing."""
    manifest = pets / "metadata.jsonl"
    text = manifest.read_text("utf-8")
    (first,) = (line for line in text.splitlines(keepends=True) if '"file_name": "cat/000001.png"' in line)
    (pets / "cat" / "000001.webp").write_bytes((pets / "cat" / "000000.png").read_bytes())
    second = first.replace('"attempt": 0', '"attempt": 1').replace("cat/000001.png", "cat/000001.webp")
    manifest.write_text(text + second + {"second": second, "first": first}[last], "utf-8")
    (record,) = (record for record in DatasetStore.open(pets).records() if record.key == ("cat", 1))
    assert record.file_name == {"second": "cat/000001.webp", "first": "cat/000001.png"}[last]
    ours = read_ours(pets)
    assert len(ours) == 8
    with Image.open(pets / record.file_name) as image:
        assert np.array_equal(ours.read(1), np.asarray(image)), "class cat, rank 1"


def test_verdicts_are_those_of_the_pictures_that_count(pets):
    """Neither of a fallback, which no reader gets, nor of the line of an attempt that another took the place of."""
    with open_for_writing(pets) as store:
        keys = [record.key for record in store.records()]
        mark(store, {key: Mark("", check=PASSED, probability=0.9, predicted=key[0]) for key in keys})
        mark(store, {("dog", 3): Mark("looks like cat", check=FAILED, probability=0.1, predicted="cat")}, attempts=1)
        mark(store, {("dog", 2): Mark("", check=FAILED, probability=0.2, predicted="cat")})
    manifest = pets / "metadata.jsonl"
    text = manifest.read_text("utf-8")
    (line,) = (line for line in text.splitlines(keepends=True) if '"file_name": "cat/000001.png"' in line)
    later = line.replace('"attempt": 0', '"attempt": 1').replace('"check": "passed"', '"check": "failed"')
    manifest.write_text(text + later, "utf-8")
    (making,) = read_ours(pets).makings
    assert (making.pictures, making.passed, making.failed) == (7, 5, 2)


def test_a_damaged_rejection_stops_them(pets):
    """Else a picture that was rejected could count again."""
    log = pets / "rejected.jsonl"
    log.write_text("{}\n", "utf-8")
    with pytest.raises(ValueError, match=r"pets/rejected.jsonl, line 1 is no JSON object; run Verify Dataset"):
        read_ours(pets)
    log.write_text('\n{"reason": "torn', "utf-8")
    assert len(read_ours(pets)) == 8

"""Shards that come again: made elsewhere, drawn again after a rejection, or with files deleted by hand."""

from __future__ import annotations

import pytest

from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.merge import merge
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.store import DatasetStore
from hyponet.nodes.prompts.plan import Plan

from .sample_sets import picture
from .test_merge_split import planned


def redraw(base, name, *keys):
    """Reject pictures of a set by hand and draw the next attempts."""
    with open_for_writing(base / name) as store:
        mark(store, {key: Mark("by hand") for key in keys})
        plan = Plan.from_json(store.description.plan)
        for label, rank, attempt in list(store.missing(plan.schedule())):
            store.add(plan.item(label, rank, attempt), picture(label, rank, attempt))
    return DatasetStore.open(base / name)


def attempts(root):
    return sorted((*record.key, record.attempt) for record in DatasetStore.open(root).records())


def test_a_shard_made_again_with_other_pictures_is_refused_by_the_set_that_stands(tmp_path):
    """The regression: only the sources were compared with each other, and the old pictures stayed without a word."""
    first, second = planned(tmp_path, "a", (0, 2)), planned(tmp_path, "b", (1, 2))
    with merge([first, second], tmp_path, "pets"):
        pass
    manifest = (tmp_path / "pets" / "metadata.jsonl").read_bytes()
    elsewhere = planned(tmp_path, "elsewhere", (1, 2), drawn_by=1)
    with pytest.raises(ValueError, match=r"picture 1 of 'cat', attempt 0, is another in .*pets.* than in .*elsewhere"):
        merge([first, elsewhere], tmp_path, "pets").__enter__()
    assert (tmp_path / "pets" / "metadata.jsonl").read_bytes() == manifest
    notes = []
    with merge([first, second], tmp_path, "pets", notes=notes) as merged:
        assert (len(merged), notes) == (4, [])


@pytest.mark.parametrize("turned", [False, True])
def test_of_an_item_drawn_again_in_one_delivery_the_latest_attempt_is_kept_and_named(tmp_path, turned):
    """The regression: attempts counted as items, so that the merged set had a rank that the plan does not have."""
    sources = [planned(tmp_path, name, (index, 2)) for name, index in (("a", 0), ("b", 1), ("again", 1))]
    sources[2] = redraw(tmp_path, "again", ("cat", 1))
    notes = []
    with merge(sources[::-1] if turned else sources, tmp_path, "pets", notes=notes):
        pass
    assert attempts(tmp_path / "pets") == [("cat", 0, 0), ("cat", 1, 1), ("dog", 0, 0), ("dog", 1, 0)]
    assert notes == [
        "1 pictures of the plan were delivered again; one of each was kept.\n"
        "Of items drawn again, the latest is kept: cat 1: attempt 1 of 'again', not 0."
    ]


def test_an_attempt_later_than_the_standing_sets_is_refused_and_an_earlier_one_stays_out(tmp_path):
    sources = [planned(tmp_path, "a", (0, 2)), planned(tmp_path, "b", (1, 2))]
    with merge(sources, tmp_path, "pets"):
        pass
    redrawn = [sources[0], redraw(tmp_path, "b", ("cat", 1))]
    with pytest.raises(ValueError, match=r"picture 1 of 'cat' is attempt 0 in the merged set .* and attempt 1 in .*b;"):
        merge(redrawn, tmp_path, "pets").__enter__()
    assert len(attempts(tmp_path / "pets")) == 4
    redraw(tmp_path, "pets", ("cat", 0), ("cat", 1))
    with merge(redrawn, tmp_path, "pets"):
        pass
    assert attempts(tmp_path / "pets") == [("cat", 0, 1), ("cat", 1, 1), ("dog", 0, 0), ("dog", 1, 0)]


def test_a_picture_that_was_deleted_in_one_delivery_is_taken_from_the_other(tmp_path):
    """The regression: the first delivery's missing file refused the whole merge."""
    sources = [planned(tmp_path, name, (index, 2)) for name, index in (("a", 0), ("b", 1), ("again", 1))]
    (tmp_path / "b" / "cat" / "000001.png").unlink()
    sources[1] = DatasetStore.open(tmp_path / "b")
    with merge(sources, tmp_path, "pets"):
        pass
    assert len(attempts(tmp_path / "pets")) == 4
    assert (tmp_path / "pets" / "cat" / "000001.png").is_file()

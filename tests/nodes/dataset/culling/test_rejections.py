from __future__ import annotations

import json

import pytest

from hyponet.nodes.dataset.culling.items import number_of, reject_by_hand, select_items
from hyponet.nodes.dataset.culling.marks import Mark, mark
from hyponet.nodes.dataset.open import open_for_writing
from hyponet.nodes.dataset.store.description import Copies
from hyponet.nodes.dataset.store.store import DatasetStore

from ..sample_sets import assert_whole, generate, open_set, picture, schedule


def opened(root):
    return open_for_writing(root)


def tries(root):
    return {line.key: line.attempt for line in DatasetStore.open(root).records()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", {("cat", 0)}),
        ("3", {("dog", 1)}),  # two classes in turn: cat 0, dog 0, cat 1, dog 1
        ("1-3", {("dog", 0), ("cat", 1), ("dog", 1)}),
        ("cat: 2", {("cat", 2)}),
        ("cat:1-2, dog:0", {("cat", 1), ("cat", 2), ("dog", 0)}),
        ("dog: *", {("dog", rank) for rank in range(4)}),
        ("0\n6-90", {("cat", 0), ("cat", 3), ("dog", 3)}),
    ],
)
def test_items_are_named_by_number_rank_and_class(pets, text, expected):
    assert select_items(DatasetStore.open(pets), text) == expected


@pytest.mark.parametrize("text", ["", "x", "-1", "5-2", "8", "fox: 1", "cat: 9", "cat:", "1 2", "1e3", "\u0663"])
def test_other_texts_are_refused(pets, text):
    with pytest.raises(ValueError, match=r"^selection (has|is|names) "):
        select_items(DatasetStore.open(pets), text)


def test_a_label_with_a_colon_can_be_named(tmp_path):
    with open_set(tmp_path, labels=("a: b", "cat")) as store:
        generate(store, ("a: b", "cat"), 2)
        assert select_items(store, "a: b: 1") == {("a: b", 1)}


def test_a_label_with_commas_can_be_named(tmp_path):
    labels = ("tabby, tabby cat", "tabby")
    with open_set(tmp_path, labels=labels) as store:
        generate(store, labels, 3)
        assert select_items(store, "tabby, tabby cat: 1, tabby: 2\n0") == {
            (labels[0], 1),
            (labels[1], 2),
            (labels[0], 0),
        }


def test_a_graph_that_is_queued_again_rejects_an_item_once_a_round(pets):
    """The regression: each new picture of a named item was rejected too, so that queueing never came to an end."""
    for turn, expected in ((1, {("cat", 1): 1}), (1, {("cat", 1): 1}), (2, {("cat", 1): 2})):
        with opened(pets) as store:
            reject_by_hand(store, "cat: 1", turn, 9)
        with open_set(pets.parent) as store:
            generate(store)
        assert {key: attempt for key, attempt in tries(pets).items() if attempt} == expected
    with opened(pets) as store:
        revision = store.ref().revision
        assert "1 were rejected in round 2 already" in reject_by_hand(store, "cat: 1", 2, 9)
        assert store.ref().revision == revision


def test_numbers_stay_when_pictures_go(pets):
    with opened(pets) as store:
        mark(store, {("cat", 0): Mark("by hand")})
        assert number_of(store, "dog", 3) == 7
        assert select_items(store, "7") == {("dog", 3)}


def test_rejected_items_are_made_again_with_the_next_try_and_nothing_else_is(pets):
    with opened(pets) as store:
        done = mark(store, {("cat", 1): Mark("by hand"), ("dog", 2): Mark("by hand")})
        assert (done.rejected, done.fallbacks) == (2, 0)
        assert list(store.missing(schedule())) == [("cat", 1, 1), ("dog", 2, 1)]
        assert store.ref().revision == 1
    assert not (pets / "cat" / "000001.png").exists()
    assert (pets.parent / "pets.rejects" / "cat" / "000001.try0.png").is_file()
    with open_set(pets.parent) as store:
        assert generate(store) == 2
        assert store.ref().revision == 1, "only marks raise the revision"
    assert_whole(pets)
    assert tries(pets) == {key: int(key in (("cat", 1), ("dog", 2))) for key in schedule()}


def test_a_report_says_how_the_set_stands_and_not_only_what_was_done(pets):
    """The regression: rejecting the same items again said that 0 items are missing now."""
    with opened(pets) as store:
        assert reject_by_hand(store, "cat: 1", 1, 5).startswith("1 items were rejected; 1 items are missing now; queue")
        assert reject_by_hand(store, "dog: 2", 1, 5).startswith("1 items were rejected; 2 items are missing now; queue")
        assert reject_by_hand(store, "dog: 2", 1, 5).startswith("0 items were rejected; 2 items are missing now; queue")
    with open_set(pets.parent) as store:
        generate(store)
        assert reject_by_hand(store, "dog: 2", 1, 5).startswith(
            "0 items were rejected; 0 items are missing now. 1 were"
        )


def failed(probability):
    return Mark("looks like dog", check="failed", probability=probability, predicted="dog")


def test_after_k_tries_the_best_one_stays_marked(pets):
    """Probabilities .2, .4, .3 of three tries: the second is the best."""
    for probability in (0.2, 0.4, 0.3):
        with opened(pets) as store:
            done = mark(store, {("cat", 1): failed(probability)}, attempts=3)
        with open_set(pets.parent) as store:
            generate(store)
    assert (done.rejected, done.fallbacks) == (0, 1)
    assert_whole(pets)
    kept = next(line for line in DatasetStore.open(pets).records() if line.key == ("cat", 1))
    assert (kept.attempt, kept.status, kept.check_probability) == (1, "fallback", 0.4)
    store = DatasetStore.open(pets)
    assert store.keys(include_fallbacks=False) == [key for key in schedule() if key != ("cat", 1)]
    assert len(store.keys()) == 8


def test_a_fallback_picture_stays_when_the_check_runs_again(pets):
    for _ in range(3):
        with opened(pets) as store:
            mark(store, {("cat", 1): failed(0.2)}, attempts=1)
            revision = store.ref().revision
    assert revision == 1
    assert_whole(pets)
    with opened(pets) as store:
        assert list(store.missing(schedule())) == []
        mark(store, {("cat", 1): failed(0.2)}, attempts=5)
        assert list(store.missing(schedule())) == [("cat", 1, 1)], "more tries are allowed now"


def test_the_best_of_all_tries_stays_when_the_check_runs_again(pets):
    """The regression: an earlier try that stayed was counted as that try only, rejected again, and never at rest."""
    for probability in (0.2, 0.4, 0.3, 0.4, 0.4):
        with opened(pets) as store:
            mark(store, {("cat", 1): failed(probability)}, attempts=3)
            revision = store.ref().revision
        with open_set(pets.parent) as store:
            generate(store)
    assert tries(pets)[("cat", 1)] == 1
    assert revision == 3, "two rejections and one decision; checks after it change nothing"
    assert_whole(pets)


def test_a_lost_picture_is_never_the_best(pets):
    with opened(pets) as store:
        (pets / "cat" / "000001.png").unlink()
        mark(store, {("cat", 1): Mark("missing", lost=True)}, attempts=1)
        assert list(store.missing(schedule())) == [("cat", 1, 1)]
    with open_set(pets.parent) as store:
        generate(store)
    assert_whole(pets)


def test_a_verdict_without_rejection_only_fills_its_columns(pets):
    with opened(pets) as store:
        mark(store, {("cat", 1): Mark(check="passed", probability=0.9, predicted="cat")})
        assert store.ref().revision == 0
    line = next(line for line in DatasetStore.open(pets).records() if line.key == ("cat", 1))
    assert (line.check, line.check_probability, line.check_predicted) == ("passed", 0.9, "cat")
    assert_whole(pets)


def test_rejects_path_keeps_every_try(pets):
    line = next(DatasetStore.open(pets).records())
    assert DatasetStore.open(pets).rejects_path(line) == pets.parent / "pets.rejects" / "cat" / "000000.try0.png"


def test_a_torn_line_of_the_rejects_counts_for_nothing(pets):
    with opened(pets) as store:
        mark(store, {("cat", 1): Mark("by hand")})
    path = pets / "rejected.jsonl"
    path.write_bytes(path.read_bytes() + b'{"reason": "by ha')
    with opened(pets) as store:
        mark(store, {("cat", 2): Mark("by hand")})
    assert [json.loads(line)["record"]["rank"] for line in path.read_text("utf-8").splitlines()] == [1, 2]


def test_small_copies_follow_what_is_rejected(tmp_path):
    with open_set(tmp_path, copies=Copies((6,))) as store:
        generate(store)
    with opened(store.root) as store:
        mark(store, {("cat", 1): Mark("by hand")})
    assert not (tmp_path / "pets.6px" / "cat" / "000001.png").exists()
    with open_set(tmp_path, copies=Copies((6,))) as store:
        generate(store)
    copies = DatasetStore.open(tmp_path / "pets.6px")
    assert {line.key: line.attempt for line in copies.records()} == tries(store.root)
    assert picture("cat", 1, 1).shape == (24, 24, 3)

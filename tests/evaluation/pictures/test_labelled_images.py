"""Limits, merges and splits keep classes balanced and pictures with their labels."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace

import numpy as np
import pytest

from hyponet.evaluation.pictures.draws import draw_indices, limited, take
from hyponet.evaluation.pictures.labelled_images import labelled, merged
from hyponet.evaluation.pictures.making import Making
from hyponet.evaluation.pictures.split import share_of, split

from ..sample_pictures import MemoryPictures, colours

SET_CONTENT = {"provenance": {}, "plan": {"seed": 7, "template": "a {class}"}, "identity": {}}


def identities(data):
    return [data.read(i).tobytes() for i in range(len(data))]


def test_a_limit_is_balanced_seeded_and_nested():
    data = colours(each=10)
    five, six = limited(data, 5, seed=3), limited(data, 6, seed=3)
    assert five.counts() == {"red": 5, "green": 5, "blue": 5}
    assert set(identities(five)) < set(identities(six))
    assert identities(limited(data, 5, seed=3)) == identities(five)
    assert identities(limited(data, 5, seed=4)) != identities(five)


def test_a_limit_does_not_depend_on_other_classes():
    data = colours(each=10)
    alone = data.select(np.flatnonzero(data.labels == 1))
    both = limited(data, 4, seed=1)
    assert identities(limited(alone, 4, seed=1)) == identities(both.select(np.flatnonzero(both.labels == 1)))


def test_a_part_says_that_it_is_one_of_the_set_that_was_made():
    """Also behind a merge; all pictures in another order, or one of them twice, are the whole set."""
    data = replace(colours(each=4), makings=(Making.of_set("mugs", SET_CONTENT, 12, 0, 0),))
    halves = split(data, 0.5, seed=0)
    parts = [*halves, merged(halves, "both"), limited(data, 2, seed=0), data.select([0] * 12)]
    assert [making.is_part for part in parts for making in part.makings] == [True] * 5
    for whole in (data, data.select(np.arange(12)[::-1]), data.select([*range(12), 0]), merged([data, data], "twice")):
        assert whole.makings == data.makings
    (stated,) = halves[0].summary()["makings"]
    assert Making.from_json(stated) == halves[0].makings[0]


def test_take_gives_the_first_n_of_each_class_in_order():
    data = colours(each=4)
    assert identities(take(data, 2, seed=None)) == identities(data)[:6], "classes alternate in this set"
    assert take(data, 0, None) is None
    assert take(data, -1, None) is data
    with pytest.raises(ValueError, match="too few"):
        take(data, 5, None)


def test_a_split_divides_every_class_and_loses_nothing():
    data = colours(each=10)
    first, rest = split(data, 0.3, seed=0)
    assert set(first.counts().values()) == {3}
    assert sorted(identities(first) + identities(rest)) == sorted(identities(data))
    with pytest.raises(ValueError, match="leaves one part"):
        split(data, 1.0, seed=0)


def test_a_merge_matches_classes_by_name():
    one, two = colours(each=2), colours(each=3, seed=9, names=("blue", "red", "green"))
    both = merged([one, two], "both")
    assert both.class_names == one.class_names
    assert both.counts() == {"red": 5, "green": 5, "blue": 5}
    assert [both.class_names[label] for label in both.labels[6:]] == [two.class_names[label] for label in two.labels]
    assert identities(both) == identities(one) + identities(two)
    with pytest.raises(ValueError, match="Map Classes"):
        merged([one, colours(names=("red", "green", "pink"))], "never")


def test_the_content_key_follows_pictures_labels_and_names():
    data = colours()
    same = colours()
    assert same.content_key == data.content_key
    assert colours(seed=1).content_key != data.content_key
    assert colours(names=("a", "b", "c")).content_key != data.content_key
    assert data.select(np.arange(len(data))[::-1]).content_key != data.content_key
    assert data.named("another name").content_key == data.content_key


def test_the_next_of_the_draw_takes_the_place_of_one_left_out():
    data = colours(each=10)
    first, longer = draw_indices(data, 4, seed=2), draw_indices(data, 5, seed=2)
    out = first[0]
    kept = [place for place in longer if place != out]
    mates = [place for place in kept if data.labels[place] == data.labels[out]]
    assert mates == [
        place for place in draw_indices(data, 4, seed=2, excluded=[out]) if data.labels[place] == data.labels[out]
    ]


def test_the_pictures_key_hashes_the_digests_in_order_and_says_how_far_it_is():
    data = colours(each=100).select(np.arange(300)[::-1])
    serial = hashlib.blake2b(digest_size=20)  # the key's definition, picture after picture
    for place in range(300):
        serial.update(data.source.digest(int(data.indices[place])))
    seen = []
    assert data.hash_pictures(lambda done, total: seen.append((done, total, threading.current_thread()))) == (
        serial.hexdigest()
    )
    assert data.pictures_key == serial.hexdigest()
    assert seen[-1] == (300, 300, threading.main_thread())
    assert len({done for done, _, _ in seen}) > 3
    assert colours(each=100).pictures_key != serial.hexdigest()
    before = len(seen)
    data.hash_pictures(lambda *_: seen.append(None))
    assert len(seen) == before, "known already"


@pytest.mark.parametrize(
    ("names", "labels", "message"),
    [
        (("a",), [0], "labels"),
        (("a", "a"), [0, 0], "twice"),
        (("a", "b"), [0, 2], "labels from"),
        (("a", "b"), [-1, 0], "labels from"),
    ],
)
def test_refuses_what_does_not_fit(names, labels, message):
    with pytest.raises(ValueError, match=message):
        labelled("set", names, labels, MemoryPictures([np.zeros((2, 2, 3), np.uint8)] * 2))


def test_refuses_an_empty_set():
    with pytest.raises(ValueError, match="no pictures"):
        labelled("set", ("a",), [], MemoryPictures([]))


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [(5, 0.1, 1), (15, 0.1, 2), (25, 0.1, 3), (50, 0.29, 15), (5, 0.3, 2), (5, 0.5, 3), (4, 0.1, 0), (10, 1.0, 10)],
)
def test_half_a_picture_is_rounded_up(count, share, expected):
    """By hand: 0.5, 1.5, 2.5, 14.5, 1.5, 2.5, 0.4 and 10; Python's round() takes the even of both neighbours."""
    assert share_of(count, share) == expected

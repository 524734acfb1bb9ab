from __future__ import annotations

import numpy as np
import pytest

from hyponet.nodes.lora.sample import sample_each_class

LABELS = np.array([0, 1, 1, 0, 2, 1, 0, 2, 2, 1])


def test_every_class_gives_as_many_pictures_class_after_class():
    chosen = sample_each_class(LABELS, ("cat", "ship", "truck"), 2, seed=5)
    assert [int(LABELS[place]) for place in chosen] == [0, 0, 1, 1, 2, 2]
    assert len(set(chosen)) == 6


def test_the_seed_decides_and_more_pictures_begin_with_fewer():
    classes = ("cat", "ship", "truck")
    draws = {seed: tuple(sample_each_class(LABELS, classes, 2, seed)) for seed in range(20)}
    assert draws[3] == tuple(sample_each_class(LABELS, classes, 2, 3))
    assert len(set(draws.values())) > 5
    three = sample_each_class(LABELS, classes, 3, 3)
    assert three[0:2] + three[3:5] + three[6:8] == list(draws[3])


def test_another_class_leaves_a_class_draw_as_it_was():
    alone = sample_each_class(np.array([0, 0, 0, 0]), ("cat",), 2, seed=1)
    with_more = sample_each_class(np.array([0, 0, 0, 0, 1, 1]), ("cat", "ship"), 2, seed=1)
    assert with_more[:2] == alone


def test_a_class_with_too_few_pictures_is_named():
    with pytest.raises(ValueError, match=r"per_class is 4; .*cat 3, truck 3"):
        sample_each_class(LABELS, ("cat", "ship", "truck"), 4, seed=0)

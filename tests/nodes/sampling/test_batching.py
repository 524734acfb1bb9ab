from __future__ import annotations

import pytest

from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.plan import Plan
from hyponet.nodes.prompts.wildcards.library import Library
from hyponet.nodes.sampling.batching import BatchLimit, batch_count, group_lengths, plan_batch, small_batches_text


class Full(RuntimeError):
    pass


def test_lengths_whose_common_multiple_is_near_share_a_batch():
    # 77 tokens a window: 1 and 2 windows meet at 154, 3 and 4 would need 924 = 12 times the shortest
    one, two, three, four = (77, 77), (154, 77), (231, 77), (308, 77)
    assert group_lengths([one, two, one, four], 8) == [[0, 1, 2, 3]]
    assert group_lengths([one, three, four, three], 8) == [[0, 1, 3], [2]]


def test_nothing_is_repeated_where_that_would_change_the_picture():
    assert group_lengths([(77, 77), (154, 77), (77, 77)], 8, max_repeat=1) == [[0, 2], [1]]


def test_groups_hold_at_most_a_batch():
    assert [len(group) for group in group_lengths([(77,)] * 7, 3)] == [3, 3, 1]


def test_images_that_could_not_share_batches_are_told_of_with_the_cost():
    assert small_batches_text(40, 5, 8, {"of lengths"}) == ""
    assert small_batches_text(40, 25, 8, set()) == "", "memory was short: said elsewhere"
    text = small_batches_text(40, 25, 8, {"of lengths", "a sampler"})
    assert text.startswith("40 images took 25 batches where 5 of 8 would do; that costs time and changes no picture: ")
    assert text.endswith("a sampler; of lengths")


def limited(most, total=10, size=8):
    """What each call was given while a device holds `most` images, and what came out."""
    asked, freed = [], []

    def work(part):
        asked.append(len(part))
        if len(part) > most:
            raise Full
        return sum(part)

    limit = BatchLimit(size, lambda error: isinstance(error, Full), lambda: freed.append(1))
    batches = [list(batch) for batch, _ in limit.map(work, list(range(total)))]
    return asked, batches, limit.size, len(freed)


def test_a_batch_that_does_not_fit_is_halved_and_nothing_is_lost():
    asked, parts, size, freed = limited(most=3)
    assert asked == [8, 4, 2, 2, 2, 2, 2]
    assert [value for part in parts for value in part] == list(range(10))
    assert (size, freed) == (2, 2)


def test_what_fits_is_left_alone():
    assert limited(most=8)[0] == [8, 2]


def test_one_image_that_does_not_fit_is_an_error():
    with pytest.raises(Full):
        limited(most=0)


def test_another_error_is_not_taken_for_a_lack_of_memory():
    def work(part):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        list(BatchLimit(4, lambda error: isinstance(error, Full), lambda: None).map(work, [1, 2]))


def small_plan():
    return Plan([ClassSpec("cat"), ClassSpec("dog")], "a __class__", Library([]), images_per_class=3)


def test_batches_of_a_plan_cover_it_once():
    plan = small_plan()
    assert batch_count(plan, 4) == 2
    keys = [(one.label, one.rank) for number in range(2) for one in plan_batch(plan, number, 4)]
    assert keys == [("cat", 0), ("dog", 0), ("cat", 1), ("dog", 1), ("cat", 2), ("dog", 2)]


def test_a_batch_beyond_the_plan_says_how_many_there_are():
    with pytest.raises(ValueError, match="batch_number is 2; expected 0 to 1"):
        plan_batch(small_plan(), 2, 4)

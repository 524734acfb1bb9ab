"""Weak classes are named by what a test is sure of, and the pictures that steer are never those that are reported."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from hyponet.evaluation.pictures.draws import limited
from hyponet.evaluation.pictures.labelled_images import merged
from hyponet.evaluation.training.accuracy_figures import SetAccuracy
from hyponet.evaluation.training.top_up import (
    allocate,
    check_apart,
    class_needs,
    steered_by,
    steering_figures,
    top_up_measurement,
    top_up_table,
    write_top_up,
)

from ..accuracy_figures import accuracy_entry, write_test
from ..sample_pictures import colours


def a_test(rights: dict[str, int], count: int) -> SetAccuracy:
    """A test of `count` pictures a class; mistakes go to the next class."""
    confusion = np.zeros((len(rights), len(rights)), dtype=int)
    for label, right in enumerate(rights.values()):
        confusion[label, label], confusion[label, (label + 1) % len(rights)] = right, count - right
    return SetAccuracy("steering", tuple(rights), confusion, 0.1, synthetic=False, shared=0)


@pytest.mark.parametrize("weak", [{"a"}, {"j"}, {"b", "c"}, {"d", "g", "i"}, {"e", "f"}])
def test_planted_weak_classes_are_named_and_no_other(weak):
    """Ten classes of 200 test pictures, 80 % right but for the planted ones at 50 %; drawn by numpy."""
    for seed in range(20):
        draw = np.random.default_rng(seed)
        rights = {name: int(draw.binomial(200, 0.5 if name in weak else 0.8)) for name in "abcdefghij"}
        needs = class_needs([a_test(rights, 200)])
        assert {need.name for need in needs if need.deficit} == weak, (seed, rights)


def test_the_chance_of_equal_classes_does_not_steer():
    """Bonferroni: of 400 tests of ten equal classes at most about one in twenty names one; few pictures or many."""
    for count in (10, 200):
        draw = np.random.default_rng(count)
        named = 0
        for _ in range(400):
            rights = {name: int(draw.binomial(count, 0.7)) for name in "abcdefghij"}
            named += any(need.deficit for need in class_needs([a_test(rights, count)]))
        assert named <= 30, (count, named)


def test_the_budget_is_spent_whole_in_proportion_and_evenly_without_a_weak_class():
    """By hand: 7 : 2 : 1 of 11 are 7.7, 2.2 and 1.1; of 10 in three equal parts the first gets what is left."""
    assert allocate({"a": 0.7, "b": 0.2, "c": 0.1}, 11) == {"a": 8, "b": 2, "c": 1}
    assert allocate({"a": 0.0, "b": 0.0, "c": 0.0}, 10) == {"a": 4, "b": 3, "c": 3}
    assert allocate({"a": 0.0, "b": 0.3}, 5) == {"a": 0, "b": 5}
    for budget in range(1, 60):
        assert sum(allocate({"a": 0.1, "b": 0.37, "c": 0.003, "d": 0.0}, budget).values()) == budget


def test_a_weak_class_gets_more_and_the_others_as_much_as_each_other():
    """By hand: errors .6, .2, .2 and .2, mean .3; the weak interval is scipy's, at 1 - 0.05 / 4."""
    needs = class_needs([a_test({"a": 160, "b": 320, "c": 320, "d": 320}, 400)])
    high = binomtest(160, 400).proportion_ci(1 - 0.05 / 4, "wilson").high
    assert [need.weight for need in needs] == pytest.approx([0.3 + 0.7 - high, 0.3, 0.3, 0.3])
    added = allocate({need.name: need.weight for need in needs}, 100)
    assert added["a"] > added["b"] >= added["c"] == added["d"] > 0


def test_repetitions_are_averaged_and_make_no_interval_narrower():
    one = class_needs([a_test({"a": 50, "b": 80}, 100)])
    three = class_needs([a_test({"a": right, "b": 80}, 100) for right in (49, 50, 51)])
    assert three == one
    assert one[0].taken_for == "b"


def test_repetitions_are_averaged_without_rounding():
    """By hand: of ten pictures none and one are right: 5 %, as Test Classifier says; 1 and 2 of ten are 15 %."""
    needs = class_needs([a_test({"a": 0, "b": 1}, 10), a_test({"a": 1, "b": 2}, 10)])
    assert [need.accuracy for need in needs] == [0.05, 0.15]
    assert [need.lack for need in needs] == [0.95, 0.85]
    assert "| a | 5.0 % of 10 | 95.0 % |" in top_up_table(needs, {"a": 1, "b": 1}, {"a": 1, "b": 1}, "accuracy")
    by_confusion = class_needs([a_test({"a": 0, "b": 1}, 10), a_test({"a": 1, "b": 2}, 10)], "confusion")
    assert by_confusion[0].lack == 1 - 0.5 / (10 + 8.5)  # 9 and 8 of b were taken for a


def test_by_confusion_a_class_that_others_are_taken_for_is_weak():
    """By hand: of c all 100 are right, and 80 of a are called c; so c lacks 80 of 180, and a 80 of 100."""
    confusion = np.array([[20, 0, 80, 0], [0, 95, 0, 5], [0, 0, 100, 0], [0, 5, 0, 95]])
    tested = SetAccuracy("steering", ("a", "b", "c", "d"), confusion, 0.1, synthetic=False, shared=0)
    assert [need.name for need in class_needs([tested]) if need.deficit] == ["a"]
    needs = {need.name: need for need in class_needs([tested], "confusion")}
    assert [needs[name].lack for name in "abcd"] == pytest.approx([80 / 100, 10 / 105, 80 / 180, 10 / 105])
    assert needs["c"].at_least == pytest.approx(1 - binomtest(100, 180).proportion_ci(1 - 0.05 / 4, "wilson").high)
    assert needs["a"].weight > needs["b"].weight == needs["d"].weight
    assert needs["c"].accuracy == 1


def test_by_entropy_a_class_is_weak_whose_answers_are_undecided():
    """By hand: means .6, .2, .2, .2; of 100 pictures with a deviation of .1 the mean is within z times .01."""
    right = a_test(dict.fromkeys("abcd", 90), 100)
    unsure = replace(right, entropy={name: (0.6 if name == "a" else 0.2, 0.1) for name in "abcd"})
    assert not any(need.deficit for need in class_needs([unsure])), "all are equally often right"
    needs = {need.name: need for need in class_needs([unsure], "entropy")}
    assert needs["a"].mean_lack == pytest.approx(0.3)
    assert needs["a"].deficit == pytest.approx(0.6 - 0.01 * norm.isf(0.05 / 8) - 0.3)
    assert [needs[name].deficit for name in "bcd"] == [0, 0, 0]
    few = replace(unsure, confusion=unsure.confusion // 10, entropy={**unsure.entropy, "a": (0.3, 0.1)})
    assert not any(need.deficit for need in class_needs([few], "entropy")), "ten pictures are not sure of it"


def test_a_set_that_lacks_pictures_of_its_plan_is_told(tmp_path):
    data = colours()
    needs = class_needs([a_test({"red": 9, "green": 5, "blue": 5}, 10)])
    before, added = dict.fromkeys(("red", "green", "blue"), 10), dict.fromkeys(("red", "green", "blue"), 2)
    for counts, lacking in (({"red": 10, "green": 10, "blue": 12}, 0), ({"red": 10, "green": 8}, 12)):
        tested = write_test(tmp_path, "round", [accuracy_entry("steering", 0.5)], {}, training={"counts": counts})
        warnings = top_up_measurement("round", needs, before, added, [tested], data, data, "accuracy").warnings
        assert bool(lacking) == any(f"{lacking} pictures fewer than the plan" in warning for warning in warnings)


def test_pictures_that_steer_and_are_reported_are_refused():
    data = colours(each=6)
    check_apart(data.select(range(9)), data.select(range(9, 18)))
    with pytest.raises(ValueError, match="1 of 9 steering pictures are in all, which is reported; expected none"):
        check_apart(data.select(range(9)), data.select(range(8, 18)).named("all"))


def test_a_result_of_other_pictures_or_of_a_learned_set_is_refused(tmp_path):
    steering = colours()
    entry = accuracy_entry("steering", 0.5)
    told = [{"name": "steering", "content_key": steering.content_key}]
    right = write_test(tmp_path, "round", [entry], {}, test_sets=told)
    assert [figures.right for figures in steering_figures([right], steering)] == [500]
    with pytest.raises(ValueError, match="of other test pictures"):
        steering_figures([write_test(tmp_path, "other", [entry], {})], steering)
    learned = write_test(tmp_path, "learned", [accuracy_entry("steering", 0.5, shared=7)], {}, test_sets=told)
    with pytest.raises(ValueError, match="7 of 1,000 steering pictures are of the classifier's training set"):
        steering_figures([learned], steering)


def topped_up(folder, steering, before=("red", "green", "blue"), name="round 1"):
    """A top-up whose test found blue weak."""
    needs = class_needs([a_test({"red": 400, "green": 400, "blue": 100}, 400)])
    tested = write_test(folder / "t", "round", [accuracy_entry("steering", 0.5)], {})
    plan, added = dict.fromkeys(before, 10), dict.fromkeys(before, 2)
    measurement = top_up_measurement(name, needs, plan, added, [tested], steering, steering, "accuracy")
    return write_top_up(folder, measurement, steering), top_up_table(needs, plan, added, "accuracy")


def test_pictures_that_steered_are_known_again_in_sets_of_other_extent(tmp_path):
    """24 pictures, 8 a class, of which 12 steer; by hand how many of each set these are."""
    data = colours()
    steering = data.select(range(12))
    topped_up(tmp_path, steering)
    others = colours(seed=8)
    sets = {
        "the same": (steering, 12),
        "whole": (data, 12),
        "a part": (steering.select([3, 5]), 2),
        "limited": (limited(steering, 2, seed=0), len(limited(steering, 2, seed=0))),
        "merged": (merged([others, data.select([0, 20])], "mixed"), 1),
        "the rest": (data.select(range(12, 24)), 0),
        "others": (others, 0),
    }
    for name, (images, shared) in sets.items():
        assert steered_by(tmp_path, images) == ({"round 1": shared} if shared else {}), name


def test_without_its_digests_a_top_up_counts_where_the_set_is_the_very_one(tmp_path):
    data = colours()
    result, _ = topped_up(tmp_path, data)
    kept = result.path.with_suffix(".u64")
    kept.write_bytes(b"torn")
    assert steered_by(tmp_path, data) == {"round 1": 24}
    kept.unlink()
    assert steered_by(tmp_path, data) == {"round 1": 24}
    assert steered_by(tmp_path, data.select(range(12))) == {}
    result.path.write_text(result.path.read_text("utf-8").replace('"distinct": 24', '"distinct": "?"'), "utf-8")
    assert steered_by(tmp_path, data) == {"round 1": 24}


def test_a_class_of_the_test_that_the_plan_lacks_is_told_and_not_called_topped_up(tmp_path):
    result, table = topped_up(tmp_path, colours(), before=("red", "green"))
    assert result.figures["weak"] == []
    assert result.figures["worst_accuracy"] == 1
    assert any("the plan lacks blue (weak), which the test has" in warning for warning in result.warnings)
    assert "each gets as many" in table


def test_a_figure_on_steering_pictures_says_so_itself():
    figures = SetAccuracy("all", ("a", "b"), np.eye(2, dtype=int) * 12, 0.1, synthetic=False, steered={"round 1": 7})
    assert figures.remarks() == ("not to be reported: 7 of 24 test pictures steered the top-up round 1",)
    assert SetAccuracy.from_json(figures.to_json()).steered == {"round 1": 7}

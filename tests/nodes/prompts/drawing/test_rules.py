from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest

from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.language.errors import TemplateError
from hyponet.nodes.prompts.plan import Plan

from ..prompt_fixtures import library

LISTS = {
    "view": ["Front View", "Side View", "Rear View", "Underwater View"],
    "kind": ["Dump Truck", "pickup", "(tow truck:1.2)"],
    "thesis/location": ["Ocean", "Reef", "Lagoon", "City", "Forest"],
    "maker": ["Ford", "Ford", "BMW", "Fiat"],
    "model": ["Fiesta", "Focus", "i3", "500"],
    "size": ["3::small", "large", "2::{tiny|wee}"],
}
TEMPLATE = "__view__ of a __kind__ in __thesis/location__"
NAMES = ("view", "kind", "thesis/location")


TRUCK = (ClassSpec("truck"),)


def plan(rules, template=TEMPLATE, classes=TRUCK, **settings):
    return Plan(classes, template, library(LISTS), **{"images_per_class": 60, **settings}, rules=rules)


def picked(made, count, label="truck"):
    return [{pick.slot: pick.option for pick in made.item(label, rank).picks} for rank in range(count)]


def every(names=NAMES, lists=LISTS):
    """All combinations, by itertools: where the right answers come from."""
    return [dict(zip(names, options, strict=True)) for options in itertools.product(*(lists[name] for name in names))]


RULES = [
    ("truck: not Ocean, Reef", lambda x: x["thesis/location"] not in ("Ocean", "Reef")),
    ("not Ocean", lambda x: x["thesis/location"] != "Ocean"),
    ("only location=City, Forest", lambda x: x["thesis/location"] in ("City", "Forest")),
    (
        "dump truck: not ocean, Reef",
        lambda x: x["kind"] != "Dump Truck" or x["thesis/location"] not in ("Ocean", "Reef"),
    ),
    (
        "view=Underwater View: only location=Reef, Lagoon",
        lambda x: x["view"] != "Underwater View" or x["thesis/location"] in ("Reef", "Lagoon"),
    ),
    ("tow truck, pickup: not Side View", lambda x: x["kind"] == "Dump Truck" or x["view"] != "Side View"),
    (
        "# two, that bind three slots\nDump Truck: not Underwater View\nUnderwater View: only location=Reef\n",
        lambda x: x["view"] != "Underwater View" or (x["kind"] != "Dump Truck" and x["thesis/location"] == "Reef"),
    ),
    (
        "City: only pickup\nReef: not pickup\npickup: not Front View",
        lambda x: (
            (x["thesis/location"] != "City" or x["kind"] == "pickup")
            and (x["thesis/location"] != "Reef" or x["kind"] != "pickup")
            and (x["kind"] != "pickup" or x["view"] != "Front View")
        ),
    ),
]


@pytest.mark.parametrize(("rules", "allowed"), RULES)
@pytest.mark.parametrize("coverage", ["balanced", "random", "combinatorial"])
def test_what_a_rule_forbids_never_comes_and_all_else_does(rules, allowed, coverage):
    right = [combination for combination in every() if allowed(combination)]
    made = plan(rules, coverage=coverage, images_per_class=len(right))
    assert made.combinations("truck") == len(right)
    rows = picked(made, len(right) if coverage == "combinatorial" else 1500)
    keys = Counter(tuple(row[name] for name in NAMES) for row in rows)
    assert set(keys) <= {tuple(row.values()) for row in right}
    if coverage == "combinatorial":
        assert set(keys.values()) == {1}
        with pytest.raises(ValueError, match=f"expected at most its {len(right)} combinations"):
            plan(rules, coverage=coverage, images_per_class=len(right) + 1)
    elif coverage == "random":
        assert len(keys) == len(right)
        assert max(keys.values()) < 3.5 * 1500 / len(right)


@pytest.mark.parametrize(("rules", "allowed"), RULES)
def test_under_rules_every_pair_that_can_exist_meets_and_counts_stay_even_where_they_can(rules, allowed):
    right = [combination for combination in every() if allowed(combination)]
    rows = picked(plan(rules), 400)
    for one, other in itertools.combinations(NAMES, 2):
        assert {(row[one], row[other]) for row in rows} == {(row[one], row[other]) for row in right}
    pairs = [Counter((row[one], row[other]) for row in right) for one, other in itertools.combinations(NAMES, 2)]
    if all(len(set(pair.values())) == 1 for pair in pairs):  # only what never comes is forbidden
        for name in NAMES:
            counts = Counter(row[name] for row in rows)
            assert max(counts.values()) - min(counts.values()) <= 1


def test_a_mild_rule_leaves_the_counts_of_both_slots_even():
    """One pair of 20 x 15 is forbidden: each image can be exchanged within its deck, so every prefix is within two."""
    lists = {"a": [f"a{n}" for n in range(20)], "b": [f"b{n}" for n in range(15)]}
    made = Plan([ClassSpec("cat")], "__a__ __b__", library(lists), rules="a3: not b4, b5\na7: not b4")
    counts: dict[str, Counter] = {
        "a": Counter(dict.fromkeys(lists["a"], 0)),
        "b": Counter(dict.fromkeys(lists["b"], 0)),
    }
    met = set()
    for row in picked(made, 900, "cat"):
        met.add((row["a"], row["b"]))
        for slot, option in row.items():
            counts[slot][option] += 1
            assert max(counts[slot].values()) - min(counts[slot].values()) <= 2
    assert len(met) == 297  # in three times the least


@pytest.mark.parametrize("coverage", ["balanced", "random", "combinatorial"])
def test_lists_in_step_give_the_same_line(coverage):
    made = plan("__maker__ with model", "a __maker__ __model__ in __view__", coverage=coverage, images_per_class=16)
    assert made.combinations("truck") == 4 * 4
    rows = picked(made, 16 if coverage == "combinatorial" else 300)
    lines = set(zip(LISTS["maker"], LISTS["model"], strict=True))
    assert {(row["maker"], row["model"]) for row in rows} == lines
    assert len({tuple(row.values()) for row in rows}) == 16


def test_weights_hold_among_what_is_allowed():
    rows = picked(plan("Dump Truck: not large", "__kind__ __size__"), 600)
    counts = Counter((row["kind"], row["size"]) for row in rows)
    assert counts["Dump Truck", "large"] == 0
    sizes = Counter(row["size"] for row in rows)
    assert abs(sizes["small"] - 300) <= 3  # 3 : 1 : 2 can be kept
    assert abs(sizes["large"] - 100) <= 3
    drawn = Counter(
        tuple(row.values())[:2]
        for row in picked(plan("Dump Truck: not large", "__kind__ __size__", coverage="random"), 8000)
    )
    total = 6 + 6 + 5  # the weights of the pairs that are left
    assert abs(drawn["pickup", "small"] / 8000 - 3 / total) < 0.03
    assert abs(drawn["Dump Truck", "{tiny|wee}"] / 8000 - 2 / total) < 0.03


def test_a_rule_of_one_class_leaves_the_others_as_they_are():
    classes = (ClassSpec("truck", rules="not Ocean"), ClassSpec("car"))
    with_rule, without = plan("", classes=classes), plan("", classes=(ClassSpec("truck"), ClassSpec("car")))
    assert "Ocean" not in {row["thesis/location"] for row in picked(with_rule, 200)}
    assert picked(with_rule, 200, "car") == picked(without, 200, "car")
    named = plan("class=car: not Reef\ntruck: not City", classes=(ClassSpec("truck"), ClassSpec("car")))
    assert "Reef" not in {row["thesis/location"] for row in picked(named, 200, "car")}
    assert "City" not in {row["thesis/location"] for row in picked(named, 200)}


@pytest.mark.parametrize("rules", ["truck: not Ocean", "Underwater View: only location=Reef", "kind with kind2"])
def test_a_plan_with_rules_is_a_function_of_the_rank_and_comes_back_from_json(rules):
    template = TEMPLATE + (" {x|y|z}" if "with" in rules else "")
    rules = rules.replace("kind2", "choice 1")
    made = plan(rules, template)
    again = Plan.from_json(made.to_json())
    ranks = list(range(0, 4000, 7))
    random.Random(2).shuffle(ranks)
    assert {rank: again.item("truck", rank) for rank in ranks} == {rank: made.item("truck", rank) for rank in ranks}
    assert picked(plan(rules, template, images_per_class=900), 60) == picked(made, 60)
    parts = [list(plan(rules, template, shard=(index, 3)).schedule()) for index in range(3)]
    assert sorted(key for part in parts for key in part) == sorted(made.schedule())


def test_what_rules_leave_of_one_list_is_planned_like_a_list_of_its_own():
    ruled = picked(plan("not Ocean, Reef\nnot Side View"), 27)
    assert len({tuple(row.values()) for row in ruled}) == 27  # 3 views, 3 kinds and 3 locations are left


def test_a_rule_that_leaves_one_option_nothing_takes_it_away_and_says_so():
    made = plan("Underwater View: only location=Reef\nnot Reef")
    assert {row["view"] for row in picked(made, 100)} == set(LISTS["view"]) - {"Underwater View"}
    notes = made.programs("truck").bound[1].notes
    assert any("1 options of view never come" in note for note in notes)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            "truck no Ocean",
            r"a rule 'truck no Ocean' in the rules of the plan, line 1, column 1; expected a rule such as",
        ),
        (
            "\ntruck: not Ocaen",
            r"no option Ocaen in the rules of the plan, line 2, column 12; .*; the nearest is Ocean",
        ),
        (
            "truck: not place=Ocean",
            r"no slot place in the rules of the plan, line 1, column 12; expected one that every",
        ),
        ("Dump Trukc: not Ocean", r"no option Dump Trukc in .* line 1, column 1; .*; the nearest is Dump Truck"),
        ("truck: not Ocean,, Reef", r"an option without a name in .* line 1, column 18"),
        (
            "truck: not " + ", ".join(LISTS["thesis/location"]),
            r"a rule that forbids every option of slot thesis/location",
        ),
        (
            "only Reef\nonly Ocean",
            r"a rule that forbids every option of slot thesis/location in .*, line 2, column 1; ",
        ),
        ("City: not Reef", r"a rule of slot thesis/location alone in the rules of the plan, line 1"),
        ("view with kind", r"slots view with 4 lines and kind with 3 lines in .*; expected two lists of equally many"),
    ],
)
def test_a_rule_that_cannot_be_says_what_where_and_how_to_mend_it(rules, message):
    with pytest.raises(TemplateError, match=message):
        plan(rules)


def test_three_slots_that_leave_nothing_are_told():
    rules = "choice 1 with choice 2\nchoice 2 with choice 3\nchoice 1=x: not choice 3=x\nchoice 1=y: not choice 3=y"
    with pytest.raises(TemplateError, match="a rule that forbids every prompt in the rules of the plan, line 4"):
        plan(rules, "{x|y} {x|y} {x|y}")

from __future__ import annotations

from dataclasses import replace

import pytest

from hyponet.nodes.hyponyms.hyponyms import HyponymSettings, hyponyms_of_class, hyponyms_of_word
from hyponet.nodes.hyponyms.taxonomy import taxonomy
from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.plan import Plan
from hyponet.nodes.prompts.preview.advice import _unplanned_pairs
from hyponet.nodes.prompts.preview.report import preview, scientific
from hyponet.nodes.prompts.preview.usage import use_of

from ..prompt_fixtures import library

CARS = ClassSpec(
    "automobile", hyponyms=("sedan", "pickup truck", "dump truck", "sorrel", "zzz coupe"), synset="n02958343"
)
TRUCKS = ClassSpec("truck", hyponyms=("fire truck", "tow truck"))


def look(classes=(CARS, TRUCKS), template="a __hyponym__ in __place__", negative="", cfg=7.5, tree=True, **settings):
    lists = {"place": ["town", "desert", "town"], "color": ["red"]}
    plan = Plan(classes, template, library(lists), negative=negative, **settings)
    told = []
    shown = preview(
        plan,
        samples=2,
        cfg=cfg,
        size=(512, 512),
        tokens=lambda prompt: len(prompt.split()),
        tree=taxonomy() if tree else None,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (len(classes), len(classes))
    return shown


def warnings_of(shown):
    return shown.report.split("## Warnings")[1].split("## Notes")[0]


def test_the_tables_count_what_the_plan_gives():
    shown = look(images_per_class=20)
    assert "2 classes, 40 images" in shown.report
    assert "| automobile | 20 | 10 | 10 | 5 |" in shown.report  # 5 x 2 combinations, so 10 of 20 repeat
    assert "| automobile | hyponym | 5 | 20 | 4 | 4 | 0 |" in shown.report
    assert "| automobile | hyponym x place | 10 of 10 | 100.0% | 100.0% |" in shown.report
    assert "About 15 MB on disk" in shown.report  # 40 x 512 x 512 x 1.4 bytes
    assert shown.chart.shape[0] == 1
    assert shown.chart.shape[3] == 3
    assert shown.chart.min() < 0.9 < shown.chart.max() <= 1.0
    assert shown.warnings == warnings_of(shown).count("\n- ")


def test_the_report_lists_what_rules_forbid_and_counts_the_pairs_that_can_exist():
    rules = "sedan, sorrel: not desert\ntruck: only hyponym=tow truck"
    shown = look(images_per_class=20, rules=rules)
    assert "- **automobile**: sedan, sorrel: not desert: 2 pairs of hyponym and place never come" in shown.report
    assert "- **truck**: truck: only hyponym=tow truck: 1 options of hyponym never come" in shown.report
    assert "| automobile | 20 | 8 |" in shown.report  # of 5 x 2 combinations
    assert "| truck | 20 | 2 |" in shown.report
    assert "| automobile | hyponym x place | 8 of 8 | 100.0% | 100.0% |" in shown.report
    assert "## Rules" not in look(images_per_class=20).report


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        ({}, "label leak: pickup truck, dump truck in slot hyponym names or lies under class truck"),
        ({}, "WordNet puts no sense of sorrel under automobile"),
        ({"negative": "bad, (town:1.2)"}, "the negative repeats words of the prompts: town"),
        ({"negative": "{bad|worse|town}"}, "the negative repeats words of the prompts: town"),
        ({"negative": "bad", "cfg": 1.0}, "a negative prompt has no effect at cfg 1"),
        ({}, "slot place has 1 repeated options in place.txt; equal options count once"),
        ({"template": "a __place__"}, "its hyponyms are never used"),
        ({"images_per_class": 3}, "2 of 5 options of slot hyponym are never used in 3 images"),
        ({"template": "${unused=__color__}a __hyponym__"}, "slot color is never used"),
        ({"template": "{a __place__|b __color__} __hyponym__", "images_per_class": 1}, "is never used"),
        ({"images_per_class": 30}, "automobile 20 of 30, truck 26 of 30"),
        ({"template": "__hyponym__ " + "word " * 80}, "the longest prompt has 8"),
        (
            {"classes": (CARS, ClassSpec("van", hyponyms=("Sedan",)))},
            "hyponym stands in several classes (automobile, van): sedan",
        ),
        ({"tree": False}, "WordNet is not there"),
    ],
)
def test_what_deserves_a_second_look_is_warned_of(settings, warning):
    assert warning in warnings_of(look(**settings))


def test_a_clean_plan_has_no_warning():
    clean = (ClassSpec("cat", hyponyms=("tabby", "Manx")), ClassSpec("ship", hyponyms=("liner", "wreck")))
    shown = look(clean, "a __hyponym__ {x|y}", "blurry, worst quality", images_per_class=4)
    assert shown.warnings == 0, shown.report
    assert warnings_of(shown).strip() == "None."


def test_words_that_our_own_nodes_qualified_are_known():
    """The lists come from WordNet, "tom" and "semi" with the class word behind them."""
    found = [
        hyponyms_of_word(word, HyponymSettings(at_least=1, include_class=False)) for word in ("cat", "truck", "car")
    ]
    found.append(hyponyms_of_class("n02123045", "tabby", HyponymSettings()))
    assert {"sport utility vehicle", "electric car"} <= set(found[2].words)
    assert {"male cat", "Angora cat"} <= set(found[3].words)
    for one in found:
        spec = ClassSpec(one.word, hyponyms=one.words, synset=one.synset)
        assert "WordNet" not in look((spec,), images_per_class=len(one.words) * 2).report
    strange = ClassSpec("cat", hyponyms=("tom cat", "zzz cat", "tom zzz", "bus cat"), synset="n02121808")
    shown = look((strange,), images_per_class=8).report.split("## Notes")[1]
    assert "3 of cat's 4 (zzz cat, tom zzz, bus cat)" in shown


def test_a_plan_without_slots_has_a_chart_that_says_so():
    assert look((ClassSpec("cat"),), "__class__", images_per_class=1).chart.shape[3] == 3


def test_nested_slots_are_counted_over_their_visits():
    plan = Plan((ClassSpec("cat"),), "{a|{b|c}}", library({}), images_per_class=40)
    use = use_of(plan, "cat")
    assert {slot.slot: (slot.visits, slot.fewest, slot.most) for slot in use.slots} == {
        "choice 1": (40, 20, 20),
        "choice 2": (20, 10, 10),
    }


def test_a_large_plan_is_counted_over_its_first_images():
    """2 classes share 200,000 images; 60 slots have 1,770 pairs, so fewer are counted. The class of 5 counts as 5."""
    few = ClassSpec("few", count=5)
    shown = look((few, ClassSpec("many")), "__class__ {a|b}", images_per_class=150_000)
    assert "Counted over the first 100000 images of each class at most." in shown.report
    plan = Plan((ClassSpec("cat"),), "{a|b}" * 60, library({}), images_per_class=10**7)
    assert use_of(plan, "cat").counted == 200_000 // (60**2 // 50)


def test_huge_counts_are_shown_short():
    assert scientific(123 * 10**40) == "1.23e42"
    assert scientific(2**100_000) == "about 2^100000"


@pytest.mark.parametrize(
    ("lists", "warning"),
    [
        ({"a": ["{two", "x"]}, "a { that is not closed in a.txt, line 1, column 1"),
        ({"a": [f"a{n}" for n in range(5000)]}, "pairs with a meet by chance: the list is too long"),
        ({"a": [f"{n}::a{n}" for n in range(1, 1001)]}, "the weights of slot a are rounded to 65536 cards"),
    ],
)
def test_what_a_list_cannot_give_is_said(lists, warning):
    plan = Plan([ClassSpec("cat")], "a cat, __a__ and {p|q}", library(lists), images_per_class=4)
    shown = preview(
        plan,
        samples=0,
        cfg=7,
        size=(64, 64),
        tokens=len,
        tree=None,
        progress=lambda done, total: None,
    )
    assert warning in warnings_of(shown)


def test_lists_whose_pairs_are_planned_in_part_are_said():
    lists = {name: [f"{name}{number}" for number in range(1000)] for name in "ab"}
    plan = Plan([ClassSpec("cat")], "a cat, __a__ __b__", library(lists), images_per_class=100_000)
    slots = list(plan.programs("cat").positive.block.slots())
    use = use_of(Plan([ClassSpec("cat")], "a cat, __a__ __b__", library(lists), images_per_class=10), "cat")
    sentences = list(_unplanned_pairs(slots, replace(use, images=100_000)))
    assert sentences == ["pairs of the longest lists are planned for 78125 images, and meet by chance after them."]

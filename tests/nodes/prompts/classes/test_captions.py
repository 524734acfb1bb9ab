"""Captions of pictures become the options of their class, and a balanced plan asks for each of them."""

from __future__ import annotations

from collections import Counter

import pytest

from hyponet.nodes.prompts.classes.captions import captions_report, classes_of_captions
from hyponet.nodes.prompts.plan import Plan
from hyponet.nodes.prompts.wildcards.library import Library

CAPTIONS = "a cat on a sofa\na ship  at sea\n\na cat in the grass\na cat on a sofa\ntwo people\n"
LABELS = ["cat", "ship", "cat", "cat", "ship"]


def test_each_class_has_the_captions_of_its_pictures_once():
    classes = classes_of_captions(CAPTIONS, LABELS)
    assert [(spec.name, spec.hyponyms) for spec in classes] == [
        ("cat", ("a cat on a sofa", "a cat in the grass")),
        ("ship", ("a ship at sea", "two people")),
    ]
    (one,) = classes_of_captions(CAPTIONS, ["animal"])
    assert len(one.hyponyms) == 4


def test_a_balanced_plan_asks_for_each_caption_equally_often():
    classes = classes_of_captions(CAPTIONS, LABELS)
    plan = Plan(classes, "a photo of a __class__, __hyponym__", Library(lists={}), images_per_class=6)
    prompts = Counter(plan.item(label, rank).prompt for label, rank in plan.schedule())
    assert prompts == {
        "a photo of a cat, a cat on a sofa": 3,
        "a photo of a cat, a cat in the grass": 3,
        "a photo of a ship, a ship at sea": 3,
        "a photo of a ship, two people": 3,
    }


def test_the_report_counts_captions_that_do_not_name_the_class():
    report = captions_report(classes_of_captions(CAPTIONS, LABELS), 5)
    assert "| ship | 2 | 1 | a ship at sea |" in report
    assert "4 different captions of 5 pictures." in report
    assert "Name the class in the template too" in report


@pytest.mark.parametrize(
    ("text", "labels", "message"),
    [
        (" \n", ["cat"], "captions has no line"),
        ("a\nb\nc", ["cat", "dog"], "labels has 2 entries and captions 3 lines"),
        ("a", [" "], "name of a class is empty"),
    ],
)
def test_what_makes_no_class_is_said(text, labels, message):
    with pytest.raises(ValueError, match=message):
        classes_of_captions(text, labels)

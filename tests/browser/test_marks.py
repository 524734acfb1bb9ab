"""web/js/marks.js in a real page, beside the reader of the same text in nodes/dataset/culling/items.py."""

from __future__ import annotations

import random

import pytest

from hyponet.nodes.dataset.culling.items import select_items
from hyponet.tests.browser.pages import CHROMIUM, PAGE_TESTS
from hyponet.tools.workflows.editor import editor

pytestmark = PAGE_TESTS
LABELS = ("cat", "a, b: c", "dog (big)")
PICTURES = [
    {"number": rank * len(LABELS) + index, "label": label, "rank": rank, "file": f"{label}/{rank}.png"}
    for rank in range(6)
    for index, label in enumerate(LABELS)
]
CALL = """async ([name, ...values]) => {
  const value = (await import('/extensions/hyponet/js/marks.js'))[name](...values);
  return value instanceof Set ? [...value] : value;
}"""


class Store:
    """What select_items asks of a set."""

    labels = LABELS

    def keys(self):
        return [(picture["label"], picture["rank"]) for picture in PICTURES]


@pytest.fixture(scope="module")
def call(comfy):
    with editor(comfy.url, CHROMIUM) as opened:
        yield lambda *values: opened.page.evaluate(CALL, list(values))


def python_reads(text):
    chosen = select_items(Store(), text)
    return sorted(picture["number"] for picture in PICTURES if (picture["label"], picture["rank"]) in chosen)


@pytest.mark.parametrize(
    "text", ["3", "12-20", "cat: 5", "cat: *", "a, b: c: 1-2", "dog (big): 0, 4\n7", " 1 - 3 ,\n\ncat:2", "0,0"]
)
def test_the_page_reads_a_selection_as_the_node_does(call, text):
    assert sorted(call("marked", text, PICTURES, LABELS)) == python_reads(text)


def test_random_selections_are_read_alike(call):
    drawn = random.Random(5)
    parts = ["3", "2-9", "cat: *", "a, b: c: 0-2", "dog (big): 5", "17", "cat : 1"]
    for _ in range(60):
        text = drawn.choice([", ", ",", "\n"]).join(drawn.choices(parts, k=drawn.randint(1, 5)))
        assert sorted(call("marked", text, PICTURES, LABELS)) == python_reads(text), text


@pytest.mark.parametrize("text", ["3,\u30005", "\u00a04", "3, \u20035-7"])
def test_a_part_that_the_node_refuses_marks_nothing(call, text):
    """Such as behind the wide blank of a Korean keyboard."""
    with pytest.raises(ValueError, match="selection has"):
        python_reads(text)
    last = text.split(",")[-1]
    assert call("marked", last, PICTURES, LABELS) == []


@pytest.mark.parametrize(
    ("text", "number", "after"),
    [
        ("", 5, "5"),
        ("5", 2, "2, 5"),
        ("2, 5", 5, "2"),
        ("2", 2, ""),
        ("2-4", 3, "2, 4"),
        ("cat: *", 3, "0, 6, 9, 12, 15"),  # cat has every third number; its rank 1 is 3
        ("a, b: c: 1, 9", 0, "a, b: c: 1, 9, 0"),  # words keep their order
        ("nonsense, 2", 5, "nonsense, 2, 5"),  # and what cannot be read stays: the node says what is wrong with it
    ],
)
def test_a_click_adds_a_number_or_takes_one_away(call, text, number, after):
    assert call("toggled", text, PICTURES[number], PICTURES, LABELS) == after


def test_a_range_that_is_taken_apart_leaves_out_what_has_no_picture(call):
    pictures = [picture | {"file": ""} if picture["number"] in (6, 12) else picture for picture in PICTURES]
    assert call("toggled", "cat: *", pictures[3], pictures, LABELS) == "0, 9, 15"


@pytest.mark.parametrize(
    ("text", "is_in_range"),
    [("3", False), ("3, cat: 1", False), ("12-20", False), ("2-4", True), ("cat: *", True), ("3, cat: 0-2", True)],
)
def test_what_is_marked_by_a_range_or_a_class(call, text, is_in_range):
    assert call("isInRange", text, PICTURES[3], LABELS) is is_in_range  # cat 1


def test_any_clicks_leave_what_was_clicked_an_odd_number_of_times(call):
    drawn = random.Random(7)
    text, marked = "", set()
    for _ in range(80):
        number = drawn.randrange(len(PICTURES))
        text = call("toggled", text, PICTURES[number], PICTURES, LABELS)
        marked ^= {number}
        assert (python_reads(text) if text else []) == sorted(marked)

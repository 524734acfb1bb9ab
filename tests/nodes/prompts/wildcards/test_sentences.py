"""The shipped sentences for models that want prose: what a plan makes of them."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.plan import Plan
from hyponet.nodes.prompts.wildcards.library import Library
from tools.dev.places import ROOT

WILDCARDS = ROOT / "wildcards"
LISTS = ("place", "view", "light", "color")


def items(template, count=160, **spec):
    plan = Plan(
        [ClassSpec("ship", hyponyms=("tugboat", "brig"), **spec)],
        template,
        Library([WILDCARDS]),
        images_per_class=count,
    )
    return [plan.item(*key) for key in plan.schedule()]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_holds_phrases_or_whole_sentences_and_none_twice(name):
    lines = (WILDCARDS / "sentence" / f"{name}.txt").read_text("utf-8").splitlines()
    assert len(lines) == len(set(lines)) >= 8
    for line in lines:
        whole = name in ("light", "color")
        assert re.fullmatch(r"[A-Z][a-z ,]+\." if whole else r"[a-z][a-z ,]+", line), line


def test_a_plan_of_sentences_uses_every_option_and_reads_as_prose():
    made = items("__sentence/photo__")
    used = {pick.slot.rsplit(" ", 1)[-1]: set() for item in made for pick in item.picks}
    for item in made:
        for pick in item.picks:
            used[pick.slot.rsplit(" ", 1)[-1]].add(pick.option)
        assert re.fullmatch(r"[A-Z][^()_:{}]*\.", item.prompt), item.prompt
        assert "  " not in item.prompt
        assert 25 <= len(item.prompt.split()) <= 80
        assert "a kind of ship" in item.prompt
    for name in LISTS:
        lines = (WILDCARDS / "sentence" / f"{name}.txt").read_text("utf-8").splitlines()
        assert used[f"sentence/{name}"] == set(lines)
    assert used["hyponym"] == {"tugboat", "brig"}
    begins = Counter(pick.option[:20] for item in made for pick in item.picks if pick.slot == "sentence/photo")
    assert len(begins) == 3
    assert max(begins.values()) - min(begins.values()) <= 1


def test_a_class_whose_colours_are_its_own_leaves_the_sentence_of_colour_out():
    template = "One __hyponym__ __sentence/place__. __sentence/color__ __sentence/light__"
    for item in items(template, omit=("sentence/color",)):
        assert "colour" not in item.prompt
        assert "  " not in item.prompt
        assert re.fullmatch(r"One [^.]+\. [A-Z][^.]+\.", item.prompt), item.prompt

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections import Counter

import pytest

from hyponet.nodes.prompts.drawing.render import render
from hyponet.nodes.prompts.drawing.strategies import Balanced
from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.language.errors import TemplateError
from hyponet.nodes.prompts.plan import Plan, ranks_of_batch, single_plan
from hyponet.nodes.prompts.wildcards.library import Library
from tools.dev.pack import LOAD_PACK

from .prompt_fixtures import library

LISTS = {
    "view": ["front", "side"],
    "color": ["red", "green", "blue"],
    "place": ["city", "{dark|deep} forest", "2::sea"],
}
TEMPLATE = "__view__ of a __color__ (__hyponym__:1.4) in __place__"
CATS = ClassSpec("cat", hyponyms=("Manx", "Korat", "Siamese (old)"), omit=("color",))
SHIPS = ClassSpec("ship", hyponyms=("brig", "barge"), negative="{blur|noise}", count=7)


def plan(classes=(CATS, SHIPS), template=TEMPLATE, lists=LISTS, **settings):
    return Plan(classes, template, library(lists), negative="worst", **settings)


def items(made):
    return [made.item(label, rank) for label, rank in made.schedule()]


@pytest.mark.parametrize("coverage", ["balanced", "random", "combinatorial"])
def test_an_item_alone_equals_the_item_in_a_run_in_any_order(coverage):
    made = plan(coverage=coverage, images_per_class=20 if coverage != "combinatorial" else 12)
    run = items(made)
    shuffled = list(made.schedule())
    random.Random(1).shuffle(shuffled)
    again = plan(coverage=coverage, images_per_class=12)
    alone = {(label, rank): again.item(label, rank) for label, rank in shuffled}
    assert [alone[item.label, item.rank] for item in run] == run


def test_another_process_and_hash_seed_make_the_same_items(tmp_path):
    made = plan(images_per_class=30, seed=2**63)
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(made.to_json()), "utf-8")
    code = (
        f"{LOAD_PACK}import json, hashlib\n"
        "from hyponet.nodes.prompts.plan import Plan\n"
        f"plan = Plan.from_json(json.load(open({str(path)!r}, encoding='utf-8')))\n"
        "text = repr([plan.item(label, rank) for label, rank in plan.schedule()])\n"
        "sys.stdout.write(hashlib.sha256(text.encode()).hexdigest())\n"
    )
    expected = hashlib.sha256(repr(items(made)).encode()).hexdigest()
    for seed in ("1", "77"):
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True
        )
        assert done.stdout == expected, done.stderr


def test_json_holds_everything_a_plan_needs():
    made = plan(images_per_class=9, seed=5, order="by class", shard=(1, 2))
    data = json.loads(json.dumps(made.to_json()))
    assert data["wildcards"]["place"] == {"source": "place.txt", "lines": LISTS["place"]}
    again = Plan.from_json(data)
    assert items(again) == items(made)
    assert again.to_json() == made.to_json()
    with pytest.raises(ValueError, match=r"expected hyponet\.plan version 5"):
        Plan.from_json({**data, "version": 2})


def test_more_images_and_more_classes_extend_a_plan():
    small = {(i.label, i.rank): i for i in items(plan(images_per_class=5))}
    large = {(i.label, i.rank): i for i in items(plan((ClassSpec("dog"), CATS, SHIPS), images_per_class=11))}
    assert all(large[key] == item for key, item in small.items())


def test_classes_are_interleaved_so_that_any_prefix_is_balanced():
    made = plan((ClassSpec("a"), ClassSpec("b"), ClassSpec("c")), "__class__", images_per_class=10)
    counts = Counter()
    for label, _ in made.schedule():
        counts[label] += 1
        assert max(counts[name] for name in "abc") - min(counts[name] for name in "abc") <= 1
    ordered = [label for label, _ in plan(order="by class", images_per_class=3).schedule()]
    assert ordered == ["cat"] * 3 + ["ship"] * 7


def test_shards_share_out_every_class():
    made = [plan(images_per_class=10, shard=(index, 3)) for index in range(3)]
    parts = [list(one.schedule()) for one in made]
    assert [len(one) for one in made] == [len(part) for part in parts] == [4 + 3, 3 + 2, 3 + 2]
    assert sorted(pair for part in parts for pair in part) == sorted(plan(images_per_class=10).schedule())
    assert all({label for label, _ in part} == {"cat", "ship"} for part in parts)


def test_seeds_are_below_two_to_the_32_and_differ_by_rank_attempt_label_and_seed():
    made = plan(images_per_class=100)
    seeds = {item.seed for item in items(made)}
    assert len(seeds) == len(made)
    assert all(0 <= seed < 2**32 for seed in seeds)
    first, again = made.item("cat", 0), made.item("cat", 0, 1)
    assert (first.prompt, first.picks, first.attempt, again.attempt) == (again.prompt, again.picks, 0, 1)
    assert first.seed != again.seed != made.item("ship", 0).seed != plan(seed=1).item("ship", 0).seed
    text = "0\x1fcat\x1f0\x1f1"  # the documented hash, by hand
    assert again.seed == int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "little")


def test_prompts_say_what_the_class_is_and_leave_out_what_it_omits():
    made = plan(images_per_class=6)
    for item in items(made):
        slots = [pick.slot for pick in item.picks]
        if item.label == "cat":
            assert item.negative == "worst"
            assert "color" not in slots
            assert " of a (" in item.prompt
        else:
            assert item.negative in ("blur", "noise")
            assert slots[-1] == "negative choice 1"
        picked = next(pick for pick in item.picks if pick.slot == "hyponym")
        assert picked.option.replace("(old)", r"\(old\)") in item.prompt
        assert picked.source == "hyponyms"


def test_combinatorial_never_repeats_and_says_when_it_cannot():
    made = plan((CATS,), coverage="combinatorial", images_per_class=24)
    assert made.combinations("cat") == 2 * 3 * 4
    assert len({item.prompt for item in items(made)}) == 24
    with pytest.raises(ValueError, match="images of class cat are 25; expected at most its 24 combinations"):
        plan((CATS,), coverage="combinatorial", images_per_class=25)


def test_equal_options_are_one_combination_in_every_coverage():
    for coverage in ("balanced", "random", "combinatorial"):
        made = plan(
            (ClassSpec("c"),), "{a|a|b} __view__", {"view": ["x", "x", "y"]}, coverage=coverage, images_per_class=1
        )
        assert made.combinations("c") == 4


def test_the_laid_out_decks_deal_what_single_cards_deal():
    made = plan((ClassSpec("ship", hyponyms=("brig", "barge")),), "100% __view__ __color__ __hyponym__")
    program = made.programs("ship").positive
    slow = Balanced(program.key, program.balanced.orders, cards=program.balanced.cards)
    for number in (0, 1, 5, 17, 1000, 3):
        assert program.render(number) == render(program.block, number, slow)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ()}, "classes are none"),
        ({"classes": (CATS, ClassSpec("CAT"))}, "name of two classes is CAT"),
        ({"classes": (CATS, CATS)}, "name of two classes is cat"),
        ({"classes": (ClassSpec(" "),)}, "name of a class is empty"),
        ({"classes": (ClassSpec("{cat|dog}"),)}, "name of class '{cat.dog}' has braces or a wildcard"),
        ({"classes": (ClassSpec("__cat__"),)}, "name of class '__cat__' has braces or a wildcard"),
        ({"classes": (ClassSpec("cat", hypernym="{a|b}"),)}, "hypernym of class 'cat' has braces"),
        ({"coverage": "even"}, "coverage is 'even'; expected one of: balanced"),
        ({"order": "x"}, "order is 'x'"),
        ({"shard": (2, 2)}, "shard_index is 2; expected 0 to 1"),
        ({"template": ""}, "template of class cat is empty"),
        ({"classes": (ClassSpec("cat", omit=("size",)),)}, "no slot size to leave out"),
        ({"template": "a __colr__"}, "no wildcard named colr in template of class cat"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        plan(**{"classes": (ClassSpec("cat"),), **change})


def test_an_unknown_label_is_named():
    with pytest.raises(ValueError, match="label is 'dog'; expected one of the plan's: cat, ship"):
        plan().item("dog", 0)


def test_a_mistake_in_a_negative_is_a_template_error():
    with pytest.raises(TemplateError, match="negative template of class cat"):
        plan((ClassSpec("cat", negative="{a"),), "__class__")


def test_a_batch_of_combinations_ends_where_they_end():
    plan = single_plan("{a|b} {c|d}", Library(), coverage="combinatorial", seed=0)
    prompts = [plan.item("prompt", rank).prompt for rank in ranks_of_batch(plan, 10, 0)]
    assert prompts == ["a c", "a d", "b c", "b d"]
    assert ranks_of_batch(plan, 3, 1) == range(3, 4)
    with pytest.raises(
        ValueError, match="batch_number is 2; expected at most 1, since the template has 4 combinations"
    ):
        ranks_of_batch(plan, 3, 2)
    assert ranks_of_batch(single_plan("{a|b}", Library(), coverage="random", seed=0), 10, 1) == range(10, 20)


def test_a_saved_plan_s_globs_match_what_they_matched_on_the_disk(tmp_path):
    """The regression: f/warm, another name of the list warm in f/colors.yaml, was one of f/* in the saved plan."""
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a.txt").write_text("ape\nant\n")
    (tmp_path / "f" / "colors.yaml").write_text("warm:\n  - red\n  - orange\n")
    made = Plan([ClassSpec("cat")], "__f/*__ __f/warm__", Library([tmp_path]), images_per_class=8)
    assert all(item.prompt.startswith("a") for item in items(made))
    again = Plan.from_json(json.loads(json.dumps(made.to_json())))
    assert items(again) == items(made)
    assert again.to_json() == made.to_json()


def test_higher_counts_extend_the_same_plan():
    made = plan(images_per_class=4, rules="")
    more = made.with_counts({"cat": 9, "ship": 7})
    assert (more.count("cat"), more.count("ship"), made.count("cat")) == (9, 7, 4)
    assert items(made) == [item for item in items(more) if item.rank < made.count(item.label)]
    assert Plan.from_json(json.loads(json.dumps(more.to_json()))).count("cat") == 9

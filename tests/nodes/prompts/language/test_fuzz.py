"""Hostile templates, wildcard files and bytes through the whole room: an honest error or a prompt, nothing else."""

from __future__ import annotations

import random

import pytest

from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.plan import COVERAGES, Plan
from hyponet.nodes.prompts.wildcards.lines import read_lines, readable

from ..prompt_fixtures import library

MARKS = "{ } | $$ ${ x = =! : ?= __ w __ f/* nest circle 2:: .5:: 1-2$$ 2$$ 0$$ \\ # a b(c) :9 ( ) (x:1.4) 3# ~ @ !"
WHOLE = "${x} __w__ __nest__ {a|b} {2$$a|b|{c|d}} \uc0c9 % %s"
TOKENS = [*MARKS.split(), *WHOLE.split(), " ", "\n", " # ", " and $$"]
SPEC = ClassSpec("c", hyponyms=("q", "r"))


@pytest.mark.parametrize("seed", range(40))
def test_random_tokens_give_a_prompt_or_an_honest_error(seed):
    rng = random.Random(seed)
    for _ in range(50):
        template = "".join(rng.choice(TOKENS) for _ in range(rng.randint(1, 14)))
        lines = ["".join(rng.choice(TOKENS) for _ in range(4)).replace("\n", "") for _ in range(3)]
        lists = {"w": ["a", "b (c)", "x:9"], "f/a": ["1"], "nest": lines, "circle": ["__circle__"]}
        for coverage in COVERAGES:
            try:
                plan = Plan([SPEC], template, library(lists), coverage=coverage, images_per_class=1)
            except ValueError:
                continue
            last = plan.combinations("c") - 1
            assert plan.item("c", last) == plan.item("c", last)


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_lines_or_an_honest_error(seed):
    rng = random.Random(seed)
    for _ in range(200):
        data = bytes(rng.choice(b"ab#\n\r\t \xef\xbb\xbf\xff\x00:{}_") for _ in range(rng.randint(0, 30)))
        try:
            lines = read_lines(readable(data, "w.txt")[0])
        except ValueError:
            continue
        assert all(line and line == line.strip(" \t\v\f") for line in lines)

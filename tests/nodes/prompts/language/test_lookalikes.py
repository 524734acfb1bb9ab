"""Nothing that looks like the language reaches a model: what is misplaced is a mistake with its place, never text."""

from __future__ import annotations

import random
import re

import pytest

from hyponet.nodes.prompts.language.errors import TemplateError
from hyponet.nodes.prompts.language.parser import parse

from ..grammar import LISTS, Grammar, misplaced
from ..prompt_fixtures import Made, library

MISPLACED = [
    ("{1-2$$, glowing-__c__-$$a|b}", "a wildcard, a count or a comment in a separator", 17),
    ("{2$$ # $$a|b}", "a wildcard, a count or a comment in a separator", 6),
    ("3#__c__", "a count 3# outside a choice", 1),
    ("{2$$2-4#__c__}", "a count 2-4# outside a choice", 5),
    ("{a 3#__c__|b}", "a count 3# outside a choice", 4),
    ("3#{a|b}", "a count 3# outside a choice", 1),
    ("{50%::a|b}", "a weight 50%", 2),
    ("{0,5::a|b}", "a weight 0,5", 2),
    ("{-1::a|b}", "a weight -1", 2),
    ("{+1::a|b}", "a weight +1", 2),
    ("{ 2 :: a|b}", "a weight 2", 3),
    ("{a::2|b::1}", "a :: that is no weight", 3),
    ("{a::b|c}", "a :: that is no weight", 3),
    ("{2::3::a|b}", "a weight 3", 5),
    ("2::a cat", "a weight 2", 1),
    ("a cat::2", "a :: that is no weight", 6),
    ("${x=2::a}${x}", "a weight 2", 5),
    ("__c(x=2::a)__", "a weight 2", 7),
    ("2$$a|b", "$$ that is no part of a choice", 2),
    ("{a|2$$b}", "$$ that is no part of a choice", 5),
    ("{1 - 2$$a|b}", "$$ that is no part of a choice", 7),
    ("{2~$$a|b}", "$$ that is no part of a choice", 4),
    ("2 $${x}", "$$ that is no part of a choice", 3),
    ("{a|b}::2", "a :: that is no weight", 6),
    ("a::__c__", "a :: that is no weight", 2),
    ("__c__::a", "a :: that is no weight", 6),
    ("std::vector", "a :: that is no weight", 4),
    ("{2$$ 2::x $$a|b}", "a weight 2", 6),
    ("a\u00e4 {2$$, std::x$$a|b}", "a :: that is no weight", 13),
    ("{2$$ 3#$$a|b}", "a wildcard, a count or a comment in a separator", 6),
    ("${x=2$$a}", "$$ that is no part of a choice", 6),
    ("__c__(x=red)", "values after a wildcard", 6),
    ("a|b} c", "a } that closes nothing", 4),
    ("%{2$$x|y}", "a % before a choice", 1),
    ("a %{1-2$$x|y}", "a % before a choice", 3),
    ("__c/{2$$a|b}__", "a choice in the name of a wildcard", 5),
    ("__c/{__d__|b}__", "a choice in the name of a wildcard", 5),
]


@pytest.mark.parametrize(("template", "message", "column"), MISPLACED)
def test_what_looks_like_the_language_is_a_mistake(template, message, column):
    with pytest.raises(TemplateError) as caught:
        parse(template)
    assert f"{message} in template, line 1, column {column};" in str(caught.value)


HOW = [
    ("{-1::a|b}", "expected a weight of 0 or more"),
    ("{a|-2::b}", "expected a weight of 0 or more"),
    ("{0,5::a|b}", "with a point in a fraction"),
    ("{1 - 2$$a|b}", "expected the numbers of a choice without blanks or signs, as in {1-2$$a|b}"),
    ("{2-4~$$a|b}", "expected the numbers of a choice without blanks or signs"),
    ("2$$a|b", "expected it after the number of a choice"),
    ("%{2$$x|y}", "expected words to wrap with, as in %{a photo of ...$$a cat}"),
]


@pytest.mark.parametrize(("template", "how"), HOW)
def test_the_error_says_what_to_write(template, how):
    with pytest.raises(TemplateError) as caught:
        parse(template)
    assert how in str(caught.value)


TEXTS = [
    ("50%{2$$a|a}", "50%a,a"),
    ("100 %{a|a}", "100 %a"),
    ("a } b", "a } b"),
    ("smile :} {a|a}} b", "smile :} a} b"),
    ("a | b", "a | b"),
    (r"std\::vector, \::before", "std::vector, ::before"),
    (r"{a\::b|a\::b} 3\#x 50% 16:9", "a::b 3#x 50% 16:9"),
    (r"2\:: costs 2\$\$", "2:: costs 2$$"),
    ("$ cash, #1, 3# 5#x", "$ cash, #1, 3# 5#x"),
    (r"{2$$ \| $$a|a}", "a | a"),
    (r"{2$$ \_\_ $$a|a}", "a __ a"),
    ("{2$$|$$a|a}", "a|a"),
]


@pytest.mark.parametrize(("template", "expected"), TEXTS)
def test_what_is_text_stays_text(template, expected):
    assert {Made(template, coverage="random").prompt(number) for number in range(4)} == {expected}


LEFT = re.compile(r"__|[{|]|\$\$|\$\{|::|\d#(?=\w)")


@pytest.mark.parametrize("seed", range(40))
def test_a_misplaced_mark_never_reaches_a_prompt(seed):
    rng = random.Random(seed)
    lists = library(LISTS)
    refused = 0
    for number in range(60):
        template = misplaced(Grammar(1000 * seed + number).template(), rng)
        try:
            made = Made(template, lists, "random")
        except TemplateError:
            refused += 1
            continue
        for prompt in {made.prompt(number) for number in range(20)}:
            kept = prompt.replace("<lora:a_b:0.8>", "")
            # a | is text outside of braces, and the separator of some choices of the grammar
            left = [mark for mark in LEFT.findall(kept) if mark != "|"]
            assert not left, (template, prompt)
    assert refused > 10

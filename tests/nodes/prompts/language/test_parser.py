from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyponet.nodes.prompts.language.errors import TemplateError
from hyponet.nodes.prompts.language.parser import MAX_DEPTH, parse
from hyponet.nodes.prompts.language.syntax import Choice, Option, Text, to_text, walk

from ..grammar import Grammar
from ..prompt_fixtures import Made, library

# Computed by running dynamicprompts 0.31.0; its "about" says how.
CASES = json.loads(Path(__file__).with_name("prompt_cases.json").read_text("utf-8"))["cases"]


def wildcards_of(case):
    """The files of a case as the reader of text files would give them."""
    from hyponet.nodes.prompts.wildcards.lines import read_lines

    return {name: read_lines("\n".join(lines).encode()) for name, lines in case["wildcards"].items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_shared_case(case):
    clean = (lambda text: " ".join(text.split())) if case.get("ignore_whitespace") else (lambda text: text)
    if "expect_error" in case:
        with pytest.raises(TemplateError):
            Made(case["template"], library(wildcards_of(case)))
        return
    if case["mode"] == "combinatorial":
        made = Made(case["template"], library(wildcards_of(case)))
        prompts = [clean(prompt) for prompt in made.all()]
        assert made.count == case.get("expected_count", made.count)
        assert len(set(prompts)) == case.get("expected_distinct", len(set(prompts)))
        assert prompts == case.get("expected_order", prompts)
        if "expected_set" in case:
            assert sorted(set(prompts)) == case["expected_set"]
        return
    for coverage in ("random", "balanced"):
        made = Made(case["template"], library(wildcards_of(case)), coverage)
        prompts = [clean(made.prompt(number)) for number in range(case.get("draws", 400))]
        assert sorted(set(prompts)) == case["expected_set"]
        for prompt, share in case.get("expected_share", {}).items():
            assert prompts.count(prompt) / len(prompts) == pytest.approx(share, abs=case["share_tolerance"])


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("a {cat|dog", "a { that is not closed in template, line 1, column 3"),
        ("one\na|two } three", "a } that closes nothing in template, line 2, column 7"),
        ("a __color of", "a wildcard that is not closed in template, line 1, column 3"),
        ("a ____ b", "two underscores that begin no wildcard"),
        ("a __ color __ b", "two underscores that begin no wildcard"),
        ("{a$$b}", "$$ that is no part of a choice"),
        ("${", "${ without a name"),
        ("${x", "a ${ that is not closed"),
        ("${x=a", "a ${ that is not closed"),
        ("__a(b)__", "a wildcard's value without a name"),
        ("{3#__w__ b|c}", "3# before a wildcard"),
        ("{" * (MAX_DEPTH + 1), f"braces {MAX_DEPTH + 1} deep"),
    ],
)
def test_a_mistake_is_named_with_its_place(template, message):
    with pytest.raises(TemplateError) as caught:
        parse(template)
    assert message in str(caught.value)


def test_the_caret_stands_under_the_mistake():
    with pytest.raises(TemplateError) as caught:
        parse("first line\na photo of a {cat", "cats.txt", line=7)
    head, line, caret = str(caught.value).split("\n")
    assert head.startswith("a { that is not closed in cats.txt, line 8, column 14; expected a }")
    assert line[caret.index("^")] == "{"


@pytest.mark.parametrize(
    ("template", "kept"),
    [
        ("(x:1.4) [soft:0.4] <lora:a_b:0.8> embedding:bad_hands", None),
        (r"\{a\} \| \$\{x\} \__a\__ \\ \#", r"{a} | ${x} __a__ \ #"),
        (r"crane \(bird\) C:\new", None),
        ("a # comment\nb #1 C# c#d", "a \nb #1 C# c#d"),
        ("# a heading\nb", "\nb"),
        ("costs $5, 100 $", None),
        ("snake_case _x_ 100%", None),
        ("a | b", None),
    ],
)
def test_text_is_kept(template, kept):
    assert Made(template).all() == [template if kept is None else kept]


def test_a_quantified_wildcard_stands_several_times():
    """Impact Pack's 3#__name__: three options that each draw from the file."""
    made = Made("{2$$, $$3#__w__}", {"w": ["a", "b"]})
    assert set(made.all()) == {"a, a", "a, b", "b, a", "b, b"}
    assert isinstance(made.tree[0], Choice)
    assert len(made.tree[0].options) == 3


def test_sampler_marks_of_dynamicprompts_are_read():
    assert Made("{~a|b} __@w__ {!c}", {"w": ["x"]}).all() == ["a x c", "b x c"]


nodes = st.deferred(lambda: st.lists(st.one_of(words, choices, wildcards, variables), max_size=4).map("".join))
# a % before { belongs to the language (`%{words to wrap$$a|b}`), so that a word that ends with one is no word
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}|$_#\\~@!:(),%"), max_size=8)
odd = st.text(st.sampled_from(list("{}|$_#\\~@!:(), \na1.")), max_size=12)
choices = st.builds(
    lambda head, options: "{" + head + "|".join(options) + "}",
    st.sampled_from(["", "2$$", "1-2$$ and $$", "2-$$", "~"]),
    st.lists(st.builds(lambda weight, body: weight + body, st.sampled_from(["", "2::", ".5::"]), nodes), max_size=3),
)
wildcards = st.builds(
    lambda name, value: f"__{name}{value}__",
    st.sampled_from(["color", "f/*", "색깔", "a b"]),
    st.sampled_from(["", "(x=red)", "(x={a|b},y=c)"]),
)
variables = st.builds(
    lambda sign, value: "${x" + sign + value + "}", st.sampled_from(["=", "=!", "?=", ":"]), st.one_of(words, choices)
)


@given(nodes)
@settings(max_examples=120, deadline=None)
def test_a_tree_prints_back_to_text_of_the_same_tree(text):
    tree = parse(text)
    assert parse(to_text(tree)) == tree


@given(odd)
@settings(max_examples=1000, deadline=None)
def test_any_text_is_a_template_or_a_template_error(text):
    try:
        tree = parse(text)
    except TemplateError:
        return
    assert parse(to_text(tree)) == tree


@given(st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_any_text_prints_as_a_template_that_stands_for_it(word):
    """Also what looks like the language: braces, weights, comments. (Spaces that begin an option are dropped.)"""
    assert parse(to_text((Text(word),))) == ((Text(word),) if word else ())
    option = Choice((Option((Text(word.strip()),) if word.strip() else ()),))
    assert parse(to_text((option,))) == (option,)


@pytest.mark.parametrize("seed", range(40))
def test_random_templates_print_back(seed):
    tree = parse(Grammar(seed).template())
    assert parse(to_text(tree)) == tree


@pytest.mark.parametrize(
    "unit",
    [
        "{a|b}",
        "{",
        "}",
        "__",
        "__a",
        "__a__",
        "${x}",
        "${",
        "{2$$",
        "\\",
        "#\n",
        " #",
        "5#",
        "_ ",
        "(",
        "{1$$,$$",
        "|}",
        "|}\n",
        "1#",
        "a::",
    ],
)
def test_a_megabyte_of_anything_ends(unit):
    """Slow only if the time is not linear: then this does not end within the suite's time limit for a test."""
    text = unit * (1_000_000 // len(unit))
    with suppress(TemplateError):
        parse(text)


@pytest.mark.parametrize("coverage", ["balanced", "random"])
def test_copies_of_a_wildcard_weigh_as_many_options(coverage):
    """{2#__w__|bat}: of three options two are the file, in every coverage."""
    made = Made("{2#__w__|bat}", {"w": ["a", "b"]}, coverage)
    bats = sum(made.prompt(number) == "bat" for number in range(300))
    assert bats == 100 if coverage == "balanced" else 70 < bats < 130
    made = Made("{0.5::2#__w__|bat}", {"w": ["a", "b"]}, "balanced")
    assert sum(made.prompt(number) == "bat" for number in range(100)) == 50


def test_a_walk_visits_what_drawn_names_share_once():
    """The regression: five of 12 words, each with all that follows in every option, took half a minute to check."""
    words = "|".join("abcdefghijkl")
    names = "vwxyz"
    text = "".join(f"${{{name}=!{{{words}}}}}" for name in names) + "".join(f"__${{{name}}}__" for name in names)
    assert len(list(walk(parse(text)))) < 1000

"""docs/templates.md says what is: its grammar is the parser's, and each example gives what stands under it.

The results on the page were written by hand from the grammar, before they were compared.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter

import pytest

from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.language import parser, syntax
from hyponet.nodes.prompts.language.errors import TemplateError
from hyponet.nodes.prompts.plan import Plan
from hyponet.nodes.prompts.wildcards.library import Library
from tools.dev.places import ROOT

PAGE = (ROOT / "docs" / "templates.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+) ?(.*)\n((?s:.*?))^```$", PAGE, re.M)  # (kind, what follows it, text)
EXAMPLES = [text for kind, _, text in BLOCKS if kind == "template"]
DEALT = [(int(count), text) for kind, count, text in BLOCKS if kind == "deal"]
CAT = ClassSpec("cat", hypernym="feline", hyponyms=("Manx", "Korat"))
RULED = [text for kind, _, text in BLOCKS if kind == "ruled"]
WEATHER = ("fog", "rain", "snow")
GIVES, REFUSED, LEFT_OUT, RULE = "=> ", "!! ", "~~ ", "-- "


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The page's files, written as they stand there."""
    root = tmp_path_factory.mktemp("wildcards")
    for kind, name, text in BLOCKS:
        if kind == "file":
            path = root / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
    return Library([root])


def template_of(example):
    """The lines above the first result."""
    return "\n".join(line for line in example.splitlines() if not line.startswith((GIVES, REFUSED, LEFT_OUT, RULE)))


def results_of(example, mark):
    return [line.removeprefix(mark) for line in example.splitlines() if line.startswith(mark)]


def head_of(error):
    """The first line of an error: what is wrong, where, and what was expected."""
    return str(error).partition("\n")[0]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_gives_what_the_page_says(example, library):
    template, refused = template_of(example), " ".join(results_of(example, REFUSED))
    if refused:
        with pytest.raises(ValueError, match="template of class cat") as caught:
            Plan([CAT], template, library)
        assert head_of(caught.value) == refused
        return
    plan = Plan([CAT], template, library, coverage="combinatorial", images_per_class=1)
    prompts = [plan.item("cat", rank).prompt for rank in range(plan.combinations("cat"))]
    assert list(dict.fromkeys(" ".join(prompt.split()) for prompt in prompts)) == results_of(example, GIVES)
    assert " ".join(map(head_of, plan.left_out())) == " ".join(results_of(example, LEFT_OUT))


@pytest.mark.parametrize("example", RULED)
def test_rules_leave_what_the_page_says(example, library):
    classes = [CAT, ClassSpec("dog", hyponyms=("Manx", "Korat"))]
    rules, refused = "\n".join(results_of(example, RULE)), " ".join(results_of(example, REFUSED))
    settings = {"coverage": "combinatorial", "images_per_class": 1, "rules": rules}
    if refused:
        with pytest.raises(ValueError, match="the rules of the plan") as caught:
            Plan(classes, template_of(example), library, **settings)
        assert head_of(caught.value) == refused
        return
    plan = Plan(classes, template_of(example), library, **settings)
    prompts = {plan.item("cat", rank).prompt for rank in range(plan.combinations("cat"))}
    assert prompts == set(results_of(example, GIVES))
    assert plan.combinations("cat") == len(prompts)


@pytest.mark.parametrize(("count", "example"), DEALT)
def test_options_are_dealt_as_the_page_says(count, example, library):
    plan = Plan([CAT], template_of(example), library, images_per_class=count)
    prompts = Counter(plan.item("cat", rank).prompt for rank in range(count))
    assert sorted(f"{times} x {prompt}" for prompt, times in prompts.items()) == sorted(results_of(example, GIVES))


# of the table at the head of the page, by hand: what each row gives in the files of the page
SHORT = {
    "{red|blue}": {"red", "blue"},
    "{2::red|blue}": {"red", "blue"},  # how often: below
    "{2$$ and $$fog|rain|snow}": {f"{a} and {b}" for a in WEATHER for b in WEATHER if a != b},
    "__color__": {"red", "green", "blue"},
    "__class__": {"cat"},
    "__hyponym__": {"Manx", "Korat"},
    "${c=!{red|blue}}${c} hat, ${c} shoe": {"red hat, red shoe", "blue hat, blue shoe"},
}


def test_the_table_in_short_is_true(library):
    rows = re.findall(r"^\| (`.+`) \| .+ \|$", PAGE.partition("Try templates in")[0], re.M)
    written = [part.replace("\\|", "|") for row in rows for part in re.findall(r"`([^`]+)`", row)]
    assert written == list(SHORT)
    for template, prompts in SHORT.items():
        plan = Plan([CAT], template, library, coverage="combinatorial", images_per_class=1)
        assert {plan.item("cat", rank).prompt for rank in range(plan.combinations("cat"))} == prompts, template
    plan = Plan([CAT], "{2::red|blue}", library, images_per_class=9)
    assert Counter(plan.item("cat", rank).prompt for rank in range(9)) == {"red": 6, "blue": 3}


def test_the_grammar_is_the_parser_s():
    head = inspect.cleandoc(parser.__doc__)
    rules = re.search(r"^    template ::=.*?(?=^\S)", head, re.M | re.S)
    grammar = [text for kind, _, text in BLOCKS if kind == "grammar"]
    assert grammar == [inspect.cleandoc(rules[0]) + "\n"]


def test_each_form_has_an_example():
    nodes = []
    for template in map(template_of, [*EXAMPLES, *(text for _, text in DEALT)]):
        try:
            nodes += syntax.walk(parser.parse(template))
        except TemplateError:
            continue
    kinds = {type(node) for node in nodes}
    assert kinds == {syntax.Text, syntax.Choice, syntax.Wildcard, syntax.Variable, syntax.Assign}
    assigns = {(node.keep, node.immediate) for node in nodes if isinstance(node, syntax.Assign)}
    assert assigns == {(False, False), (False, True), (True, False), (True, True)}
    bounds = {(node.low, node.high) for node in nodes if isinstance(node, syntax.Choice)}
    assert bounds >= {(1, 1), (2, 2), (1, 2), (2, None)}
    written = "".join(map(template_of, EXAMPLES))
    assert {char for char in syntax.ESCAPABLE if "\\" + char not in written} == set()
    assert {sign for sign in syntax.SAMPLER_SIGNS if "{" + sign not in written and "__" + sign not in written} == set()


def test_no_line_is_longer_than_120_characters_and_no_other_block_stands_there():
    assert [line for line in PAGE.splitlines() if len(line) > 120] == []
    assert {kind for kind, _, _ in BLOCKS} == {"file", "template", "deal", "ruled", "grammar"}
    assert PAGE.count("```") == 2 * len(BLOCKS)
    assert len(EXAMPLES) > 40

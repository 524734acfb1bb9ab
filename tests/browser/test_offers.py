"""web/js/offers.js in a real page: what is offered at a caret, and what of the text it takes the place of."""

from __future__ import annotations

import pytest

from hyponet.nodes.prompts.language.parser import parse
from hyponet.nodes.prompts.language.rules import parse_rules
from hyponet.tests.browser.pages import CHROMIUM, PAGE_TESTS
from hyponet.tools.workflows.editor import editor

pytestmark = PAGE_TESTS
CALL = """async ([name, before, after, known]) => {
  const offers = await import('/extensions/hyponet/js/offers.js');
  const {Names} = await import('/extensions/hyponet/js/wildcard_names.js');
  if (known.names) Object.assign(known, {names: new Names(known.names), own: new Map(), words: []});
  const offer = offers[name](before + after, before.length, known);
  return offer?.suggestions.map(({insert}) => {
    const text = before + after;
    return text.slice(0, offer.start) + insert + text.slice(offer.end);
  }) ?? null;
}"""


@pytest.fixture(scope="module")
def offered(comfy):
    """The texts after each suggestion, one taken at a time; None where there is nothing to offer."""
    with editor(comfy.url, CHROMIUM) as opened:
        yield lambda *values: opened.page.evaluate(CALL, list(values))


@pytest.mark.parametrize(
    ("before", "after", "taken"),
    [
        ("a __bi", "", "a __bird__"),
        ("a __b", "ir__ b", "a __bird__ b"),  # the rest of the name under the caret goes
        ("__bi", "__ and a __color__", "__bird__ and a __color__"),
        ("__bi", "__color__", "__bird____color__"),  # a wildcard of its own stays
        ("__bi", "__color__ __size__", "__bird____color__ __size__"),
        ("__bi", "__color__size__", "__bird__color__size__"),  # here the underscores are those of the name
        ("__my", "_bird__ b", "__my_bird__ b"),
    ],
)
def test_a_name_takes_the_place_of_its_own_rest_alone(offered, before, after, taken):
    """By hand, after the language: two underscores, a name, and the next two."""
    assert offered("inTemplate", before, after, {"names": ["bird", "my_bird"]})[0] == taken


@pytest.mark.parametrize(
    "closed",
    [
        "__b__",
        "__b/${x}__",
        "__b/${x:y}__",
        "__b/{c|d}__",
        "__b/{{c|d}}__",
        "__b(x=c)__",
        "__b(x={c|d}, y=__e__)__",
    ],
)
def test_nothing_is_offered_behind_a_wildcard_that_is_closed(offered, closed):
    """Else Enter would write a name there. Each is one wildcard, as the parser has it; the next is offered again."""
    (node,) = parse(closed, "template")
    assert node
    known = {"names": ["bird", "red bird"]}
    for after in ("", " ", " b", ", red"):
        assert not offered("inTemplate", f"a {closed}{after}", "", known), after
    assert offered("inTemplate", f"a {closed} and __bi", "", known) == [
        f"a {closed} and __{name}__" for name in ("bird", "red bird")
    ]


@pytest.mark.parametrize(
    ("before", "taken"),
    [
        ("__b/{__bi", "__b/{__bird__"),
        ("__b(x=__bi", "__b(x=__bird__"),
        ("__b(x=__c__, y={__bi", "__b(x=__c__, y={__bird__"),
    ],
)
def test_names_are_offered_within_a_wildcard_too(offered, before, taken):
    assert offered("inTemplate", before, "", {"names": ["bird"]}) == [taken]


@pytest.mark.parametrize("typed", ["\u3145", "\uc0c8", "\uc0c9", "\uc0c9\u3145", "\uc0c9\uc0ac", "\uc0c9\uc0c1"])
def test_a_korean_name_is_offered_while_its_syllables_are_typed(offered, typed):
    """As a Korean keyboard writes the two syllables of "colour", key by key."""
    name = "\uc0c9\uc0c1"
    known = {"names": ["red", name, f"{name}/red"]}
    assert offered("inTemplate", f"__{typed}", "", known) == [f"__{name}/", f"__{name}__"]
    assert offered("inTemplate", f"__{name}/", "", known) == [f"__{name}/red__"]
    assert offered("inTemplate", f"${{{name}=a}}${{{typed}", "", known) == [f"${{{name}=a}}${{{name}}}"]
    rules = {"slots": [{"name": "x", "options": [name, "red"]}], "labels": []}
    assert offered("inRules", f"red: not {typed}", "", rules) == ([f"red: not {name}"] if typed != name else [])


@pytest.mark.parametrize("label", ["cat", "tench, Tinca tinca", "a=b", "crane: bird (big)"])
def test_a_class_that_is_offered_is_read_as_one(offered, label):
    known = {"slots": [], "labels": [label, 'no "quotes"']}
    (condition,) = [text for text in offered("inRules", label[:1], "", known) if label in text]
    (target,) = offered("inRules", "red: not ", "", {"slots": [{"name": "x", "options": [label]}], "labels": []})[1:]
    (rule, other) = parse_rules(f"{condition}: not red\n{target}", "rules")
    (named,), (option,) = rule.condition, other.targets
    assert (named.slot, named.option) == ("", label)
    assert (option.slot, option.option) == ("", label)

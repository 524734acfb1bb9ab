"""web/js/offers.js in a real page: what is offered at a caret, and what of the text it takes the place of."""

from __future__ import annotations

import pytest

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


@pytest.mark.parametrize("label", ["cat", "tench, Tinca tinca", "a=b", "crane: bird (big)"])
def test_a_class_that_is_offered_is_read_as_one(offered, label):
    known = {"slots": [], "labels": [label, 'no "quotes"']}
    (condition,) = [text for text in offered("inRules", label[:1], "", known) if label in text]
    (target,) = offered("inRules", "red: not ", "", {"slots": [{"name": "x", "options": [label]}], "labels": []})[1:]
    (rule, other) = parse_rules(f"{condition}: not red\n{target}", "rules")
    (named,), (option,) = rule.condition, other.targets
    assert (named.slot, named.option) == ("", label)
    assert (option.slot, option.option) == ("", label)

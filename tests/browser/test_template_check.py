"""web/js/template_check.js in a real page, beside the parser of the language: the same errors, word for word."""

from __future__ import annotations

import json
import random

import pytest

from hyponet.nodes.prompts.language.errors import TemplateError
from hyponet.nodes.prompts.language.parser import parse
from hyponet.tests.browser.pages import CHROMIUM, KOREAN_TEXTS, PAGE_TESTS
from hyponet.tests.nodes.prompts.grammar import Grammar, misplaced
from hyponet.tests.nodes.prompts.language.test_fuzz import TOKENS
from hyponet.tests.nodes.prompts.language.test_lookalikes import HOW, MISPLACED, TEXTS
from hyponet.tests.nodes.prompts.language.test_templates_page import DEALT, EXAMPLES, RULED, template_of
from hyponet.tests.tools.korean import english_lines
from hyponet.tools.workflows.editor import editor
from tools.dev.places import ROOT

pytestmark = PAGE_TESTS
SOURCE = "template of class prompt"  # as Dynamic Prompt calls it
CALL = """async ([texts, source]) => {
  const {read} = await import('/extensions/hyponet/js/template_check.js');
  return texts.map((text) => read(text, source).mistake);
}"""
IN_KOREAN = """async ([texts, errors]) => {
  const {said} = await import('/extensions/hyponet/js/patterns.js');
  return texts.map((text) => said(errors, text, (input, choice) => choice));
}"""
LANGUAGE = ROOT / "tests" / "nodes" / "prompts" / "language"
CASES = json.loads((LANGUAGE / "prompt_cases.json").read_text("utf-8"))["cases"]
# what Python and JavaScript count, compare or read otherwise when they are not made to: characters of two halves, the
# digits and the blanks of other scripts, what is a letter
STRANGE = [
    "\U0001f600" * 80 + "{",
    "\U0001f600\u0301 {a|b",
    "{\u0662$$a|b} {\uff12$$ {|c}",
    "__c/{\u0661$$a|b}__ __c/{\uff12$$a|b}__",
    "\uff15\uff10%::",
    "{\x1c2$$\x85a::|b}",
    "\ufeff# {",
    "\u3000# {",
    "a \u3000#\u00a0{",
    "__\uc0c9\uae54(\uc0c9=\ube68\uac15__",
    "${\u0301x}",
    "${\u00b2}",
    "\u00b2%{2$$a|b}",
    "x" * 90 + "\t{" + "y" * 90,
    " " * 199 + "# {",
    " " * 200 + "# {",
    "\n" + " " * 300 + "# {\n  {",
    "{" * 60,
    "{1000#__a__|{1001#__a__|b}}",
    "__" + "a" * 201 + "__",
    "__a{" + "|".join(map(str, range(40))) + "}{" + "|".join(map(str, range(40))) + "}__",
    "%{a {2$$b ...$$c}",
    "${x={a|b}}${y={c|__d/${x}__}}__e/${y}__ {",
    "${x=!__makers__}__cars/${x}__ {",
    "__cars/{__makers__}__ {",
]


class OfAList(Exception):
    """The parser has asked for the lines of a list, which the page has not got."""


def ask(name, offset):
    raise OfAList(name, offset)


def said_by_the_server(template):
    try:
        parse(template, SOURCE, lines_of=ask)
    except TemplateError as error:
        return str(error)
    except OfAList:
        return None
    return None


def generated():
    """500 templates: valid ones with up to three marks misplaced, and, one in five, marks at random."""
    for seed in range(500):
        rng = random.Random(seed)
        if seed % 5 == 0:
            yield "".join(rng.choice(TOKENS) for _ in range(rng.randint(1, 14)))
            continue
        template = Grammar(seed).template()
        for _ in range(rng.randint(0, 3)):
            template = misplaced(template, rng)
        yield template


def written():
    """Every template of the other tests of the language, and of its page."""
    for group in (MISPLACED, HOW, TEXTS):
        yield from (template for template, *_ in group)
    yield from (case["template"] for case in CASES)
    yield from map(template_of, [*EXAMPLES, *(text for _, text in DEALT), *RULED])
    yield from STRANGE


@pytest.fixture(scope="module")
def check(comfy):
    """The page's answers to some texts, all in one call."""
    with editor(comfy.url, CHROMIUM) as opened:
        yield lambda texts, call=CALL, given=SOURCE: opened.page.evaluate(call, [texts, given])


@pytest.mark.parametrize("texts", [generated, written])
def test_the_page_says_what_the_server_says(check, texts):
    templates = list(texts())
    expected = {template: said_by_the_server(template) for template in templates}
    assert dict(zip(templates, check(templates), strict=True)) == expected
    assert 0.2 < sum(error is not None for error in expected.values()) / len(expected) < 0.9


@pytest.mark.parametrize("texts", [generated, written])
def test_the_page_says_it_in_korean_where_it_is_korean(check, texts):
    """As locales/ko/main.json has it; what is of the template stays letter by letter."""
    mistakes = {said.partition("\n")[0]: text for text in texts() if (said := said_by_the_server(text))}
    assert len(mistakes) > 50
    korean = check(list(mistakes), IN_KOREAN, KOREAN_TEXTS["errors"])
    kept = ["a photo of", "a cat", *mistakes.values()]  # of examples
    where = "\ud074\ub798\uc2a4 prompt\uc758 \ud15c\ud50c\ub9bf, "  # as SOURCE is called
    assert [text for text in korean if not text.startswith(where) or "expected" in text] == []
    assert [text for text in korean if english_lines([("", [("P", text)])], kept)] == []

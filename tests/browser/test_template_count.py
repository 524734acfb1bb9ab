"""What the page says that a template gives (web/js/template_count.js and template_draw.js), beside the server's own."""

from __future__ import annotations

import re

import pytest

from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.plan import Plan, single_plan
from hyponet.nodes.prompts.wildcards.library import Library
from hyponet.nodes.prompts.wildcards.sizes import size_of
from hyponet.tests.browser.pages import CHROMIUM, PAGE_TESTS
from hyponet.tests.browser.test_template_check import generated, written
from hyponet.tests.nodes.prompts.grammar import LISTS, Grammar
from hyponet.tools.workflows.editor import editor

pytestmark = PAGE_TESTS
LINES = {
    **LISTS,
    "color": ["red", "2::green", "blue", "red", "0::black"],  # three
    "coat": ["${colour:grey} coat"],
    "needs": ["a ${colour} hat", "cap"],  # one of them where colour has no value
    "trees": ["oak", "{elm", "__shrubs__", "crane (bird)", "crane ({wild|tame} bird)", "(soft:1.2)"],
    "animals/pet": ["dog", "big __bird__"],
    "animals/bird": ["wren", "owl"],
    "cars/porsche": ["911"],
    "cars/deere": ["tractor", "harvester"],
    "my color": ["gold"],
    "ring": ["__ring__"],
}
MORE = [
    "__color__ {__color__|__size__} {2$$ and $$__color__} __needs__ ${colour=wet}__needs__",
    "{0-1$$a|b} {-$$a|b} {3-1$$a|b|c} {2$$__color__|__color__} {2$$, $$3#__color__} {a|a|0::b}",
    "__trees__, __pet__, __my-color__, __cars/*__, __CARS\\deere__, __deere__ __nest__",
    "${c=!{porsche|deere}}${c}: __cars/${c}__ {__class__|a} __hypernym__ __hyponym__",
    "${c={porsche|deere|deere}}__cars/${c}__ __cars/${c}__ %{a photo of ..., 8k$$a {red|blue} cat}",
    "${c=red}${c?=!{a|b}}${c} ${d?=!{a|b}}${d}",
    "__ring__",
    "__missing__",
    "${c} hat",
    "{|}",
    "a { } b {c| }",
]
WORDS = {"name": "kitty", "hypernym": "feline", "list": "breeds"}
HYPONYMS = ("Manx", "Korat")
CALL = """async ([templates, lines, sizes, words, draws]) => {
  const load = (name) => import(`/extensions/hyponet/js/${name}.js`);
  const [{read}, {Lists}] = [await load('template_check'), await load('template_lists')];
  const [{Resolver}, {draw}] = [await load('template_count'), await load('template_draw')];
  const texts = new Map(Object.entries(lines).map(([name, options]) => [name, options.join('\\n')]));
  const lists = new Lists(new Map(Object.entries(sizes)), texts);
  return templates.map((template) => {
    const {nodes} = read(template);
    const resolver = new Resolver(lists, words);
    const found = nodes && resolver.combinations(nodes);
    const drawn = Array.from({length: found ? draws : 0}, () => draw(nodes, resolver));
    return found && {count: String(found.count), exact: found.isExact, drawn};
  });
}"""
SIZES = {name: size_of(lines)._asdict() for name, lines in (*LINES.items(), ("breeds", HYPONYMS))}
READ = {**LINES, "breeds": list(HYPONYMS)}


def library():
    return Library(lists={name: (f"{name}.txt", lines) for name, lines in LINES.items()})


def alone(template):
    return single_plan(template, library(), coverage="combinatorial", seed=0)


def of_a_class(template):
    return Plan([ClassSpec("kitty", hypernym="feline", hyponyms=HYPONYMS)], template, library())


def templates():
    long = 20_000  # characters: the rest is about limits
    rows = [*generated(), *written(), *(Grammar(seed).template() for seed in range(1000, 1200)), *MORE]
    return [template for template in dict.fromkeys(rows) if len(template) < long]


def counted(plan_of, template):
    """The server's number; None where it refuses the template."""
    try:
        plan = plan_of(template)
        return plan.combinations(plan.labels[0])
    except ValueError:
        return None


@pytest.fixture(scope="module")
def ask(comfy):
    with editor(comfy.url, CHROMIUM) as opened:
        yield lambda *values, call=CALL: opened.page.evaluate(call, list(values))


@pytest.mark.parametrize(("plan_of", "words"), [(alone, None), (of_a_class, WORDS)], ids=["alone", "class"])
def test_the_page_counts_as_the_server_does(ask, plan_of, words):
    rows = templates()
    expected = {template: counted(plan_of, template) for template in rows}
    assert sum(count is not None for count in expected.values()) > 400
    known = dict(zip(rows, ask(rows, READ, SIZES, words, 0), strict=True))
    said = {template: int(found["count"]) if found else None for template, found in known.items()}
    assert said == expected
    unread = dict(zip(rows, ask(rows, {}, SIZES, words, 0), strict=True))  # their sizes alone
    for template, found in unread.items():
        if expected[template] is not None:
            assert found, template
            assert int(found["count"]) <= expected[template], template
            assert not found["exact"] or int(found["count"]) == expected[template], template
    assert sum(found["exact"] for found in unread.values() if found) > 300


def test_a_draw_is_one_of_the_server_s_prompts(ask):
    rows = [template for template in templates() if 0 < (counted(alone, template) or 0) <= 300]
    assert len(rows) > 400
    drawn = ask(rows, READ, SIZES, None, 30)
    stuck = 0
    for template, found in zip(rows, drawn, strict=True):
        plan = alone(template)
        prompts = {plan.item("prompt", rank).prompt for rank in range(plan.combinations("prompt"))}
        assert set(found["drawn"]) <= prompts, template
        stuck += len(prompts) > 2 and len(set(found["drawn"])) == 1
    assert stuck < len(rows) / 20  # weights and chance


def test_a_list_that_is_not_read_stays_as_its_name(ask):
    found = ask(["a {__color__} {2$$ and $$__trees__} cat"], {}, SIZES, None, 1)[0]
    assert found["drawn"] == ["a __color__ __trees__ and __trees__ cat"]


SLOTS = """async ([templates, lines, sizes]) => {
  const load = (name) => import(`/extensions/hyponet/js/${name}.js`);
  const [{slotsOf}, {known}, {Lists}] = [await load('slots'), await load('known_lists'), await load('template_lists')];
  const texts = new Map(Object.entries(lines).map(([name, options]) => [name, options.join('\\n')]));
  known.lists = new Lists(new Map(Object.entries(sizes)), texts);
  const node = (value) => ({comfyClass: 'HypoNetPlanDataset', widgets: [{name: 'template', value}], inputs: []});
  const slots = [];
  for (const template of templates) slots.push(await slotsOf(node(template)));
  return slots;
}"""


def slots(template):
    """Those that rules are about, and their options, as the server names them."""
    block = of_a_class(template).programs("kitty").block(distinct=True)
    for slot in block.slots():
        if slot.single:
            yield slot.name, set(slot.table.texts)


def test_the_page_names_slots_and_options_as_rules_do(ask):
    rows = [template for template in templates() if counted(of_a_class, template) is not None]
    for template, found in zip(rows, ask(rows, READ, SIZES, call=SLOTS), strict=True):
        expected = list(slots(template))
        assert [slot["name"] for slot in found] == [name for name, _ in expected], template
        for slot, (name, options) in zip(found, expected, strict=True):
            if not name.endswith("hyponym"):  # a plan's node does not know those of its classes
                plain = {option for option in options if option and not re.search(r"[{}$#_\\|]|::", option)}
                assert plain <= set(slot["options"]) <= options, template


def test_a_template_that_a_link_gives_has_no_slots_that_the_page_knows(ask):
    """The regression: those of the text that the widget still held were offered."""
    linked = SLOTS.replace("inputs: []", "inputs: [{name: 'template', link: 1}]")
    assert ask(["a {red|blue} cat"], READ, SIZES, call=SLOTS) != [[]]
    assert ask(["a {red|blue} cat"], READ, SIZES, call=linked) == [[]]

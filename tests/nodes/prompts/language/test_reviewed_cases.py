"""Cases of a review of what people write, each an example of a kind of fault: all prompts of a template, or its error.

The right answers are by hand. Where dynamicprompts 0.31, Impact Pack and Easy-Use read the files too, the prompts are
theirs; the errors are where these give the model a text that was meant as language, or disagree.
"""

from __future__ import annotations

import pytest

from hyponet.nodes.prompts.classes.make import classes_from_text
from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.plan import Plan
from hyponet.nodes.prompts.wildcards.library import Library

from ..prompt_fixtures import Made


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return Library([root])


BESIDE = "c:\n  ok: [a, b]\n  col:\n"

# name: files, template, all its prompts
PROMPTS = {
    "a comment at the head of a YAML block": (
        {"w.yaml": "pp:\n  comic:\n    - |\n      # how to use this\n      Retro comic artwork, ${figure:a hero}\n"},
        "a photo, __pp/comic__ end",
        ["a photo, Retro comic artwork, a hero end"],
    ),
    "a comment in the middle of one": (
        {"w.yaml": "pp:\n  two:\n    - |\n      first line # note\n      second line\n"},
        "__pp/two__",
        ["first line second line"],
    ),
    "keys beside it": ({"w.yaml": BESIDE + "    - red: dark\n    - blue\n"}, "__c/ok__", ["a", "b"]),
    "a choice without quotes beside it": ({"w.yaml": BESIDE + "    - {a|b}\n"}, "__c/ok__", ["a", "b"]),
    "one with a weight": ({"w.yaml": BESIDE + "    - {0.5::a|b}\n"}, "__c/ok__", ["a", "b"]),
    "a list beside it": ({"w.yaml": BESIDE + "    - [cat|dog]\n"}, "__c/ok__", ["a", "b"]),
    "a name two folders down": ({"f/g/y.txt": "p\nq\n"}, "__y__", ["p", "q"]),
    "a key alone": ({"w.yaml": "colours:\n  warm: [red, orange]\n"}, "__warm__", ["red", "orange"]),
    "a sibling before others": (
        {"f/x.txt": "__y__ x\n", "f/y.txt": "p\n", "g/y.txt": "z\n"},
        "__f/x__",
        ["p x"],
    ),
    "nested JSON": ({"w.json": '{"a": {"b": ["x", "y"]}}'}, "__a/b__", ["x", "y"]),
    "a } that closes nothing": ({}, "a } b", ["a } b"]),
    "a bad line": ({"l.txt": "one\n{two\nthree\n"}, "__l__", ["one", "three"]),
    "a drawn folder": ({"f/p.txt": "1\n", "f/q.txt": "2\n"}, "${c=!{p|q}}__f/${c}__ ${c}", ["1 p", "2 q"]),
    "braces in a name": ({"f/p.txt": "1\n", "f/q.txt": "2\n"}, "__f/{p|q}__", ["1", "2"]),
}


@pytest.mark.parametrize("name", PROMPTS)
def test_a_template_gives_these_prompts(tmp_path, name):
    files, template, expected = PROMPTS[name]
    library = write(tmp_path, files)
    assert [" ".join(prompt.split()) for prompt in Made(template, library).all()] == expected
    plan = Plan([ClassSpec("cat")], template, library, images_per_class=len(expected))
    assert {" ".join(plan.item("cat", rank).prompt.split()) for rank in range(len(expected))} == set(expected)


# files, template, what the error says; each names the place
REFUSED = [
    ({"f/y.txt": "p\n", "g/y.txt": "q\n"}, "__y__", "the name of several lists: f/y and g/y"),
    ({"c.txt": "x\n"}, "{1-2$$, glowing-__c__-$$a|b}", "column 17"),
    ({"c.txt": "x\n"}, "3#__c__", "column 1; expected it alone in an option, as in {2$$, $$3#__color__}"),
    ({}, "{50%::a|b}", "a weight 50%"),
    ({}, "{0,5::a|b}", "a weight 0,5"),
    ({}, "{0,5::a|b}", "with a point in a fraction"),
    ({}, "{-1::a|b}", "a weight -1"),
    ({}, "{a::2|b::1}", "column 3; expected it before an option"),
    ({}, "{|}", "an empty prompt for every image"),
]


@pytest.mark.parametrize(("files", "template", "message"), REFUSED)
def test_a_template_is_refused_with_its_place(tmp_path, files, template, message):
    with pytest.raises(ValueError, match="line 1, column") as caught:
        Plan([ClassSpec("cat")], template, write(tmp_path, files))
    assert message in str(caught.value)


def test_a_bad_line_is_named_with_its_number(tmp_path):
    plan = Plan(
        [ClassSpec("cat")],
        "__l__ __c/ok__ __c/col__",
        write(tmp_path, {"l.txt": "one\n{two\nthree\n", "w.yaml": BESIDE + "    - red: dark\n    - blue\n"}),
    )
    left_out = "\n".join(str(error) for error in plan.left_out())
    assert len(plan.left_out()) == 2
    assert "in l.txt, line 2" in left_out
    assert "in w.yaml, line 4" in left_out


def test_a_comma_within_braces_parts_no_hyponyms():
    (spec,) = classes_from_text("ship: {old, rusty|new} ship, ferry", Library())
    assert spec.hyponyms == ("{old, rusty|new} ship", "ferry")

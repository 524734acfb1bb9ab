from __future__ import annotations

import pytest

from hyponet.nodes.prompts.language.errors import SourceLocation, TemplateError
from hyponet.nodes.prompts.language.omit import without
from hyponet.nodes.prompts.language.parser import parse
from hyponet.nodes.prompts.language.syntax import to_text

LONG = "__view__ of a __color__ (__hyponym__:1.4) in __location__, 8k"


def left(template, *names):
    return to_text(without(parse(template), names, SourceLocation("template", template)))


@pytest.mark.parametrize(
    ("template", "names", "expected"),
    [
        (
            LONG,
            ["color"],
            "__view__ of a (__hyponym__:1.4) in __location__, 8k",
        ),
        (
            LONG,
            ["color", "location"],
            "__view__ of a (__hyponym__:1.4), 8k",
        ),
        ("__view__ of a __color__ car in __location__", ["view", "location"], "a __color__ car"),
        ("__a__, __b__, __c__", ["a"], "__b__, __c__"),
        ("__a__, __b__, __c__", ["b"], "__a__, __c__"),
        ("__a__, __b__, __c__", ["c"], "__a__, __b__"),
        ("a (__b__:1.2) car", ["b"], "a car"),
        ("photo (__a__, __b__:1.2)", ["a"], "photo (__b__:1.2)"),
        ("photo (__a__, __b__:1.2)", ["b"], "photo (__a__:1.2)"),
        ("a __thesis/color__ car", ["Color"], "a car"),
        ("{__a__ car|__b__}", ["a"], "{car|__b__}"),
        ("__a__ __b__ __a__ x", ["a"], "__b__ x"),
        ("a cat, __a__ __b__.", ["a", "b"], "a cat."),
        ("__class__ in the __place__ at night", ["place"], "__class__ at night"),
        ("__a__", ["a"], ""),
        ("a __b__", ["__b__"], "a"),
    ],
)
def test_the_rest_stays_grammatical(template, names, expected):
    assert left(template, *names) == expected


def test_a_slot_that_is_not_there_is_an_error_with_the_nearest():
    with pytest.raises(TemplateError, match=r"no slot colour to leave out.*color, view.*the nearest is color"):
        left("__view__ of a __color__ car", "colour")

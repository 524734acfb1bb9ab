from __future__ import annotations

import re
from itertools import permutations

import pytest

from hyponet.nodes.prompts.drawing.resolve import Words
from hyponet.nodes.prompts.language.counting import selections, symmetric
from hyponet.nodes.prompts.language.errors import TemplateError

from ..prompt_fixtures import Made


@pytest.mark.parametrize(
    ("template", "lists", "message"),
    [
        (
            "a __colr__ car",
            {"color": ["red"]},
            r"no wildcard named colr in template, line 1, column 3.*the nearest is color",
        ),
        ("__a__", {"a": ["y __b__ z"], "b": ["__c__"]}, r"no option that can be used in a.txt.*no option .* in b.txt"),
        ("__b__", {"b": ["__c__"]}, r"no option that can be used in b.txt.*no wildcard named c in b.txt, line 1"),
        (
            "__a__",
            {"a": ["x __b__"], "b": ["y", "{__a__|z}"]},
            r"wildcard __a__ runs in a circle in b.txt, line 2.*a -> b -> a",
        ),
        ("__a__", {"a": ["__a__"]}, r"runs in a circle"),
        ("__a__", {"a": []}, r"no option in a.txt"),
        ("__a__", {"a": ["0::x"]}, r"weight 0 of every option"),
        ("{0::a|0::b}", {}, r"a choice whose options all have weight 0"),
        ("${x}", {}, r"variable \$\{x\} without a value"),
        ("${name=a} ${nam}", {}, r"without a value.*the nearest is name"),
        ("__a__", {"a": ["x {b"]}, r"a \{ that is not closed in a.txt, line 1, column 3"),
        ("${s={a|b}}__${s}_c__", {"a_c": ["x"]}, r"no wildcard named b_c"),
    ],
)
def test_what_cannot_be_used_is_said_before_any_prompt(template, lists, message):
    with pytest.raises(TemplateError) as caught:
        Made(template, lists)
    assert re.search(message, str(caught.value), re.S), caught.value


def chain(length, line):
    """Files that each lead to the next, the last one plain."""
    return {f"w{n}": [line.format(n + 1)] for n in range(length)} | {f"w{length}": ["x"]}


DOUBLED = "".join(f"${{a{n}=${{a{n - 1}}}${{a{n - 1}}}}}" for n in range(1, 31))
GROWING = [
    ("__a__", {"a": ["__b__ __b__"], "b": ["{c|d}" * 15_000]}),
    ("${a0=" + "x" * 1000 + "}" + DOUBLED + "${a30}", {}),
    ("__w0__", chain(40, "__w{0}__ __w{0}__")),
    ("__w0__", chain(100, "__w{0}__")),
]


@pytest.mark.parametrize(("template", "lists"), GROWING)
def test_templates_that_grow_without_end_are_refused_at_once(template, lists):
    with pytest.raises(TemplateError, match="expected at most"):
        Made(template, lists)


def test_doubling_files_are_counted_without_being_made():
    """Each of 12 files doubles: 2^12 leaves of 3 options, so 3^4096 picks."""
    lists = {f"w{n}": [f"__w{n + 1}__ __w{n + 1}__"] for n in range(12)} | {"w12": ["a", "b", "c"]}
    made = Made("__w0__", lists)
    assert made.count == 3**4096
    assert made.prompt(0).split() == ["a"] * 4096
    assert made.prompt(made.count - 1).split() == ["c"] * 4096


@pytest.mark.parametrize(
    "template", ["{a|b|c} {d|e}", "{2$$a|{b|c}|d}", "{0-2$$a|b {x|y}|c}", "{a|{b|{c|d}}|__w__}", "{2-$$__w__}"]
)
def test_every_combination_comes_once(template):
    made = Made(template, {"w": ["p", "{q|r}", "s"]})
    picks = [tuple(made.picks(number)) + (made.prompt(number),) for number in range(made.count)]
    assert len(set(picks)) == made.count


def test_a_variable_that_is_kept_draws_nothing_and_counts_nothing():
    """Each prompt came as often as the value that was left aside has options."""
    assert Made("${c=red}${c?=!{a|b}}${c} {hat|shoe}").all() == ["red hat", "red shoe"]


def test_astronomical_counts_have_direct_access():
    lists = {"w": [f"option {number}" for number in range(1000)]}
    template = " ".join(["__w__"] * 200)
    made = Made(template, lists)
    assert made.count == 1000**200
    number = sum((index % 1000) * 1000 ** (199 - index) for index in range(200))
    assert made.prompt(number) == " ".join(f"option {index % 1000}" for index in range(200))


def test_selections_match_an_enumeration():
    counts = [2, 1, 3, 1]
    for size in range(5):
        whole = 0
        for order in permutations(range(4), size):
            product = 1
            for index in order:
                product *= counts[index]
            whole += product
        assert selections(counts, 4, size) == whole
    assert symmetric([1, 2, 3], 3) == [1, 6, 11, 6]  # (1 + x)(1 + 2x)(1 + 3x)


def test_reserved_names_are_the_class_and_not_files():
    words = Words("cat", "", ("Manx", "Korat"))
    made = Made("a __hyponym__, a kind of __class__ (__hypernym__)", {"class": ["wrong"]}, words=words)
    assert made.all() == ["a Manx, a kind of cat (cat)", "a Korat, a kind of cat (cat)"]
    assert made.picks(0)[0].source == "hyponyms"


def test_a_class_without_hyponyms_is_its_own_hyponym():
    assert Made("a __hyponym__", words=Words("cat", "", ())).all() == ["a cat"]


def test_variables_reach_into_files_and_arguments_win():
    lists = {"coat": ["${colour:grey} coat"]}
    assert Made("__coat__", lists).all() == ["grey coat"]
    assert Made("${colour=red}__coat__", lists).all() == ["red coat"]
    assert Made("${colour=red}__coat(colour={blue|green})__ __coat__", lists).all() == [
        "blue coat red coat",
        "green coat red coat",
    ]
    assert Made("${s=winter}__${s}_x__", {"winter_x": ["snow"]}).all() == ["snow"]


def test_an_immediate_variable_is_drawn_once_and_a_lazy_one_at_each_use():
    assert Made("${x=!{a|b}}${x}${x}").all() == ["aa", "bb"]
    assert Made("${x={a|b}}${x}${x}").all() == ["aa", "ab", "ba", "bb"]
    assert Made("${x=a}${x?=b}${x}").all() == ["a"]


def test_picks_say_slot_option_and_file():
    made = Made("__col__ {x|__col__} ${v=__col__}${v}", {"col": ["red", "{dark|light} blue"]}, "balanced")
    names = {pick.slot for number in range(60) for pick in made.picks(number)}
    assert names >= {"col", "choice 1", "col 2", "${v}: col 3", "col[2] choice 1"}
    seen = {(pick.option, pick.source) for number in range(60) for pick in made.picks(number) if pick.slot == "col"}
    assert seen == {("red", "col.txt"), ("{dark|light} blue", "col.txt")}

"""What people's wildcard files hold, and the options that must come of it.

Inputs and answers are by hand; where a peer reads the file as well (dynamicprompts, Impact Pack, Easy-Use), its answer
is the same.
"""

from __future__ import annotations

import pytest

from hyponet.nodes.prompts.item import ClassSpec
from hyponet.nodes.prompts.language.errors import TemplateError
from hyponet.nodes.prompts.language.parser import parse
from hyponet.nodes.prompts.language.syntax import to_text
from hyponet.nodes.prompts.plan import Plan
from hyponet.nodes.prompts.wildcards.library import Library

from ..prompt_fixtures import Made


def write(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Library([root])


def options_of(made):
    return [" ".join(prompt.split()) for prompt in made.all()]


COMMENTS = [
    ("|\n  # how to use this\n  Retro comic, ${figure:a hero}", "Retro comic, a hero"),
    ("|\n  first line # note\n  second line", "first line second line"),
    (">\n  # how to use this\n  folded\n  text # note\n  more", "folded text more"),
    ("|-\n  a {red # warm\n  } car", "a red car"),
    ("|\n  C# and #1 \\# x", "C# and #1 # x"),
    ('"quoted # note"', "quoted"),
]


@pytest.mark.parametrize(("scalar", "expected"), COMMENTS)
def test_a_comment_in_yaml_ends_with_its_line(tmp_path, scalar, expected):
    library = write(tmp_path, {"w.yaml": "pp:\n  one:\n    - " + scalar.replace("\n", "\n    ") + "\n"})
    assert options_of(Made("__pp/one__", library)) == [expected]


ITEMS = [
    ("- red: dark", 4, "an item that YAML reads as keys"),
    ("- {a|b}", 4, "an item that YAML reads as keys"),
    ("- {0.5::a|b}", 4, "an item that YAML reads as keys"),
    ("- [cat|dog]", 4, "an item that YAML reads as a list"),
    ("- |\n      # only a comment", 4, "an option that is a comment only"),
    ("- @home", 4, "a line that is no YAML"),
    ("- %x", 4, "a line that is no YAML"),
    ("- [open", 4, "a line that is no YAML"),
    ("- *nobody", 4, "a line that is no YAML"),
    ("- {text: {a: b}}", 4, "an item that YAML reads as keys"),
    ("- {text: x, weight: 5%}", 4, "a weight 5%"),
    ("- '{two'", 4, "a { that is not closed"),
    ("- '{|}'", 4, "an option that gives nothing"),
    ("- __nobody__", 4, "no wildcard named nobody"),
]


@pytest.mark.parametrize(("item", "line", "reason"), ITEMS)
def test_a_faulty_item_costs_itself_and_is_said(tmp_path, item, line, reason):
    text = f"c:\n  ok: [a, b]\n  col:\n    {item}\n    - blue\n  last: [z]\n"
    library = write(tmp_path, {"w.yaml": text})
    plan = Plan([ClassSpec("cat")], "__c/ok__ __c/col__ __c/last__ __class__", library, images_per_class=4)
    assert {plan.item("cat", rank).prompt for rank in range(4)} == {"a blue z cat", "b blue z cat"}
    assert [f"in w.yaml, line {line}" in str(error) and reason in str(error) for error in plan.left_out()] == [True]
    again = Plan.from_json(plan.to_json())
    assert [again.item("cat", rank) for rank in range(4)] == [plan.item("cat", rank) for rank in range(4)]


LINES = [
    "{two",
    "snake__case",
    "${x",
    "50%::two",
    "3#__ok__ x",
    "__nobody__",
    "__w__ {",
    "{}",
    "2::",
    b"\x81n",  # no letter in any encoding
    b"a\0b",
]


@pytest.mark.parametrize("line", LINES)
def test_a_bad_line_of_a_text_file_costs_itself(tmp_path, line):
    data = b"one\n# note\n" + (line.encode() if isinstance(line, str) else line) + b"\n\nthree\n"
    made = Made("__l__", write(tmp_path, {"l.txt": data, "ok.txt": "x"}))
    assert options_of(made) == ["one", "three"]
    assert ["l.txt, line 3" in str(error) for error in made.left_out()] == [True]


ENCODINGS = [
    ("cp949", ["\uac1c", "\uace0\uc591\uc774 two", "plain"], "CP949"),
    ("cp949", ["\ud30c\ub780 \ubc14\ub2e4"], "CP949"),
    ("cp1252", ["caf\xe9", "na\xefve", "gr\xfcn \u2013 gr\xf6\xdfer"], "Windows-1252"),
    ("latin-1", ["se\xf1or", "d\xe9j\xe0 vu"], "Windows-1252"),
    ("utf-8", ["caf\xe9", "\uac1c"], ""),
    ("utf-8-sig", ["caf\xe9", "\uac1c"], ""),
]


@pytest.mark.parametrize(("encoding", "lines", "told"), ENCODINGS)
def test_an_older_encoding_is_read_and_said(tmp_path, encoding, lines, told):
    made = Made("__l__", write(tmp_path, {"l.txt": "\n".join(lines).encode(encoding)}))
    assert options_of(made) == lines
    assert [f"read as {told}, in l.txt, line 1" in str(error) for error in made.left_out()] == [True] * bool(told)


def test_a_damaged_utf8_file_is_not_taken_for_another_encoding(tmp_path):
    made = Made("__l__", write(tmp_path, {"l.txt": "caf\xe9\nok\n".encode() + b"na\xefve\n"}))
    assert options_of(made) == ["caf\xe9", "ok"]
    assert ["l.txt, line 3" in str(error) for error in made.left_out()] == [True]


def test_a_list_of_which_nothing_is_left_is_an_error_that_says_why(tmp_path):
    library = write(tmp_path, {"l.txt": "{two\n", "m.txt": "__l__\nx"})
    with pytest.raises(TemplateError, match=r"no option that can be used in l\.txt.*a \{ that is not closed in l\.txt"):
        Made("__l__", library)
    assert options_of(Made("__m__", library)) == ["x"]


@pytest.mark.parametrize(
    "template", ["{two", "snake__case", "__nobody__", "{a|{|}}", "{|}", "{}", "{ | }", "${x=a}", "# note", "{a|${x=b}}"]
)
def test_the_template_itself_stays_strict(template):
    with pytest.raises(ValueError, match=r"column|empty|nothing"):
        Plan([ClassSpec("cat")], template, Library())


def test_an_option_of_nothing_may_be_written():
    plan = Plan([ClassSpec("cat")], "a {red |}cat", Library(), images_per_class=2)
    assert {plan.item("cat", rank).prompt for rank in range(2)} == {"a red cat", "a cat"}


NAMES = [
    ({"f/g/y.txt": "p\nq\n"}, "__y__", ["p", "q"]),
    ({"f/g/y.txt": "p"}, "__g/y__", ["p"]),
    ({"f/g/y.txt": "p"}, "__G/Y__", ["p"]),
    ({"w.yaml": "colours:\n  warm: [red, orange]\n"}, "__warm__", ["red", "orange"]),
    ({"sub/w.yaml": "colours:\n  warm: [red]\n"}, "__w/colours/warm__", ["red"]),
    ({"f/x.txt": "__y__ x\n", "f/y.txt": "p\n", "g/y.txt": "z\n"}, "__f/x__", ["p x"]),
    ({"f/x.txt": "__y__ x\n", "f/y.txt": "p\n", "g/y.txt": "z\n"}, "__x__", ["p x"]),
    ({"w.yaml": "f:\n  x: [__y__ x]\n  y: [p]\ng:\n  y: [z]\n"}, "__x__", ["p x"]),
    ({"f/y.txt": "p", "y.txt": "q"}, "__y__", ["q"]),
    ({"f/yes.txt": "p", "g/yet.txt": "q"}, "__ye*__", ["p", "q"]),
    ({"f/my color.txt": "p"}, "__my-color__", ["p"]),
    ({"f/col (warm).txt": "p"}, "__f/col-warm__", ["p"]),
    ({"f/[intro].txt": "p", "f/i.txt": "q"}, "__f/[intro]__", ["p"]),
    ({"a__b.txt": "p"}, "__a-b__", ["p"]),
    ({"f/y.txt": "p"}, r"__f\y__", ["p"]),
    ({"w.json": '{"a": {"b": ["x", "y"]}}'}, "__a/b__", ["x", "y"]),
    ({"w.json": '{\n\t"b": ["x \\ud83d\\ude00 \\"y\\"", 5, null]\n}'}, "__b__", ['x \U0001f600 "y"', "5"]),
    ({"w.json": '["x", "y"]'}, "__w__", ["x", "y"]),
    ({"w.yaml": "c: [a]\nd: [x]\nc: [b]\n"}, "__c__", ["b"]),
    ({"w.yaml": "c: [a]\n---\nd: [b]\n"}, "__c__ __d__", ["a b"]),
]


@pytest.mark.parametrize(("files", "template", "expected"), NAMES)
def test_a_name_finds_its_list(tmp_path, files, template, expected):
    library = write(tmp_path, files)
    assert options_of(Made(template, library)) == expected
    plan = Plan([ClassSpec("cat")], template, library, images_per_class=len(expected))
    again = Plan.from_json(plan.to_json())
    assert [again.item("cat", rank) for rank in range(4)] == [plan.item("cat", rank) for rank in range(4)]


def test_a_name_of_several_lists_is_an_error_that_lists_them(tmp_path):
    library = write(tmp_path, {"f/y.txt": "p", "g/y.txt": "q", "h/x.txt": "__y__\nr"})
    with pytest.raises(TemplateError, match=r"lists: f/y and g/y, in template, line 1, column 3; write the folder too"):
        Made("a __y__", library)
    plan = Plan([ClassSpec("cat")], "__x__ __f/y__", library)
    assert plan.item("cat", 0).prompt == "r p"
    assert Plan.from_json(plan.to_json()).item("cat", 0) == plan.item("cat", 0)


def test_the_nearest_name_is_found_by_its_last_part(tmp_path):
    library = write(tmp_path, {"artists/northern/dutch/diebruecke.txt": "p"})
    with pytest.raises(TemplateError, match="the nearest is artists/northern/dutch/diebruecke"):
        Made("__diebrucke__", library)


def test_keys_that_stand_twice_are_said(tmp_path):
    plan = Plan([ClassSpec("cat")], "__c__", write(tmp_path, {"w.yaml": "c: [a]\nd: [x]\nc: [b]\n"}))
    assert "a key c that stands twice in w.yaml, line 1" in str(plan.left_out()[0])
    assert "line 3" in str(plan.left_out()[0])


def test_a_missing_name_is_told_which_file_hides_it(tmp_path):
    library = write(tmp_path, {"w.yaml": "\n".join(["c: *nobody"] * 40), "a.yaml": "b: *nobody"})
    with pytest.raises(TemplateError, match=r"not read: a line that is no YAML .* in w\.yaml, line 1"):
        Made("__w/c__", library)


PATHS = [
    ("${c=!{p|q}}__f/${c}__ ${c}", ["1 p", "2 q"]),
    ("__f/{p|q}__", ["1", "2"]),
    ("__{f|g}/{p|q}__", ["1", "2", "3", "4"]),
    ("${c=!{p|q}}${d=!{f|g}}__${d}/${c}__ ${d}${c}", ["1 fp", "3 gp", "2 fq", "4 gq"]),
    ("x {a ${c=!{p|q}}__f/${c}__|b}", ["x a 1", "x a 2", "x b"]),
    ("__h__ y", ["1 p y", "2 q y"]),
    ("${c=!__l__}__f/${c}__ ${c}", ["1 p", "2 q"]),
    ("__f/{__l__}__", ["1", "2"]),
    ("__{__m__}/{__l__}__", ["1", "2", "3", "4"]),
    ("${c={p|q}}__f/${c}__", ["1", "2"]),
    ("${c=__l__}{__f/${c}__|x} __g/${c}__", ["1 3", "1 4", "2 3", "2 4", "x 3", "x 4"]),
    ("${c={p|q}}__f/${c}__ ${c=p}__g/${c}__", ["1 3", "2 3"]),
    ("__lines__ y", ["1 p y", "2 q y"]),
]


@pytest.mark.parametrize(("template", "expected"), PATHS)
def test_a_drawn_name_of_a_list(tmp_path, template, expected):
    files = {"f/p.txt": "1", "f/q.txt": "2", "g/p.txt": "3", "g/q.txt": "4", "h.txt": "${c=!{p|q}}__f/${c}__ ${c}"}
    files |= {"l.txt": "p\nq", "m.txt": "f\n# note\ng", "lines.txt": "${c=!__l__}__f/${c}__ ${c}"}
    library = write(tmp_path, files)
    assert options_of(Made(template, library)) == expected
    for coverage in ("balanced", "random"):
        made = Made(template, library, coverage)
        prompts = [" ".join(made.prompt(number).split()) for number in range(200)]
        assert set(prompts) == set(expected)
        assert coverage == "random" or max(map(prompts.count, expected)) <= 101
        plan = Plan([ClassSpec("cat")], template, library, coverage=coverage, images_per_class=50)
        again = Plan.from_json(plan.to_json())
        assert [again.item("cat", rank) for rank in range(20)] == [plan.item("cat", rank) for rank in range(20)]


def test_what_cannot_stand_in_a_name_is_said(tmp_path):
    library = write(tmp_path, {"l.txt": "p\n{q|r}", "n.txt": "p\nx", "f/p.txt": "1"})
    for template, message in (
        ("__f/{__l__}__", "a choice in the name of a wildcard"),
        ("${c=!__l__}__f/${c}__", "expected a variable that is plain text"),
        ("__f/{__n__}__", "no wildcard named f/x"),
        ("__f/{__nobody__}__", "no wildcard named nobody"),
    ):
        with pytest.raises(TemplateError, match=message):
            Made(template, library)


def test_weights_of_a_drawn_name_are_kept(tmp_path):
    library = write(tmp_path, {"f/p.txt": "1\n3", "f/q.txt": "2"})
    made = Made("${c=!{3::p|q}}__f/${c}__ __f/{3::p|q}__", library, "balanced")
    prompts = [made.prompt(number) for number in range(64)]
    assert [sum(prompt[0] == digit for prompt in prompts) for digit in "132"] == [24, 24, 16]
    assert sum(prompt[2] == "2" for prompt in prompts) == 16
    assert {pick.option for pick in made.picks(0)} <= {"p", "q", "f/p", "f/q", "1", "2", "3"}


def test_a_line_that_needs_a_variable_costs_itself_where_there_is_none(tmp_path):
    library = write(
        tmp_path, {"v.txt": "a ${c} b\nplain\n${d:e} f\n${c=g}${c} h\n__f/${c}__", "f/k.txt": "1", "x.txt": "${c}\n"}
    )
    made = Made("__v__", library)
    assert options_of(made) == ["plain", "e f", "g h"]
    assert ["v.txt, line" in str(error) and "${c}" in str(error) for error in made.left_out()] == [True, True]
    assert options_of(Made("${c=k}__v__", library)) == ["a k b", "plain", "e f", "g h", "1"]
    assert options_of(Made("__v(c=k)__", library)) == ["a k b", "plain", "e f", "g h", "1"]
    plan = Plan([ClassSpec("cat")], "__v__ {${c=k}__v__|z} __class__", library, images_per_class=30)
    again = Plan.from_json(plan.to_json())
    assert [again.item("cat", rank) for rank in range(30)] == [plan.item("cat", rank) for rank in range(30)]
    assert len(plan.left_out()) == 2
    with pytest.raises(TemplateError, match=r"no option that can be used in x\.txt.*without a value in x\.txt, line 1"):
        Made("__x__", library)
    with pytest.raises(TemplateError, match=r"variable .*c.* without a value in template"):
        Made("${c}", library)


# as dynamicprompts 0.31 has it (its tests of wrap commands)
WRAPS = [
    ("%{a photo of ..., 8k$$a cat}", ["a photo of a cat, 8k"]),
    ("%{a photo of \u2026$$a {red|blue} cat} here", ["a photo of a red cat here", "a photo of a blue cat here"]),
    ("%{__w__$$x}", ["p x q", "r x"]),
    ("%{__w__$$%{<...>$${x|y}}}", ["p <x> q", "p <y> q", "r <x>", "r <y>"]),
    ("%{before $$x}", ["before x"]),
    ("100%{...$$a|b}", ["100a|b"]),
    ("100 %{a|a}", ["100 %a"]),
    ("__s__", ["p x q", "r x"]),
]


@pytest.mark.parametrize(("template", "expected"), WRAPS)
def test_a_text_is_wrapped_at_the_dots_of_another(tmp_path, template, expected):
    library = write(tmp_path, {"w.txt": "p ... q\nr ...", "s.txt": "%{__w__$$x}"})
    made = Made(template, library)
    assert options_of(made) == expected
    assert parse(to_text(made.tree)) == made.tree
    plan = Plan([ClassSpec("cat")], template, library, images_per_class=12)
    assert {" ".join(plan.item("cat", rank).prompt.split()) for rank in range(12)} == set(expected)


@pytest.mark.parametrize("template", ["%{$$x}", "%{a$$}", "%{a ... $$x", "%{a ... $$x$$y}"])
def test_a_wrap_of_nothing_is_an_error_with_its_place(template):
    with pytest.raises(TemplateError, match="line 1, column"):
        parse(template)

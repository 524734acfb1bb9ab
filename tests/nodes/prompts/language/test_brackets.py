from __future__ import annotations

import ast
import importlib.util
import os
from pathlib import Path

import pytest

from hyponet.nodes.prompts.drawing.resolve import Words
from hyponet.nodes.prompts.language.brackets import ends_in_number, escape, weight_at

from ..prompt_fixtures import Made


def comfy_weights(folder):
    """ComfyUI's own reading of a prompt: its four functions, taken out of its source (the module needs a device)."""
    source = Path(os.environ["HYPONET_COMFYUI"], "comfy", "sd1_clip.py").read_text("utf-8")
    wanted = {"parse_parentheses", "token_weights", "escape_important", "unescape_important"}
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in wanted]
    copy = folder / "comfy_weights.py"
    copy.write_text(ast.unparse(tree), "utf-8")
    spec = importlib.util.spec_from_file_location("comfy_weights", copy)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return lambda text: [
        (found.unescape_important(part), weight)
        for part, weight in found.token_weights(found.escape_important(text), 1.0)
    ]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return comfy_weights(tmp_path_factory.mktemp("weights"))


def hyponyms(*words):
    return Words("bird", "vertebrate", words)


@pytest.mark.comfyui
@pytest.mark.parametrize("word", ["crane (bird)", "a) b", "a (b", "(a) (b)", "((a))", ":) smile (:", "ratio 16:9 (x)"])
def test_a_hyponym_stands_as_a_word_with_the_weight_of_its_place(weights, word):
    prompt = Made("a (__hyponym__:1.4) here", words=hyponyms(word)).prompt(0)
    assert weights(prompt) == [("a ", 1.0), (word, 1.4), (" here", 1.0)]


@pytest.mark.comfyui
@pytest.mark.parametrize("template", ["(__hyponym__)", "((__hyponym__))", "((__hyponym__):1.3)", "(a {__hyponym__} )"])
def test_a_colon_does_not_become_a_weight(weights, template):
    plain = weights(Made(template, words=hyponyms("ratio")).prompt(0))
    colon = weights(Made(template, words=hyponyms("ratio 16:9")).prompt(0))
    assert [weight for _, weight in colon] == pytest.approx([weight for _, weight in plain])
    assert "ratio 16:9" in "".join(text for text, _ in colon)


@pytest.mark.comfyui
def test_a_weight_in_a_file_stays_one(weights):
    lists = {"w": ["(red:1.2)", "(masterpiece)", "soft, (fog)", "crane (bird)"]}
    prompts = Made("__w__ x", lists).all()
    assert [weights(prompt)[0] for prompt in prompts] == [
        ("red", 1.2),
        ("masterpiece", 1.1),
        ("soft, ", 1.0),
        ("crane (bird) x", 1.0),
    ]


@pytest.mark.comfyui
def test_a_choice_inside_an_option_keeps_the_brackets_around_it(weights):
    prompts = Made("__w__", {"w": ["({red|blue}:1.2) car", "a {red|blue} (car)"]}).all()
    assert prompts == ["(red:1.2) car", "(blue:1.2) car", r"a red \(car\)", r"a blue \(car\)"]


def test_what_the_template_itself_says_is_left_alone():
    assert Made("{(a)|b (c)} (d:1.2)").all() == ["(a) (d:1.2)", "b (c) (d:1.2)"]


@pytest.mark.parametrize(
    ("text", "ends"), [("16:9", True), ("a:nan", True), ("a: 1e5", True), (":9", False), ("a", False)]
)
def test_what_ends_as_a_number_for_python(text, ends):
    assert ends_in_number(text) is ends


@pytest.mark.comfyui
@pytest.mark.parametrize("text", ["(a (b) c:1.3) d", "((x):0.5)", "x (y)", "((a (b)))", r"\(a\) (b)"])
def test_weights_are_read_as_comfyui_reads_them(weights, text):
    for part, weight in weights(text):
        letter = next(char for char in part if char.isalpha())
        assert weight_at(text, text.index(letter)) == pytest.approx(weight)


def test_escaping_twice_changes_nothing():
    for text in ["crane (bird)", "a (b", "(x:1.2) y (z)"]:
        once = escape(text, emphasis=False)
        assert escape(once, emphasis=False) == once

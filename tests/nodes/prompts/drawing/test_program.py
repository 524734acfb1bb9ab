from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction
from itertools import permutations

import pytest
from scipy.stats import chi2

from hyponet.nodes.prompts.drawing.keyed_random import Stream
from hyponet.nodes.prompts.language.parser import parse
from hyponet.nodes.prompts.language.syntax import Choice, Text

from ..prompt_fixtures import Made

TEMPLATES = 50
DRAWS = 3000


def distribution(nodes) -> dict[str, Fraction]:
    """The exact distribution of algorithm 3-1 over a tree of texts and choices, by going through every case."""
    found = {"": Fraction(1)}
    for node in nodes:
        more = {node.value: Fraction(1)} if isinstance(node, Text) else of_choice(node)
        joined: dict[str, Fraction] = {}
        for before, share in found.items():
            for text, part in more.items():
                joined[before + text] = joined.get(before + text, Fraction(0)) + share * part
        found = joined
    return found


def of_choice(node: Choice) -> dict[str, Fraction]:
    high = min(len(node.options), len(node.options) if node.high is None else node.high)
    low = min(node.low, high)
    weights = [Fraction(1) if option.weight is None else option.weight for option in node.options]
    found: dict[str, Fraction] = {}
    for size in range(low, high + 1):
        for order in permutations(range(len(weights)), size):
            share, left = Fraction(1, high - low + 1), sum(weights)
            for index in order:
                share, left = share * weights[index] / left, left - weights[index]
            texts = {"": share}
            for place, index in enumerate(order):
                inner = distribution(node.options[index].body)
                separator = node.separator if place else ""
                texts = {a + separator + b: p * q for a, p in texts.items() for b, q in inner.items()}
            for text, part in texts.items():
                found[text] = found.get(text, Fraction(0)) + part
    return found


def random_template(seed: int) -> str:
    rng = random.Random(seed)
    fresh = iter(range(1000))

    def choice(depth: int) -> str:
        options = []
        for _ in range(rng.randint(2, 4)):
            body = choice(depth + 1) if depth < 1 and rng.random() < 0.3 else f"o{next(fresh)}"
            options.append(rng.choice(["", "", "2::", "0.3::"]) + body)
        return "{" + rng.choice(["", "", "2$$", "1-2$$"]) + "|".join(options) + "}"

    return " ".join(choice(0) for _ in range(rng.randint(1, 2)))


def p_value(counts: Counter, expected: dict[str, float]) -> float:
    """Chi-square of counts, cells merged until each expects 5 or more."""
    total = sum(counts.values())
    cells, seen, due = [], 0, 0.0
    for outcome, share in sorted(expected.items(), key=lambda pair: pair[1]):
        seen, due = seen + counts[outcome], due + share * total
        if due >= 5:
            cells.append((seen, due))
            seen, due = 0, 0.0
    if due and cells:
        cells[-1] = (cells[-1][0] + seen, cells[-1][1] + due)
    if len(cells) < 2:
        return 0.5
    return float(chi2.sf(sum((seen - due) ** 2 / due for seen, due in cells), len(cells) - 1))


def is_random(p: float) -> bool:
    """Neither too far from the distribution (Bonferroni over the tests) nor suspiciously close to it (a deck)."""
    return 0.001 / (2 * TEMPLATES) < p <= 1 - 1e-3 / TEMPLATES


@pytest.mark.parametrize("seed", range(TEMPLATES))
def test_random_draws_follow_the_exact_distribution_in_any_order(seed):
    template = random_template(seed)
    expected = {text: float(share) for text, share in distribution(parse(template)).items()}
    made = Made(template, coverage="random", key=f"chi {seed}")
    prompts = [made.prompt(number) for number in range(DRAWS)]
    assert set(prompts) <= set(expected)
    assert is_random(p_value(Counter(prompts), expected))
    first = next(iter(expected))
    groups = ["first" if text == first else "second" if hash_of(text) else "third" for text in prompts]
    shares = Counter()
    for text, share in expected.items():
        shares["first" if text == first else "second" if hash_of(text) else "third"] += share
    both = {(a, b): p * q for a, p in shares.items() for b, q in shares.items()}
    assert is_random(p_value(Counter(zip(groups[::2], groups[1::2], strict=True)), both))


def hash_of(text: str) -> bool:
    return sum(map(ord, text)) % 2 == 0


def test_the_same_test_catches_a_deck():
    made = Made("{a|b|c|d|e|f}", coverage="balanced")
    counts = Counter(made.prompt(number) for number in range(DRAWS))
    assert not is_random(p_value(counts, dict.fromkeys("abcdef", 1 / 6)))


def test_duplicates_count_in_random_as_the_thesis_printed_them_and_once_elsewhere():
    lists = {"ship": ["Galleon", "Galleon", "Yacht"]}
    shares = Counter(Made("__ship__", lists, "random").prompt(number) for number in range(3000))
    assert shares["Galleon"] / 3000 == pytest.approx(2 / 3, abs=0.04)
    shares = Counter(Made("__ship__", lists, "balanced").prompt(number) for number in range(3000))
    assert shares["Galleon"] == shares["Yacht"]
    assert Made("__ship__", lists).count == 2


@pytest.mark.parametrize("size", [1, 2, 3, 7, 2**33, 10**30])
def test_the_stream_stays_below(size):
    stream = Stream("key")
    drawn = [stream.below(size) for _ in range(2000)]
    assert min(drawn) >= 0
    assert max(drawn) < size
    if size > 2:
        assert sum(drawn) / len(drawn) / size == pytest.approx(0.5 - 0.5 / size, abs=0.05)

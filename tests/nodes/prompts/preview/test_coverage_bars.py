"""What balanced coverage promises, measured over whole plans."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from ..prompt_fixtures import CLASSES, Made, thesis_lists, thesis_template, thesis_words

SEEDS = 20


def indices(made, count, slots):
    """Picked option numbers [slot][image] of the first `count` prompts."""
    rows = {name: [] for name in slots}
    for number in range(count):
        for pick in made.picks(number):
            rows[pick.slot].append(pick.option)
    return rows


@pytest.mark.parametrize(
    "template",
    [
        "{a|b|c} {d|e|f|g|h} __w__",
        "{a|b {c|d|e}|f} x",
        "__nest__ {1|2}",
        "${x=!{a|b|c}}${x} ${x} {d|e}",
        "${x={a|b|c}}${x} ${x}",
    ],
)
def test_any_prefix_is_balanced_and_nested_slots_over_their_own_visits(template):
    lists = {"w": [f"w{n}" for n in range(7)], "nest": ["plain", "{p|q|r} tree", "__w__ town"]}
    made = Made(template, lists, "balanced", key="prefix")
    counts: dict[str, Counter] = {}
    sizes: dict[str, set] = {}
    for number in range(3000):
        for pick in made.picks(number):
            sizes.setdefault(pick.slot, set()).add(pick.option)
    for number in range(600):
        for pick in made.picks(number):
            counts.setdefault(pick.slot, Counter())[pick.option] += 1
        for slot, options in sizes.items():
            seen = [counts.get(slot, Counter())[option] for option in options]
            assert max(seen) - min(seen) <= 1, (slot, number)


def test_weights_hold_at_each_full_deck_and_within_two_between():
    made = Made("{3::a|1::b|2::c} {0.5::d|0.25::e|0.25::f}", coverage="balanced")
    shares = {"a": 1 / 2, "b": 1 / 6, "c": 1 / 3, "d": 1 / 2, "e": 1 / 4, "f": 1 / 4}
    counts = Counter()
    for number in range(600):
        counts.update(pick.option for pick in made.picks(number))
        assert all(abs(counts[option] - (number + 1) * share) <= 2 for option, share in shares.items())
        if (number + 1) % 12 == 0:
            assert all(counts[option] == pytest.approx((number + 1) * share) for option, share in shares.items())


@pytest.mark.parametrize(
    ("template", "shares"),
    [
        ("{2::a|b} {c|d|e}", {"a": 2, "b": 1}),
        ("{3::a|b} {c|2::d|e} {f|g}", {"a": 3, "b": 1, "d": 2}),
        ("__n__ {1.5::a|0.5::b|c}", {"a": 3, "b": 1, "c": 2}),
    ],
)
def test_prompts_of_weighted_options_come_as_often_as_the_product_of_their_weights(template, shares):
    """In one deck of all cards: {2::a|b} {c|d|e} has 9 images, a c twice, b c once."""
    made = Made(template, {"n": ["p", "q", "r"]}, "balanced")
    right = Counter()
    for number in range(made.count):
        prompt = Made(template, {"n": ["p", "q", "r"]}).prompt(number)
        right[prompt] = int(np.prod([shares.get(word, 1) for word in prompt.split()]))
    total = right.total()
    for first in range(0, 4 * total, total):
        assert Counter(made.prompt(first + image) for image in range(total)) == right


@pytest.mark.parametrize(("name", "kinds", "with_color"), CLASSES)
def test_the_thesis_plans_meet_every_pair_within_three_times_the_least_images(name, kinds, with_color):
    made = Made(thesis_template(with_color), thesis_lists(), "balanced", name, thesis_words(kinds))
    sizes = {"view": 5, "location": 45, "hyponym": kinds} | ({"color": 45} if with_color else {})
    least = max(sizes[one] * sizes[other] for one, other in combinations(sizes, 2))
    rows = indices(made, 3 * least, sizes)
    for one, other in combinations(sizes, 2):
        own = sizes[one] * sizes[other]
        assert len(set(zip(rows[one][: 3 * own], rows[other], strict=False))) == own, (one, other)


@pytest.mark.parametrize(("kinds", "with_color"), [(37, True), (40, False), (22, True)])
@pytest.mark.parametrize("images", [500, 5000])
def test_prompts_repeat_no_more_than_in_independent_draws(kinds, with_color, images):
    """Expected repeats of n independent draws from m: n - m (1 - (1 - 1/m)^n); their sd is below the square root."""
    total = 5 * 45 * kinds * (45 if with_color else 1)
    expected = images - total * (1 - (1 - 1 / total) ** images)
    for seed in range(3):
        key = f"repeats {seed}"
        made = Made(thesis_template(with_color), thesis_lists(), "balanced", key, thesis_words(kinds))
        prompts = [made.prompt(number) for number in range(images)]
        assert images - len(set(prompts)) <= expected + 3 * max(1.0, expected**0.5)


@pytest.mark.parametrize(
    "sizes", [(2, 2), (2, 3), (3, 3, 3), (4, 6), (5, 7), (10, 10), (8, 12, 20), (2, 50), (2,) * 6, (45, 46), (2, 300)]
)
def test_pairs_of_any_sizes_meet_no_later_than_in_independent_draws(sizes):
    """Mean coverage of 20 seeds at several prefixes against 20 runs of independent draws, less 3 sd of their mean."""
    lists = {f"s{slot}": [f"{slot} {n}" for n in range(size)] for slot, size in enumerate(sizes)}
    template = " ".join(f"__s{slot}__" for slot in range(len(sizes)))
    largest = max(one * other for one, other in combinations(sizes, 2))
    marks = [max(1, int(largest * part)) for part in (0.1, 0.5, 1, 2)]
    ours, theirs = [], []
    for seed in range(SEEDS):
        made = Made(template, lists, "balanced", key=f"seed {seed}")
        rows = list(indices(made, marks[-1], lists).values())
        rng = random.Random(seed)
        drawn = [[rng.randrange(size) for _ in range(marks[-1])] for size in sizes]
        ours.append([covered(rows, mark) for mark in marks])
        theirs.append([covered(drawn, mark) for mark in marks])
    sd = np.array(theirs).std(axis=0, ddof=1)
    low = np.array(theirs).mean(axis=0) - 3 * np.maximum(sd, 1e-9)
    assert (np.array(ours) >= low - 1e-9).all()
    assert (np.array(ours).mean(axis=0) >= np.array(theirs).mean(axis=0) - 3 * sd / SEEDS**0.5 - 1e-9).all()


@pytest.mark.parametrize("sizes", [(3, 3, 3), (2,) * 6, (2, 4, 8), (6, 6, 6), (9, 22, 6), (5, 7)])
def test_prompts_of_any_sizes_repeat_no_more_than_in_independent_draws(sizes):
    lists = {f"s{slot}": [f"{slot} {n}" for n in range(size)] for slot, size in enumerate(sizes)}
    template = " ".join(f"__s{slot}__" for slot in range(len(sizes)))
    total = int(np.prod(sizes))
    for images in (total // 2, total, 2 * total):
        rng = np.random.default_rng(images)
        theirs = [images - len(np.unique(rng.integers(0, total, images))) for _ in range(200)]
        most = np.mean(theirs) + 3 * np.std(theirs)
        for seed in range(SEEDS):
            made = Made(template, lists, "balanced", key=f"repeat {seed}")
            assert images - len({made.prompt(number) for number in range(images)}) <= most


def covered(rows, count):
    return sum(len(set(zip(one[:count], other[:count], strict=True))) for one, other in combinations(rows, 2))

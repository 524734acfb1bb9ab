from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction

import pytest

from hyponet.nodes.prompts.drawing.decks import (
    MAX_SHUFFLED,
    UniformDeck,
    WeightedDeck,
    plannable,
    quota_sequence,
    scrambled,
    shift_tables,
    shuffled,
    whole_shares,
)


@pytest.mark.parametrize("size", [1, 2, 5, 45, MAX_SHUFFLED + 1])
def test_each_deck_has_each_option_once(size):
    deck = UniformDeck(size, "key")
    for number in range(3 if size > 100 else 20):
        cards = [deck.at(number * size + place) for place in range(size)]
        assert sorted(option for option, _ in cards) == list(range(size))
        assert {times for _, times in cards} == {number}


def test_decks_of_two_slots_and_two_visits_differ():
    one, other = UniformDeck(20, "one"), UniformDeck(20, "other")
    first = [one.at(place)[0] for place in range(20)]
    assert first != [other.at(place)[0] for place in range(20)]
    assert first != [one.at(20 + place)[0] for place in range(20)]


@pytest.mark.parametrize("size", [2, 3, 100, 4097, 65_536, 70_001])
def test_a_scrambled_order_is_a_permutation(size):
    assert sorted(scrambled(place, size, "key") for place in range(size)) == list(range(size))


def test_shuffles_are_fixed_for_ever():
    """SHAKE-128 is standard, so these orders hold on every machine and version; a change would change every plan."""
    assert shuffled(8, "a") == [1, 4, 5, 2, 7, 0, 3, 6]
    assert [scrambled(place, 10, "a") for place in range(10)] == [8, 0, 3, 7, 6, 9, 4, 2, 1, 5]


@pytest.mark.parametrize("seed", range(40))
def test_weights_are_exact_in_each_deck_and_within_two_between(seed):
    rng = random.Random(seed)
    weights = [Fraction(rng.choice([1, 1, 2, 3, 7, 20]), rng.choice([1, 2, 10])) for _ in range(rng.randint(2, 14))]
    deck = WeightedDeck(weights, f"key {seed}")
    size = sum(whole_shares(weights))
    total = sum(weights)
    counts = Counter()
    for visit in range(min(6000, 4 * size)):
        option, times = deck.at(visit)
        assert times == counts[option]
        counts[option] += 1
        for index, weight in enumerate(weights):
            assert abs(counts[index] - (visit + 1) * weight / total) < 2
        if (visit + 1) % size == 0 and len(set(weights)) == len(weights):
            assert all(counts[index] == (visit + 1) * weight / total for index, weight in enumerate(weights))


def test_equal_weights_take_turns_over_several_decks():
    """2 of a against 1 of each of b, c: b and c share a group, so each is exact after one deck of four."""
    deck = WeightedDeck([Fraction(2), Fraction(1), Fraction(1)], "key")
    assert Counter(deck.at(visit)[0] for visit in range(4)) == {0: 2, 1: 1, 2: 1}


@pytest.mark.parametrize("cards", [[1], [3, 1], [5, 3, 2], [1, 1, 1, 50], [7, 11, 13, 1, 1]])
def test_the_quota_rule_keeps_each_share_rounded_down_or_up(cards):
    sequence = quota_sequence(cards, "key")
    counts = Counter()
    for place, group in enumerate(sequence, start=1):
        counts[group] += 1
        for index, card in enumerate(cards):
            share = Fraction(place * card, sum(cards))
            assert share - 1 < counts[index] < share + 1
    assert [counts[index] for index in range(len(cards))] == cards


def test_fine_weights_are_rounded_to_a_deck_that_fits():
    cards = whole_shares([Fraction("0.123456789"), Fraction("0.9"), Fraction("0.000000001")])
    assert sum(cards) <= 65_600
    assert cards[0] / cards[1] == pytest.approx(0.123456789 / 0.9, rel=1e-3)
    assert cards[2] == 1


@pytest.mark.parametrize(
    "sizes",
    [(5, 45, 45, 37), (37, 5, 45, 45), (5, 45, 40), (2, 2), (2,) * 8, (3,) * 6, (6, 4, 9, 12), (7, 11, 13), (1, 9)],
)
def test_every_pair_meets_within_three_times_its_number(sizes):
    """The bar is three times the largest product of two slots; here each pair keeps it by its own product."""
    tables = shift_tables(sizes)
    length = 3 * sorted(sizes)[-1] * sorted(sizes)[-2]
    dealt = []
    for size, table in zip(sizes, tables, strict=True):
        deck = UniformDeck(size, f"{size}", table)
        dealt.append([deck.at(visit)[0] for visit in range(length)])
    for first in range(len(sizes)):
        for second in range(first):
            number = sizes[first] * sizes[second]
            assert len(set(zip(dealt[first][: 3 * number], dealt[second], strict=False))) == number


@pytest.mark.parametrize("sizes", [(5, 200), (5, 201), (5, 1000), (201, 201), (300, 300), (1000, 1000), (2, 200, 200)])
def test_pairs_of_long_lists_get_fewer_little_by_little(sizes):
    """Of as many images as are planned, up to all pairs, 0.7 bring a new one; by chance 0.63 of them would."""
    _, images = plannable(sizes)
    images = min(images, sizes[-1] * sizes[-2])
    tables = shift_tables(sizes)
    decks = [UniformDeck(size, f"{size}", table) for size, table in zip(sizes, tables, strict=True)][-2:]
    met = {(decks[0].at(visit)[0], decks[1].at(visit)[0]) for visit in range(images)}
    assert images >= min(sizes[-1] * sizes[-2], 40_000)
    assert len(met) >= 0.7 * images


def test_lists_are_left_out_of_the_pairs_only_where_one_deck_of_them_is_too_long():
    assert shift_tables((3, 100_000)) == ((), ())
    planned, images = plannable((45,) * 10 + (4000,) * 200)
    assert planned[:10] == list(range(10))
    assert images >= max((45, 4000)[index >= 10] for index in planned)


@pytest.mark.parametrize("sizes", [(5, 45, 45, 37), (5, 45, 40), (3, 4, 5), (2, 3, 5), (4, 4, 4)])
def test_every_k_th_image_strays_no_more_than_independent_draws(sizes):
    """Pearson's chi-square by its normal approximation (Wilson and Hilferty 1931), at p = 1e-4 for 90 tests: 3.72."""
    tables = shift_tables(sizes)
    for size, table in zip(sizes, tables, strict=True):
        deck = UniformDeck(size, f"{size}", table)
        dealt = [deck.at(visit)[0] for visit in range(max(4000, 100 * size))]
        for step in range(2, 17):
            counts = Counter(dealt[::step])
            share = len(dealt[::step]) / size
            chi_square = sum((counts[option] - share) ** 2 / share for option in range(size))
            spread = 2 / (9 * (size - 1))
            assert ((chi_square / (size - 1)) ** (1 / 3) - (1 - spread)) / spread**0.5 < 3.72

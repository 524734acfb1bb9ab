from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction

import pytest

from hyponet.nodes.prompts.drawing.decks import (
    MAX_SHUFFLED,
    CardDeck,
    UniformDeck,
    WeightedDeck,
    few_cards,
    quota_sequence,
    scrambled,
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


@pytest.mark.parametrize("weights", [(2, 1), (3, 1, 2), (1, 5), (4, 3), (2, 2, 2, 1)])
def test_few_cards_stay_within_two_in_any_order_and_count_how_often_each_came(weights):
    cards = few_cards([Fraction(weight) for weight in weights])
    assert [cards.count(option) for option in range(len(weights))] == list(weights)
    deck = CardDeck(cards, "key", [*range(len(cards)), *reversed(range(len(cards)))])
    counts = Counter()
    for visit in range(10 * len(cards)):
        option, before = deck.at(visit)
        assert before == counts[option]
        counts[option] += 1
        shares = ((visit + 1) * weight / len(cards) for weight in weights)
        assert all(abs(counts[index] - share) < 2 for index, share in enumerate(shares))
    assert few_cards([Fraction(50), Fraction(50), Fraction(1)]) == ()


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

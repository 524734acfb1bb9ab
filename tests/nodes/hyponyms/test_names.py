"""What kinds are called so that a picture of the bare name shows them.

By hand; what each bare name shows instead stands in benchmarks/hyponyms_judged, of two readers.
"""

from __future__ import annotations

import pytest

from hyponet.nodes.hyponyms.class_words import class_word_of, is_well_known, shows_class
from hyponet.nodes.hyponyms.hyponyms import HyponymSettings, hyponyms_of_word
from hyponet.nodes.hyponyms.shipped_data import DATA, kind_names
from hyponet.nodes.hyponyms.spelling import is_doubled
from hyponet.nodes.hyponyms.taxonomy import taxonomy

WORD = HyponymSettings(at_least=1, include_class=False)

CALLED = [
    ("dog", "Leonberg dog", "Leonberg"),  # a town
    ("rodent", "mara rodent", "mara"),  # a person
    ("cap", "Glengarry cap", "Glengarry"),  # a film
    ("wine bottle", "nebuchadnezzar bottle", "nebuchadnezzar"),  # a king
    ("rail (bird)", "weka bird", "weka"),  # software, and a rail is what a train runs on
    ("nymphalid", "painted beauty butterfly", "painted beauty"),  # made-up women
    ("flower", "Christmas bells flower", "Christmas bells"),  # decorations
    ("n02959942", "club railcar", "club car"),  # car.n.02 runs on rails, a club car on a golf course
    ("n03954731", "circular carpenter's plane", "circular plane"),  # plane.n.05
    ("plaything", "yo-yo toy", "yo-yo plaything"),  # people say toy
    ("edible fruit", "pomegranate", "pomegranate fruit"),  # well known
    ("bird of prey", "vulture", "vulture bird"),  # well known
    ("bird of prey", "hawk bird", "hawk"),  # a verb too
    ("terrier", "wirehair terrier", "wirehair"),  # no gloss of WordNet has it
    ("makeup", "rouge makeup", "rouge"),  # an adjective too, and a colour
    ("song", "aria song", "aria communication"),  # a song is auditory communication
    ("smile", "smirk smile", "smirk communication"),
    ("plaything", "slingshot toy", "slingshot"),  # a vehicle that WordNet does not know
    ("sailing_vessel.n.01", "galleon vessel", "brig vessel"),  # a prison too, and there are others enough
    ("hound", "greyhound", "greyhound hound"),  # it says so itself
    ("wood", "oak wood", "oak"),  # a tree
    ("shrub", "cranberry bush", "cranberry"),  # berries in a bowl
    ("insect", "beetle insect", "beetle"),  # a car
    ("carriage", "surrey carriage", "surrey vehicle"),  # word_senses.txt says that a carriage is one
    ("hedgehog", "hedgehog", "hedgehog insectivore"),  # it says what a hedgehog is
]


@pytest.mark.parametrize(("word", "name", "other"), CALLED)
def test_a_name_that_few_know_has_the_class_behind_it(word, name, other):
    words = hyponyms_of_word(word, WORD).words
    assert name in words
    assert other not in words


@pytest.mark.parametrize(
    ("synset", "word"),
    [
        ("domestic_cat.n.01", "cat"),
        ("rail.n.05", "bird"),
        ("car.n.02", "railcar"),
        ("car.n.01", "car"),
        ("punch.n.02", "punch"),
        ("plaything.n.01", "toy"),
        ("percoid_fish.n.01", "fish"),
    ],
)
def test_the_word_behind_is_one_that_people_understand(synset, word):
    assert class_word_of(taxonomy(), taxonomy().synset(synset)) == word


def test_what_says_the_class_and_what_is_known_by_itself():
    tree = taxonomy()
    for name, word, shows, known in (
        ("wood_ibis.n.02", "wood stork", True, False),
        ("flagship.n.02", "flagship", True, False),
        ("redbone.n.01", "redbone", False, False),  # a class of ImageNet, and in no gloss
        ("mara.n.02", "mara", False, False),
        ("potato.n.01", "potato", False, True),
    ):
        assert shows_class(tree, tree.synset(name), word) == shows, name
        assert is_well_known(tree, tree.synset(name), word) == known, name


def test_a_risky_name_stays_out_where_there_are_others_enough():
    """Marmite is a spread and urns stand in gardens; a pot may be asked for all the same."""
    pots = hyponyms_of_word("pot", WORD)
    assert "teapot" in pots.words
    assert "urn pot" not in pots.words
    assert "it may be taken for something else, and there are others enough" in pots.report
    assert "urn pot" in hyponyms_of_word("pot", HyponymSettings(at_least=1, all_kinds=True, include_class=False)).words
    few = hyponyms_of_word("pail", WORD).words  # fewer than eight: nothing is left out
    assert "dinner pail" in few


def test_a_kind_whose_name_by_hand_is_taken_stays_out():
    """It used to stand there under the name that readers had marked."""
    assert kind_names()["n03404012"] == "ambulance"  # a funny wagon
    assert "funny wagon" not in hyponyms_of_word("ambulance", WORD).words
    assert kind_names()["n09989045"] == "young woman"  # a dame; and young woman is another name of girl
    assert "dame" not in hyponyms_of_word("girl", WORD).words


@pytest.mark.parametrize("word", ["mountain goat goat", "jail jail cell", "cocoa cocoa powder", "flagship ship"])
def test_a_name_that_says_a_word_twice_is_doubled(word):
    assert is_doubled(word)
    assert not is_doubled(word.partition(" ")[0])


@pytest.mark.parametrize("word", ["", "of", "law of conservation of energy", "end of the line of the book", "seat"])
def test_small_words_that_come_twice_double_nothing(word):
    assert not is_doubled(word)


def test_no_class_word_doubles_a_name():
    """These had "guardroom jail jail cell" and "lead-in conducting conducting wire"."""
    for word in ("jail cell", "goat antelope", "cocoa powder", "freshwater fish", "conducting wire"):
        assert [name for name in hyponyms_of_word(word, WORD).words if is_doubled(name)] == []


def test_namesakes_never_stand_alone():
    for word, other in (
        ("toy dog", "dog"),
        ("matchbox", "box"),
        ("pilot engine", "locomotive"),
        ("acrobat", "athlete"),
    ):
        assert word not in hyponyms_of_word(other, WORD).words
        assert word in hyponyms_of_word(other, HyponymSettings(at_least=1, lemmas="first", include_class=False)).words


def test_every_namesake_is_a_noun_of_wordnet():
    assert [name for name in namesake_lines() if not taxonomy().senses(name)] == []


def namesake_lines():
    lines = (DATA / "namesakes.txt").read_text("utf-8").splitlines()
    return [line.removeprefix("-") for line in lines if not line.startswith("#")]

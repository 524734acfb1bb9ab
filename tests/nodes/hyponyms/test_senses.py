"""Which sense a word alone has. Each is judged by hand: what a person who types the word to have pictures means."""

from __future__ import annotations

import pytest

from hyponet.nodes.hyponyms.hyponyms import HyponymSettings, hyponyms_of_word
from hyponet.nodes.hyponyms.senses import find_sense
from hyponet.nodes.hyponyms.shipped_data import DATA
from hyponet.nodes.hyponyms.taxonomy import taxonomy

WORD = HyponymSettings(at_least=1, include_class=False)

MEANT = [
    ("mug", "mug.n.04", "a vessel; mug.n.03 is a face"),
    ("wrench", "wrench.n.03", "a tool; wrench.n.01 is a sprain"),
    ("table", "table.n.02", "furniture; table.n.01 is of figures"),
    ("seal", "seal.n.09", "the animal; the others are of wax and rubber"),
    ("dolphin", "dolphin.n.02", "the mammal; dolphin.n.01 is the dolphinfish"),
    ("plant", "plant.n.02", "what grows; plant.n.01 is a factory"),
    ("church", "church.n.02", "the building; church.n.01 is a body of people"),
    ("oak", "oak.n.02", "the tree; oak.n.01 is its wood"),
    ("cake", "cake.n.03", "what is eaten; cake.n.01 is of soap"),
    ("tiger", "tiger.n.02", "the animal; tiger.n.01 is a person"),
    ("chicken", "chicken.n.02", "the bird; chicken.n.01 is its meat"),
    ("glass", "glass.n.02", "the vessel; glass.n.01 is the material"),
    ("teacher", "teacher.n.01", "a person, which is what the word means first"),
    ("nurse", "nurse.n.01", "a person, which is what the word means first"),
    ("knight", "knight.n.01", "the man, which the word means first, not the chess piece"),
    ("driver", "driver.n.01", "a person, which is what the word means first, not the golf club"),
    ("ostrich", "ostrich.n.02", "the bird; ostrich.n.01 is a person"),
    ("scorpion", "scorpion.n.03", "the animal; the others are of the zodiac"),
    ("pineapple", "pineapple.n.02", "the fruit; pineapple.n.01 is its plant"),
    ("banana", "banana.n.02", "the fruit; banana.n.01 is its plant"),
    ("volcano", "volcano.n.02", "the mountain; volcano.n.01 is its vent"),
    ("plate", "plate.n.04", "a dish; plate.n.02 is a sheet of metal"),
    ("ring", "ring.n.08", "jewellery; ring.n.02 is a hoop"),
    ("castle", "castle.n.02", "the fortress; castle.n.03 is a chess piece"),
    ("date", "date.n.08", "the fruit; date.n.01 is a day, date.n.02 a companion"),
    ("crop", "crop.n.02", "the plant; crop.n.01 is what a year yields, no object in WordNet"),
    ("cock", "cock.n.05", "the bird; the others are a valve, a hammer and obscene"),
    ("mouse", "mouse.n.01", "the animal, of which texts speak, before the device"),
    ("crane", "crane.n.04", "the machine has more kinds than the bird; both are classes of ImageNet"),
    ("bat", "bat.n.01", "the animal: it is spoken of most and has most kinds"),
    ("jaguar", "jaguar.n.01", "its one sense in WordNet"),
    ("orange", "orange.n.01", "the fruit; the others are a colour and a tree"),
    ("bass", "bass.n.07", "the instrument, of the senses that can be seen the one with most kinds"),
    ("nail", "nail.n.02", "the pin; nail.n.01 is a part of a body"),
    ("chest", "chest.n.02", "the box; chest.n.01 is a part of a body"),
    ("trunk", "trunk.n.02", "the luggage, as often spoken of as the tree's"),
    ("pitcher", "pitcher.n.02", "a jug, a class of ImageNet, before the player"),
    ("ram", "ram.n.05", "the sheep, a class of ImageNet"),
    ("scale", "scale.n.07", "the instrument; plate.n.14 is of armour"),
    ("loafer", "loafer.n.02", "a shoe; idler.n.01 is a person that the word names second"),
    ("cardigan", "cardigan.n.01", "the sweater: WordNet writes the dog with a capital"),
    ("Cardigan", "cardigan.n.02", "the dog, which WordNet writes so"),
    ("carousel", "carousel.n.02", "the ride; carousel.n.01 carries luggage"),
    ("iron", "iron.n.04", "the appliance; iron.n.01 is a metal, iron.n.02 a golf club"),
    ("plane", "airplane.n.01", "the aircraft, of which texts speak; plane.n.05 is a carpenter's"),
    ("tank", "tank.n.01", "the vehicle: texts speak of it more"),
    ("nut", "nut.n.01", "what is eaten; nut.n.03 is of a bolt"),
    ("letter", "letter.n.01", "what is written; letter.n.03 is one who lets, of whom no text speaks"),
    ("swallow", "swallow.n.03", "the bird; swallow.n.01 is a mouthful"),
    ("palm", "palm.n.03", "the tree; palm.n.01 is a part of a body"),
    ("turkey", "turkey.n.01", "the bird; turkey.n.02 is a country by name"),
    (
        "cheesecake",
        "cheesecake.n.01",
        "the cake; cheesecake.n.02 is a photograph of a woman, as data/word_senses.txt says",
    ),
    ("tornado", "tornado.n.01", "the whirlwind; crack.n.08 is a drug"),
    ("snowflake", "snowflake.n.01", "the crystal; snow_bunting.n.01 is a bird"),
    ("sunset", "sunset.n.02", "what is seen; sunset.n.01 is an hour"),
    ("wizard", "sorcerer.n.01", "the magician; ace.n.03 is one who is good at something"),
    ("tin can", "can.n.01", "the can; destroyer.n.01 is a ship"),
    ("kites", "kite.n.03", "the toys; kite.n.04 is a bird"),
    ("raspberry", "raspberry.n.02", "the fruit; raspberry.n.01 is its bush"),
    ("monster", "monster.n.01", "the creature; monster.n.05 is a malformed fetus"),
    ("circus", "circus.n.01", "the company; circus.n.04 is a Roman stadium"),
    ("legs", "leg.n.01", "the limbs; legs.n.01 is slang for staying power"),
    ("slit", "slit.n.01", "a long narrow opening, as its gloss says; another is obscene"),
    ("red light", "red_light.n.02", "of the traffic; red_light.n.01 is a warning of danger"),
    ("tramp", "tramp.n.01", "a homeless man; another sense is one who is promiscuous"),
    ("mouth", "mouth.n.01", "of a face; mouth.n.04 is of a river"),
]


@pytest.mark.parametrize(("word", "name", "reason"), MEANT)
def test_a_word_means_the_thing_that_can_be_seen(word, name, reason):
    sense = find_sense(taxonomy(), word)
    assert sense.synset.name == name, reason
    if any(taxonomy().fit_names(other) for other in taxonomy().senses(word) if other != sense.synset):
        assert sense.warning.startswith("**Warning**")


def test_a_word_is_a_person_by_name_rather_than_an_obscenity():
    assert find_sense(taxonomy(), "peter").synset.name == "peter.n.01"  # the saint


def test_a_word_is_no_street_name_of_a_drug_where_it_means_anything_else_first():
    """Thunder, dot and dime were heroin, LSD and a packet of it: WordNet leaves such names unmarked."""
    tree = taxonomy()
    drugs = ["heroin.n.01", "cocaine.n.01", "lysergic_acid_diethylamide.n.01", "deck.n.02", "hit.n.05"]
    below = [tree.synset(name) for name in drugs]
    below += [tree.synset(kind) for synset in below for kind in synset.hyponyms]
    for lemma in {lemma for synset in below for lemma in synset.lemmas}:
        first = tree.senses(lemma)[0].id
        if first not in {synset.id for synset in below}:
            assert find_sense(tree, lemma).synset.id not in {synset.id for synset in below}, lemma


def test_the_sense_taken_stands_at_the_top_of_the_report():
    assert hyponyms_of_word("mug", WORD).report.startswith("**Warning**: 'mug' has 4 noun senses; taken: mug.n.04")


def test_every_word_whose_sense_was_read_by_hand_is_sorted_and_has_it():
    """The synset is a sense of the word or of its singular, or a kind of one: an edible fruit is a fruit."""
    lines = [line for line in (DATA / "word_senses.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert lines == sorted(set(lines))
    tree = taxonomy()
    for line in lines:
        word, name = line.rsplit(maxsplit=1)
        taken = find_sense(tree, word).synset
        assert taken.name == name, word
        senses = (*tree.senses(word), *tree.senses(word.removesuffix("s")))
        assert any(tree.is_under(taken.id, sense.id) for sense in senses), word


@pytest.mark.parametrize(
    ("typed", "lemma"),
    [
        ("lawnmower", "lawn mower"),
        ("lawnmowers", "lawn mower"),
        ("tea pot", "teapot"),
        ("Tea-Pots", "teapot"),
        ("trafficlight", "traffic light"),
        ("lawnmower (mower)", "lawn mower"),
    ],
)
def test_a_compound_is_known_in_one_word_or_two(typed, lemma):
    """WordNet 3.0 has each in one spelling alone."""
    assert find_sense(taxonomy(), typed).synset.label == lemma
    assert hyponyms_of_word(typed, WORD).word == lemma

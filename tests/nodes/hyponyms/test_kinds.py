"""What stands in a list: one name for each kind, the class itself, nothing that no picture of it shows; and senses.

Counted over the 1,000 ImageNet classes and their labels typed as words; single words were looked up by hand in WordNet.
"""

from __future__ import annotations

import re

import pytest

from hyponet.nodes.hyponyms.hyponyms import HyponymSettings, hyponyms_of_class, hyponyms_of_word
from hyponet.nodes.hyponyms.senses import find_sense
from hyponet.nodes.hyponyms.shipped_data import DATA, imagenet_classes, kind_names, word_senses
from hyponet.nodes.hyponyms.spelling import fold, is_doubled
from hyponet.nodes.hyponyms.taxonomy import taxonomy
from hyponet.nodes.hyponyms.unfit import is_unfit
from tools.dev.places import ROOT

WORD = HyponymSettings(at_least=1, include_class=False)


@pytest.fixture(scope="module")
def lists():
    """(wnid, its hyponyms) of every ImageNet class with the node's defaults."""
    return [(wnid, hyponyms_of_class(wnid, label, HyponymSettings())) for wnid, label in imagenet_classes()]


def names_itself(wnid, words):
    """Whether one of the words is a name of the synset, maybe with the class word behind it."""
    names = {fold(lemma) for lemma in taxonomy().synset(wnid).lemmas}
    names |= {fold(kind_names()[wnid])} if wnid in kind_names() else set()
    starts = {fold(word[:cut]) for word in words for cut in range(1, len(word) + 1) if word[cut : cut + 1] in ("", " ")}
    return bool(names & starts)


def test_the_class_itself_stands_in_every_list(lists):
    assert [found.words for wnid, found in lists if not names_itself(wnid, found.words)] == []
    assert "rooster" in dict(lists)["n01514668"].words  # ImageNet's cock


def test_every_kind_that_was_named_by_hand_stands_below_a_class_whose_list_was_read(lists):
    """No line of kind_names.txt is without use; the words that were read are those of the benchmark."""
    lines = [line for line in (DATA / "kind_names.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert lines == sorted(lines)
    assert len(kind_names()) == len(lines)
    words = (ROOT / "benchmarks" / "hyponyms_judged" / "words.txt").read_text("utf-8").splitlines()
    tree = taxonomy()
    roots = {tree.synset(name).id for _, found in lists for name in found.hypernyms} | {wnid for wnid, _ in lists}
    rest = set(kind_names()) - roots.union(*(tree.synset(root).hyponyms for root in roots))
    above = [tree.synset(parent) for wnid in rest for parent in (wnid, *tree.synset(wnid).parents)]
    asked = {fold(lemma) for synset in above for lemma in (*synset.lemmas, synset.name)} | set(word_senses())
    roots = {find_sense(tree, word).synset.id for word in words if {fold(word), fold(word).removesuffix("s")} & asked}
    kinds = roots.union(*(tree.synset(root).hyponyms for root in roots))
    assert {f"{wnid} {kind_names()[wnid]}" for wnid in rest - kinds} == set()


def test_no_name_is_doubled_or_unfit(lists):
    words = {word for _, found in lists for word in found.words}
    assert [word for word in words if is_doubled(word)] == ["chow chow"]  # the breed's own name
    assert [word for word in words if is_unfit(word)] == []


def test_a_kind_stands_once(lists):
    """A kind with six names used to be dealt six times as often."""
    tree = taxonomy()
    for wnid, found in lists:
        assert len(set(found.kinds)) == len(found.words), wnid
        names = {fold(word) for word in found.words}
        kinds = [tree.synset(kind) for name in found.hypernyms for kind in tree.synset(name).hyponyms]
        for kind in {kind.id: kind for kind in kinds}.values():
            own = {fold(lemma) for lemma in kind.lemmas} & names - {fold(word) for word in tree.synset(wnid).lemmas}
            others = {fold(lemma) for other in kinds if other.id != kind.id for lemma in other.lemmas}
            assert len(own - others) <= 1, (wnid, kind.name, own)


def test_a_label_typed_as_a_word_never_gives_its_sisters_without_itself():
    for _, label in imagenet_classes():
        word = label.replace("_", " ")
        found = hyponyms_of_word(word, WORD)
        own = {sense.id for sense in taxonomy().lookup(word)}
        assert found.synset in own, word
        climbed = hyponyms_of_word(word, HyponymSettings(at_least=4, include_class=False))
        assert climbed.synset in own or names_itself(found.synset, climbed.words), word


@pytest.mark.parametrize("word", ["golden retriever", "polar bear", "sports car", "laptop", "carrot"])
def test_a_word_without_kinds_is_listed_itself_with_a_note(word):
    found = hyponyms_of_word(word, WORD)
    assert found.words == (word,)
    assert "so it is listed itself" in found.report
    assert "Only 1 listed. For more: set depth to 2; name a broader word or ancestor" in found.report


def test_a_short_list_without_the_word_says_how_it_is_listed_too():
    """WordNet's only tractor is the bulldozer: a set of bulldozers alone is none of tractors."""
    found = hyponyms_of_word("tractor", WORD)
    assert found.words == ("bulldozer tractor",)
    assert found.report.count("turn on include_class") == 1
    own = hyponyms_of_word("tractor", HyponymSettings(at_least=1, include_class=True))
    assert own.words == ("tractor", "bulldozer tractor")
    assert "include_class" not in own.report
    assert "include_class" not in hyponyms_of_word("golden retriever", WORD).report


def test_what_no_picture_shows_and_what_is_too_broad_stay_out_but_on_request():
    every = HyponymSettings(at_least=1, all_kinds=True, lemmas="first")
    for word, kind in (("bird.n.01", "archaeopteryx"), ("equine", "quagga"), ("edentate", "mylodon")):
        assert kind in hyponyms_of_word(word, every).words
        assert kind not in hyponyms_of_word(word, WORD).words
    remote = hyponyms_of_class("n04074963", "remote_control", HyponymSettings())
    assert remote.words == ("remote control",)  # its hypernym is device
    assert "turn on all_kinds" in remote.report
    assert hyponyms_of_class("n04074963", "remote_control", HyponymSettings(all_kinds=True)).hypernym == "device"
    assert hyponyms_of_class("n04074963", "", HyponymSettings(ancestor="device")).hypernym == "device"


@pytest.mark.parametrize("word", ["mouth", "nostril", "beak", "face", "lip", "waist", "throat", "horn", "brain"])
def test_a_part_of_a_body_climbs_to_no_word_that_hides_what_it_is(word):
    """What lies above these in WordNet are an orifice, a part, an area, a cavity, a process and a structure."""
    found = hyponyms_of_word(word, HyponymSettings())
    assert found.word not in ("orifice", "rima", "part", "area", "cavity", "process", "structure")
    assert word in found.words


def test_a_cigarette_climbs_to_no_substance():
    """Its hypernym, roll of tobacco, has no more kinds; tobacco is dried leaves."""
    found = hyponyms_of_word("cigarette", HyponymSettings())
    assert found.words == ("cigarette", "cubeb cigarette", "filter-tipped cigarette")
    assert hyponyms_of_word("tobacco", WORD).word == "tobacco"


@pytest.mark.parametrize(("word", "held"), [("heel", "stiletto heel"), ("microphone", "contact microphone")])
def test_a_kind_goes_by_the_name_that_people_say(word, held):
    """Their first names in WordNet are spike heel and spike mike."""
    words = hyponyms_of_word(word, WORD).words
    assert held in words
    assert not [other for other in words if "spike" in other]


def test_all_names_of_a_kind_are_one_option():
    settings = HyponymSettings(at_least=1, include_class=False, lemmas="all", all_kinds=True)
    every = hyponyms_of_word("domestic cat", settings).words
    assert "{kitty|kitty-cat|pussycat}" in every
    assert len(every) == len(taxonomy().synset("domestic_cat.n.01").hyponyms)


@pytest.mark.parametrize(
    ("word", "absent"),
    [
        ("skunk", "wood pussy"),
        ("building", "house of prostitution"),
        ("market", "slave market"),
        ("bib", "fag end"),
        ("person", "mentally retarded"),
        ("turtle", "bastard turtle"),
        ("organ", "sex organ"),
        ("library", "torture chamber"),
    ],
)
def test_unfit_words_stay_out_inside_compounds_and_in_every_mode(word, absent):
    assert is_unfit(absent)
    for lemmas in ("unambiguous", "first", "all"):
        settings = HyponymSettings(at_least=1, lemmas=lemmas, all_kinds=True)
        assert absent not in " ".join(hyponyms_of_word(word, settings).words)
    assert absent not in hyponyms_of_class("", word, HyponymSettings(mode="thesis")).words


# of a review that read 242 words and 300 classes: word, what its list must hold, what it may not
REVIEWED = [
    ("golden retriever", "golden retriever", ()),
    ("polar bear", "polar bear", ()),
    ("wrench", "Allen wrench", ("sprain",)),
    ("table", "coffee table", ("table of contents", "periodic table", "correlation table")),
    ("person", "lover", ("shitter", "cripple", "slave", "sex object", "masturbator person", "urinator person")),
    ("skunk", "striped skunk", ("wood pussy",)),
    ("TREE", "oak tree", ("olive TREE", "oak TREE")),
]


@pytest.mark.parametrize(("word", "held", "absent"), REVIEWED)
def test_the_list_of_a_word_that_was_reviewed(word, held, absent):
    words = hyponyms_of_word(word, WORD).words
    assert held in words
    assert set(words).isdisjoint(absent)


REVIEWED_CLASSES = [
    ("n01514668", "cock", "exact", "rooster", ()),
    ("n04154565", "screwdriver", "exact", "Phillips screwdriver", ()),
    ("n07720875", "bell pepper", "exact", "bell pepper", ()),
    ("n01494475", "hammerhead", "thesis", "hammerhead", ("shithead", "fuckhead", "dumbass")),
    ("n03661043", "library", "exact", "library", ("brothel", "bordello", "house of prostitution")),
]


@pytest.mark.parametrize(("wnid", "label", "mode", "held", "absent"), REVIEWED_CLASSES)
def test_the_list_of_a_class_that_was_reviewed(wnid, label, mode, held, absent):
    words = hyponyms_of_class(wnid, label, HyponymSettings(mode=mode)).words
    assert held in words
    assert set(words).isdisjoint(absent)


@pytest.mark.parametrize(
    "word", ["blue tit", "shag rug", "pansy", "condominium", "Japanese beetle", "spike heel", "injunction", "Yiddish"]
)
def test_words_that_only_look_unfit_are_fit(word):
    assert not is_unfit(word)


def test_errors_say_that_wordnet_is_english_and_offer_nothing_unfit():
    korean = "\uac1c"
    with pytest.raises(ValueError, match=rf"word is '{korean}'.*WordNet is English: type the English word"):
        hyponyms_of_word(korean, WORD)
    for word in ("dog breed", "dog turf", "whoree", "shitte", "stewpot"):
        with pytest.raises(ValueError, match="expected an English noun") as error:
            hyponyms_of_word(word, WORD)
        offered = str(error.value).partition("nearest are: ")[2].split(", ")
        assert not [near for near in offered if is_unfit(near) or taxonomy().mark_of(near)]


@pytest.mark.parametrize(
    ("word", "broader"), [("smartphone", "phone"), ("potted plant", "plant"), ("xyzzqq", ""), ("robot cat", "cat")]
)
def test_an_unknown_word_has_its_known_end_offered(word, broader):
    with pytest.raises(ValueError, match="expected an English noun") as error:
        hyponyms_of_word(word, WORD)
    assert str(error.value).partition("broader word ")[2] == broader


def test_what_comes_in_pairs_is_said_so():
    words = hyponyms_of_word("trousers", WORD).words
    assert {"sweatpants trousers", "bellbottom trousers"} <= set(words)


def test_the_senses_offered_are_fit():
    assert hyponyms_of_word("pussy", WORD).name == "kitty.n.04"
    for word in ("cock", "screw", "pussy"):
        report = hyponyms_of_word(word, WORD).report.partition("Class:")[0].lower()
        words = set(re.findall(r"[a-z]+", report))
        assert not words & {"prick", "dick", "pecker", "fuck", "cunt", "twat"}, report

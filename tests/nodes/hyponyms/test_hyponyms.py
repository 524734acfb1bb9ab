"""Both modes over the 1,000 ImageNet classes, and the widgets: climbing, depth, lemmas, count, the class itself.

imagenet_hyponyms.tsv was made by tests/tools/wordnet_fixtures.py from Debian's full WordNet 3.0 files, by an
implementation of its own.
"""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest

from hyponet.nodes.hyponyms.hyponyms import HyponymSettings, hyponyms_of_class, hyponyms_of_word
from hyponet.nodes.hyponyms.shipped_data import kind_names
from hyponet.nodes.hyponyms.spelling import fold
from hyponet.nodes.hyponyms.taxonomy import taxonomy

with (Path(__file__).resolve().parent / "imagenet_hyponyms.tsv").open(encoding="utf-8", newline="") as file:
    CLASSES = list(csv.DictReader(file, delimiter="\t"))
EXACT = HyponymSettings(at_least=1)
THESIS = HyponymSettings(mode="thesis")
MARKS = {"slang.n.02", "obscenity.n.02", "ethnic_slur.n.01"}


def nltk_synset(wnid: str):
    """NLTK's own synset, read from the shipped data without the pack's relations."""
    return taxonomy().reader.nltk.synset_from_pos_and_offset("n", int(wnid[1:]))


def test_exact_mode_equals_the_fixture():
    assert len(CLASSES) == 1000
    settings = HyponymSettings(at_least=1, lemmas="first", all_kinds=True)
    for row in CLASSES:
        found = hyponyms_of_class(row["wnid"], row["label"], settings)
        assert [taxonomy().synset(name).id for name in found.hypernyms] == row["exact hypernyms"].split(), row["wnid"]
        # the class itself is listed also where every lemma of it is unfit for others, as a screw's is
        own = {fold(lemma) for lemma in taxonomy().synset(row["wnid"]).lemmas} | {fold(found.word)}
        expected = row["exact first words"].split(", ")
        assert [word for word in found.words if word in expected or fold(word) not in own] == expected, row["wnid"]
        assert found.path[-1] == "entity"


def test_thesis_mode_equals_the_fixture():
    for row in CLASSES:
        found = hyponyms_of_class(row["wnid"], row["label"], THESIS)
        assert found.synset == row["thesis hypernym"], row["label"]
        assert list(found.words) == row["thesis words"].split(", "), row["label"]


# SPEC 1's counts over the 1,000 labels: 38 classes with several hypernyms; 189 thesis hypernyms are wrong
def test_fixture_has_the_published_counts():
    assert sum(" " in row["exact hypernyms"] for row in CLASSES) == 38
    wrong = [row for row in CLASSES if row["thesis hypernym"] not in row["exact hypernyms"].split()]
    assert len(wrong) == 189
    by_wnid = {row["wnid"]: row for row in CLASSES}
    names = {wnid: nltk_synset(by_wnid[wnid]["exact hypernyms"].split()[0]).name() for wnid in by_wnid}
    assert names["n02389026"] == "horse.n.01"  # sorrel
    assert names["n02012849"] == "wading_bird.n.01"  # crane
    assert names["n03126707"] == "lifting_device.n.01"  # crane
    assert nltk_synset(by_wnid["n02389026"]["thesis hypernym"]).name() == "herb.n.01"


@pytest.mark.parametrize("at_least", [5, 40])
def test_default_lists_are_as_long_as_the_climb_allows_and_of_the_class(at_least):
    """Each word that WordNet has means a kind of the class in one of its senses, but for names read by hand."""
    tree = taxonomy()
    for row in CLASSES:
        found = hyponyms_of_class(row["wnid"], row["label"], HyponymSettings(at_least=at_least))
        if len(found.words) < at_least:  # min(N, available): no level of the climb has more
            assert f"No hypernym has {at_least} words" in found.report
            assert found.words == hyponyms_of_class(row["wnid"], "", HyponymSettings(at_least=10**6)).words
        folded = [fold(word) for word in found.words]
        assert len(set(folded)) == len(folded), row["wnid"]
        roots = {nltk_synset(tree.synset(name).id) for name in found.hypernyms} | {nltk_synset(row["wnid"])}
        for word in set(found.words) - set(kind_names().values()):
            senses = [
                sense
                for sense in tree.reader.nltk.synsets(word.replace(" ", "_"), pos="n", check_exceptions=False)
                if word.lower() in [lemma.lower().replace("_", " ") for lemma in sense.lemma_names()]
            ]
            over = [set(sense.closure(lambda one: one.hypernyms() + one.instance_hypernyms())) for sense in senses]
            assert not senses or any((above | {sense}) & roots for above, sense in zip(over, senses, strict=True)), (
                row["wnid"],
                word,
            )


# usage pointers as NLTK reads them from the shipped file
@pytest.mark.parametrize("lemmas", ["first", "all", "unambiguous"])
def test_no_word_is_marked_slang_obscene_or_a_slur(lemmas):
    reader = taxonomy().reader.nltk
    for row in CLASSES:
        own = {fold(lemma) for lemma in taxonomy().synset(row["wnid"]).lemmas}  # a screw is a screw
        found = hyponyms_of_class(row["wnid"], row["label"], HyponymSettings(lemmas=lemmas))
        words = [word for option in found.words for word in option.strip("{}").split("|")]
        for word in (word for word in words if fold(word) not in own):
            for lemma in reader.lemmas(word.replace(" ", "_"), pos="n"):
                marks = lemma.synset().usage_domains() + lemma.usage_domains()
                names = {mark.name() if hasattr(mark, "offset") else mark.synset().name() for mark in marks}
                assert not names & MARKS, (row["wnid"], word)


def test_words_of_our_own_list_stay_out_where_wordnet_marks_them_otherwise():
    """WordNet calls "colored" an archaism and marks "midget" not at all."""
    assert "midget" not in str(hyponyms_of_word("small person", HyponymSettings(lemmas="all")).words)
    assert "colored" not in hyponyms_of_word("black.n.05", HyponymSettings(lemmas="all")).words


def test_the_issues_examples():
    cat = hyponyms_of_class("n02123045", "tabby", HyponymSettings())
    assert (cat.hypernym, cat.word) == ("domestic cat", "cat")
    assert {"Angora cat", "male cat", "kitty-cat", "tabby cat"} <= set(cat.words)
    assert not {"puss", "tom", "queen", "Angora", "tortoiseshell"} & set(cat.words)
    car = hyponyms_of_class("n04285008", "sports_car", HyponymSettings())
    assert not {"hack", "heap", "wagon"} & set(car.words)
    ship = hyponyms_of_class("n03095699", "container_ship", HyponymSettings(ancestor="ship.n.01"))
    assert (ship.name, ship.word) == ("ship.n.01", "ship")
    assert ship.words[0] == "container ship"  # the class itself, no direct hyponym of ship
    minivan = hyponyms_of_class("n03770679", "minivan", HyponymSettings())
    assert set(minivan.hypernyms) == {"car.n.01", "passenger_van.n.01"}
    assert "passenger van" in minivan.report


@pytest.mark.parametrize("ancestor", ["ship", "ship.n.01", "n04194289", " Ship "])
def test_ancestor_may_be_word_name_or_wnid(ancestor):
    assert (
        hyponyms_of_class("n03095699", "container_ship", HyponymSettings(ancestor=ancestor.strip())).synset
        == "n04194289"
    )


def test_climbing_stops_at_the_first_hypernym_that_has_enough():
    few = hyponyms_of_class("n03673027", "liner", HyponymSettings(at_least=1))
    assert few.hypernym == "passenger ship"  # SPEC 1: liner -> passenger ship, which has 2
    more = hyponyms_of_class("n03673027", "liner", HyponymSettings(at_least=10))
    assert more.hypernym == "ship"
    assert "Climbed past passenger_ship.n.01" in more.report
    most = hyponyms_of_class("n03673027", "liner", HyponymSettings(at_least=1000))
    assert len(most.words) >= len(more.words)
    assert "No hypernym has 1000 words" in most.report


def test_climbing_follows_one_line_of_hypernyms():
    """A domestic cat is a cat and a domestic animal; climbing on from it must not list dogs."""
    found = hyponyms_of_class("n02123045", "tabby", HyponymSettings(at_least=60, depth=3))
    assert found.hypernyms == ("feline.n.01",)  # the last before carnivore, which no list climbs to
    assert not [word for word in found.words if "dog" in word or "horse" in word]


def test_depth_descends_and_keeps_the_near_ones_first():
    one = hyponyms_of_word("ship", HyponymSettings(at_least=1, include_class=False))
    two = hyponyms_of_word("ship", HyponymSettings(at_least=1, include_class=False, depth=2))
    assert "container ship" not in one.words
    assert "container ship" in two.words
    assert two.words[: len(one.words)] == one.words


def test_the_class_itself_is_left_out_on_request():
    settings = HyponymSettings(include_class=False)
    words = hyponyms_of_class("n02123394", "Persian_cat", settings).words
    assert "Persian cat" not in words
    assert "Siamese cat" in words


def test_max_count_is_chosen_by_the_seed_and_keeps_the_order():
    every = hyponyms_of_word("ship", HyponymSettings(at_least=1)).words
    chosen = [hyponyms_of_word("ship", HyponymSettings(at_least=1, max_count=7, seed=seed)).words for seed in range(40)]
    assert all(list(words) == [word for word in every if word in words] for words in chosen)
    assert all(len(words) == 7 for words in chosen)
    assert chosen[0] == hyponyms_of_word("ship", HyponymSettings(at_least=1, max_count=7, seed=0)).words
    counts = [sum(word in words for words in chosen) for word in every]
    # 40 draws of 7: each word's count is binomial
    share = 7 / len(every)
    assert min(counts) > 0
    assert max(counts) < 40 * share + 5 * (40 * share * (1 - share)) ** 0.5


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("crane", "crane.n.04"),  # .n.01 to .n.03 are two writers and a constellation: instances
        ("crane (bird)", "crane.n.05"),
        ("crane (wading bird)", "crane.n.05"),
        ("crane.n.05", "crane.n.05"),
        ("Crane.N.05", "crane.n.05"),
        ("N02012849", "crane.n.05"),
        ("n02012849", "crane.n.05"),
        ("ships", "ship.n.01"),
        ("Container Ship", "container_ship.n.01"),
        ("tabby", "tabby.n.01"),  # no sense of it has hyponyms
    ],
)
def test_a_word_names_its_sense(word, name):
    found = hyponyms_of_word(word, dataclasses.replace(EXACT, include_class=True))
    assert name in found.report
    if name not in ("container_ship.n.01", "tabby.n.01"):
        assert found.name == name


def test_the_senses_not_taken_are_listed():
    report = hyponyms_of_word("crane", EXACT).report
    assert "5 noun senses" in report
    assert "crane.n.05 (n02012849)" in report
    assert "noun senses" not in hyponyms_of_word("crane.n.05", EXACT).report


@pytest.mark.parametrize(
    ("word", "settings", "says"),
    [
        ("chairr", HyponymSettings(), "nearest are: .*chair"),
        ("", HyponymSettings(), "expected an English noun"),
        ("crane (motorcycle)", HyponymSettings(), "its senses are: .*crane.n.05"),
        ("crane (crane)", HyponymSettings(), "expected the name of a hypernym"),
        (
            "ship",
            HyponymSettings(ancestor="cat"),
            "expected a hypernym of ship.n.01; choose one of: ship.n.01 > vessel.n.02",
        ),
        ("chairr", HyponymSettings(mode="thesis"), "nearest are"),
        ("crane (bird)", HyponymSettings(mode="thesis"), "takes a plain word that names no sense"),
    ],
)
def test_bad_words_and_ancestors_say_what_there_is(word, settings, says):
    with pytest.raises(ValueError, match=says):
        hyponyms_of_word(word, settings)


def test_a_class_without_a_wnid_is_looked_up_as_a_word():
    found = hyponyms_of_class("", "ship", EXACT, note="Seen by a model.")
    assert found.name == "ship.n.01"
    assert found.report.startswith("Seen by a model. The model gives no WordNet id for 'ship'")


def test_the_report_says_what_was_dropped_and_why():
    report = hyponyms_of_class("n02123159", "tiger_cat", HyponymSettings()).report
    assert "tiger cat" in report.partition("Kept")[2].partition("Other names")[0]  # the class itself, in any case
    assert "Angora -> Angora cat" in report or "Angora cat" in report
    assert "male cat: tom" in report
    assert "puss |" not in report
    assert "| 2 more | unfit for prompts, by WordNet's marks or the pack's lists |" in report  # and pussy


def test_fold_joins_spellings_of_one_word():
    assert fold("Tom-Cat") == fold("tomcat") == fold("tom cat")

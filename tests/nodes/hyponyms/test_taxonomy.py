"""WordNet 3.0 as shipped: whole, read without a user's NLTK data, and told apart by relations.

wordnet_digests.txt was made by tests/tools/wordnet_fixtures.py from Debian's full data files, without the pack's code.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
from timm.data import ImageNetInfo

from hyponet.nodes.hyponyms import wordnet_reader
from hyponet.nodes.hyponyms.shipped_data import DATA, WORDNET, imagenet_classes
from hyponet.nodes.hyponyms.taxonomy import Taxonomy, taxonomy
from tools.dev.places import ROOT

HERE = Path(__file__).resolve().parent
COUNT = 82115  # noun synsets of WordNet 3.0: wnstats(7WN), https://wordnet.princeton.edu


@pytest.fixture(scope="module")
def tree() -> Taxonomy:
    return taxonomy()


def offsets_of_the_archive() -> list[str]:
    with zipfile.ZipFile(WORDNET) as archive:
        lines = archive.read("wordnet/data.noun").decode("ascii").splitlines()
    return [line[:8] for line in lines if not line.startswith("  ")]


def canonical(tree: Taxonomy, offset: str) -> str:
    """The line that tests/tools/wordnet_fixtures.py hashes, written from our Synset."""
    synset = tree.synset(f"n{offset}")
    numbers = [[one.id for one in tree.senses(lemma)].index(synset.id) + 1 for lemma in synset.lemmas]
    lemmas = ",".join(f"{lemma}:{number}" for lemma, number in zip(synset.lemmas, numbers, strict=True))
    related = (synset.hypernyms, synset.instance_hypernyms, synset.hyponyms)
    shown = " ".join(f"[{','.join(one[1:] for one in ids)}]" for ids in related)
    return f"{offset} {lemmas} {shown} {','.join(sorted({lemma for lemma, _ in synset.marks}))}\n"


def test_every_noun_synset_equals_the_full_data():
    own = Taxonomy(WORDNET)  # not the shared one: this fills its cache with all synsets
    offsets = sorted(offsets_of_the_archive())
    assert len(offsets) == COUNT
    expected = (HERE / "wordnet_digests.txt").read_text("utf-8").splitlines()
    assert len(expected) == 83
    for line in expected:
        start, digest = line.split()
        block = "".join(canonical(own, one) for one in offsets[int(start) : int(start) + 1000])
        assert hashlib.sha256(block.encode()).hexdigest() == digest, f"synsets from number {start} on"


def test_the_archive_holds_no_gloss_and_its_licence_lies_beside_it():
    with zipfile.ZipFile(WORDNET) as archive:
        lines = archive.read("wordnet/data.noun").decode("ascii").splitlines()
    assert not [line for line in lines if not line.startswith("  ") and line.partition("|")[2].strip()]
    assert "Copyright 2006 by Princeton University" in (DATA / "LICENSE-wordnet.txt").read_text("utf-8")


# crane's five senses and wnids: https://wordnet.princeton.edu 3.0, in the order of frequency; ImageNet's 134 and 517
def test_senses_are_told_apart_by_hypernym_and_sisters(tree):
    senses = tree.senses("crane")
    assert [one.id for one in senses[3:]] == ["n03126707", "n02012849"]
    assert "a kind of lifting device" in tree.describe(senses[3])
    assert "a kind of wading bird, like stork" in tree.describe(senses[4])
    assert "an instance of writer" in tree.describe(senses[0])


def test_what_lies_under_what(tree):
    assert tree.is_under("n02123045", "n02121808")  # tabby under domestic cat
    assert tree.is_under("n02121808", "n02121808")
    assert not tree.is_under("n02121808", "n02123045")
    assert not tree.is_under("n03930630", "n02958343")  # a pickup truck is no car.n.01 in WordNet 3.0
    assert tree.synset("domestic_cat.n.01").id == "n02121808"
    assert tree.path("n02121808")[-1].name == "entity.n.01"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("n00000001", "expected the id of a noun"),
        ("domestc_cat.n.01", "nearest are: domestic cat"),
        ("crane.n.06", "has 5 noun senses"),
        ("crane.n.00", "has 5 noun senses"),
        ("crane.v.01", "expected a name such as"),
        ("", "expected a name such as"),
    ],
)
def test_unknown_synsets_say_what_there_is(tree, name, says):
    with pytest.raises(ValueError, match=says):
        tree.synset(name)


def test_a_users_nltk_data_is_left_alone(tree):
    import nltk.data

    pack = ROOT
    assert not [one for one in nltk.data.path if Path(str(one)).resolve().is_relative_to(pack)]


@pytest.mark.parametrize("name", ["synset_from_pos_and_offset", "_synset_from_pos_and_line", "map_wn"])
def test_an_nltk_that_has_changed_inside_is_refused_with_the_versions_that_work(monkeypatch, name):
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    monkeypatch.delattr(WordNetCorpusReader, name)
    with pytest.raises(ImportError, match=rf"lacks {name}; expected one of the versions .*3\.9\.1 to 3\.10\.4"):
        wordnet_reader.NounReader(WORDNET)


def test_an_nltk_whose_attributes_are_called_otherwise_is_refused(monkeypatch):
    monkeypatch.setattr(wordnet_reader, "_ATTRIBUTES", ("_lemma_pos_offset_map", "_of_another_version"))
    with pytest.raises(ImportError, match="lacks _of_another_version"):
        wordnet_reader.NounReader(WORDNET)


def test_imagenet_classes_are_timms():
    assert [wnid for wnid, _ in imagenet_classes()] == ImageNetInfo("imagenet-1k").label_names()

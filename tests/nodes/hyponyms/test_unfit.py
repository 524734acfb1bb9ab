"""What is no subject of pictures is never listed or offered, and refused where it is typed; harmless senses stay.

Single words were looked up by hand in WordNet.
"""

from __future__ import annotations

import re

import pytest

from hyponet.nodes.hyponyms.hyponyms import HyponymSettings, hyponyms_of_class, hyponyms_of_word
from hyponet.nodes.hyponyms.shipped_data import imagenet_classes, kind_names, unfit_subjects, word_senses
from hyponet.nodes.hyponyms.taxonomy import taxonomy
from hyponet.nodes.hyponyms.unfit import is_unfit

WORD = HyponymSettings(at_least=1, include_class=False)
EVERYTHING = HyponymSettings(at_least=1, lemmas="all", all_kinds=True)
THESIS = HyponymSettings(mode="thesis")
LEFT_OUT = "is on the list of words and subjects that are left out; type another"

REFUSED = "mother fucker,Jap,nigga,sadist,hermaphrodite,opium,nude,lynching,skinhead,idiot,gay,torture,swastika,suicide"
REFUSED += ",pervert,sexual activity,capital punishment,falanga,pederast,harakiri,prostitute,call girl,gypsies,bastard"
REFUSED += ",murderer,introitus,body bag,hangman's rope,nose drops,fagot,chink,prick,spook,jerry,nip"
# of drugs of abuse, acts of violence, those who do them, and weapons of terror, by WordNet's glosses
REFUSED += ",assassin,opiate,morphine,codeine,laudanum,terrorist attack,terrorism,terrorist,marijuana,opium den"
REFUSED += ",head shop,mugging,domestic violence,kidnapping,kidnapper,war crime,garroter,poisoner,car bomb"
REFUSED += ",nerve gas,sarin,weapon of mass destruction,death squad,cannibal"
REFUSED += ",cocaine,contraceptive,genocide,masturbation,rapist,manslaughter,iron maiden,Brownshirt,limey,wench,urine"


@pytest.mark.parametrize("word", REFUSED.split(","))
@pytest.mark.parametrize("settings", [WORD, THESIS], ids=["exact", "thesis"])
def test_a_word_that_means_what_is_unfit_is_refused_and_nothing_listed_in_its_place(word, settings):
    with pytest.raises(ValueError, match=LEFT_OUT):
        hyponyms_of_word(word, settings)


def test_a_wnid_and_an_ancestor_that_are_unfit_are_refused_and_a_person_is_told_what_to_type():
    with pytest.raises(ValueError, match=LEFT_OUT):
        hyponyms_of_word("n00421437", WORD)  # torture
    with pytest.raises(ValueError, match=f"^ancestor is 'body waste'.*{LEFT_OUT}"):
        hyponyms_of_word("guano", HyponymSettings(ancestor="body waste"))
    with pytest.raises(ValueError, match=f"{LEFT_OUT}, such as person$"):
        hyponyms_of_word("gay", WORD)


INSTEAD = [("fagot", "bundle"), ("chink", "crack"), ("prick", "incision"), ("spook", "ghost"), ("jerry", "German")]
INSTEAD += [("nip", "Japanese"), ("nose drops", "medicine"), ("morphine", "medicine"), ("assassin", "person")]
INSTEAD += [("golliwog", "doll"), ("slave ship", "ship"), ("lesbian", "person"), ("cunt", "person")]


@pytest.mark.parametrize(("word", "instead"), INSTEAD)
def test_who_types_a_refused_word_is_told_a_fit_one(word, instead):
    """A harmless sense's other name or hypernym, the people that a slur is on, or what the word is a kind of."""
    with pytest.raises(ValueError, match=f"{LEFT_OUT}, such as {instead}$"):
        hyponyms_of_word(word, WORD)
    assert hyponyms_of_word(instead, WORD).words


RENAMED = [("cock", "rooster"), ("cocks", "rooster"), ("ass", "donkey"), ("tit", "titmouse"), ("dike", "dam")]
RENAMED += [("paddy", "paddy field"), ("kaffir cat", "African wildcat"), ("bitch", "female dog")]


@pytest.mark.parametrize(("word", "name"), RENAMED)
def test_a_thing_goes_by_another_name_of_it_and_the_node_says_so(word, name):
    found = hyponyms_of_word(word, WORD)
    said = f"**Warning**: {word!r} is on the list of words that are left out; it is called {name!r} here."
    assert found.word == name
    assert said in found.warning
    assert said in found.report


HARMLESS = "person,worker,doctor,nurse,soldier,weapon,gun,knife,wine,beer,hospital,prison,cross,skull,blood,bat,beaver"
HARMLESS += ",booby,frog,cow,dog,queen,fairy,chick,bird,pansy,pussy willow,spike,grass,joint,rack,boot,chair,stake,hemp"
HARMLESS += ",Orthodox Jew,flag,emblem,woman,man,drug,medicine,butcher,witch,devil,skeleton,mummy,zombie,breast,storm"
HARMLESS += ",wire stripper,enema,suppository,smuggler,slit,tramp,shag,riot,bomb,missile,tobacco,killer whale,tear gas"


@pytest.mark.parametrize("word", HARMLESS.split(","))
def test_a_harmless_word_keeps_its_own_name(word):
    found = hyponyms_of_word(word, WORD)
    assert found.word.lower() == word.lower()
    assert "left out" not in found.warning
    assert hyponyms_of_word(word, THESIS).words


# compounds of unfit words that name harmless things, and all the other compounds of these words in WordNet
FIT = "nude mouse,slave ant,slave-maker,slave-making ant,Great Slave Lake,gypsy cab,gypsy moth,gipsy moth"
FIT += ",idiot light,idiot box,opium poppy,gay-feather,gay-lussac,gay-lussac's law"
FIT += ",joseph louis gay-lussac,gay lib,gay liberation movement,suicide squeeze,suicide squeeze play"
FIT += ",han-gook,dae-han-min-gook,camphorated tincture of opium"
UNFIT = "gay man,gay woman,gypsy dancing,gypsy rose lee,idiot savant,nude dancing,nude painting"
UNFIT += ",nude person,nude sculpture,nude statue,galley slave,slave dealer,slave driver,slave market,slave owner"
UNFIT += ",slave ship,slave state,slave trade,slave trader,slave traffic,white slave,suicide bomber"
UNFIT += ",suicide bombing,suicide mission,suicide pact,suicide pill,assisted suicide"
UNFIT += ",physician-assisted suicide,opium den"
UNFIT_SUBJECTS = "opium addict,opium taker,tincture of opium"  # compounds that another list refuses
UNFIT_ALONE = ("gay", "gipsy", "gook", "gypsy", "idiot", "nude", "opium", "slave", "suicide")


def test_a_compound_is_unfit_by_its_own_meaning():
    """Each compound of these words in WordNet was judged by its gloss."""
    words = (word.replace("_", " ") for word in taxonomy().reader.words())
    parts = {word: word.replace("-", " ").split() for word in words}
    compounds = {word for word, of in parts.items() if len(of) > 1 and not set(UNFIT_ALONE).isdisjoint(of)}
    judged = {word.lower() for word in f"{FIT},{UNFIT},{UNFIT_SUBJECTS}".split(",")}
    assert compounds == judged
    assert [word for word in FIT.split(",") if is_unfit(word)] == []
    assert [word for word in UNFIT.split(",") if not is_unfit(word)] == []
    assert [word for word in UNFIT_ALONE if not is_unfit(word)] == []


@pytest.mark.parametrize(
    "word", ["nude mouse", "slave ant", "gypsy cab", "gypsy moth", "idiot light", "Great Slave Lake", "opium poppy"]
)
def test_a_harmless_compound_of_an_unfit_word_goes_by_its_own_name(word):
    found = hyponyms_of_word(word, WORD)
    assert found.words == (word,)
    assert "left out" not in found.warning


@pytest.mark.parametrize(("word", "held"), [("mouse", "nude mouse"), ("cab", "gypsy cab")])
def test_a_harmless_compound_of_an_unfit_word_stands_in_the_list_of_its_kind(word, held):
    assert held in hyponyms_of_word(word, WORD).words


def test_of_two_spellings_the_one_that_means_what_is_fit_is_taken():
    assert hyponyms_of_word("window pane", WORD).name == "windowpane.n.01"  # "window pane" is a street name of LSD


def test_no_unfit_class_word_stands_behind_a_name():
    assert [word for word in hyponyms_of_word("donkey", HyponymSettings()).words if word.endswith(" ass")] == []
    found = hyponyms_of_word(taxonomy().synset("savage.n.01").id, HyponymSettings()).words  # or barbarian
    assert [word for word in found if word.endswith(" savage")] == []


def unfit_synsets():
    """The synsets that are unfit subjects, or have an unfit name, of WordNet's whole vocabulary."""
    tree = taxonomy()
    found = {sense.id for word in tree.reader.words() if is_unfit(word) for sense in tree.senses(word)}
    level = list(unfit_subjects())
    while level:
        found.update(level)
        level = [child for wnid in level if unfit_subjects().get(wnid, True) for child in tree.synset(wnid).hyponyms]
    return [tree.synset(wnid) for wnid in sorted(found)]


def listed(word, settings):
    """The hyponyms of a word, or None and why there are none."""
    try:
        return hyponyms_of_word(word, settings), ""
    except ValueError as error:
        return None, str(error)


def unfit_parts(text):
    """What of a text is unfit, by itself or as a word of several."""
    parts = re.split(r"[,;:.()|{}>*\n]|a kind of |like |an instance of ", text)
    return [part for part in map(str.strip, parts) if is_unfit(part)]


def test_no_list_of_the_whole_vocabulary_holds_or_offers_what_is_unfit():
    """An unfit name could stand in a list above its synset only: these are all of them, by either policy of kinds."""
    tree = taxonomy()
    parents = {parent for synset in unfit_synsets() for parent in synset.parents}
    roots = [wnid for wnid in sorted(parents) if tree.fit_names(tree.synset(wnid))]
    assert len(roots) > 400
    for wnid in roots:
        for settings in (WORD, EVERYTHING):
            found = hyponyms_of_word(wnid, settings)
            assert not [kind for kind in found.kinds if tree.is_unfit_subject(tree.synset(kind))], wnid
            qualified = [word for word in found.words if " " in word and not tree.senses(word)]
            assert not [word for word in qualified if is_unfit(word.split()[-1])], wnid
            shown = found.report.replace(tree.synset(wnid).name, "")
            shown = shown.replace(", broad)", ")")  # our own word for a hypernym
            assert unfit_parts("\n".join((*found.words, *found.path, found.hypernym, found.word, shown))) == [], wnid


def test_each_unfit_word_of_the_vocabulary_is_refused_or_said_to_go_by_another_name():
    tree = taxonomy()
    words = sorted({word.replace("_", " ") for word in tree.reader.words() if is_unfit(word)})
    assert len(words) > 500
    for word in words:
        for settings in (WORD, THESIS):
            found, refusal = listed(word, settings)
            if found is None:
                assert LEFT_OUT in refusal or "use the mode exact" in refusal, word
                continue
            assert settings.mode == "thesis" or "is on the list of words that are left out" in found.warning, word
            shown = (*found.words, found.word, found.hypernym, *found.path)
            assert unfit_parts("\n".join(shown)) == [], word


def test_every_class_of_imagenet_has_its_list_in_both_modes():
    """Among them a cock, and a guillotine, whose sisters (the electric chair) are no subjects."""
    for wnid, label in imagenet_classes():
        for settings in (HyponymSettings(), THESIS):
            found = hyponyms_of_class(wnid, label, settings)
            assert found.words
            assert unfit_parts("\n".join(found.words)) == []
    assert hyponyms_of_class("n03467068", "guillotine", HyponymSettings()).words == ("guillotine",)


def test_names_and_senses_by_hand_are_fit():
    tree = taxonomy()
    assert [name for name in kind_names().values() if is_unfit(name)] == []
    assert [word for word, name in word_senses().items() if not tree.fit_names(tree.synset(name))] == []


def test_sister_terms_and_senses_that_are_offered_are_fit():
    tree = taxonomy()
    for name in ("bad_person.n.01", "wrongdoer.n.01", "libertine.n.01", "adult.n.01", "american_flag.n.01"):
        assert unfit_parts(tree.describe(tree.synset(name))) == []
    for word in ("screw", "pussy", "crack", "drugg", "rapis", "torturee"):
        found, refusal = listed(word, WORD)
        text = found.warning.replace(word, "") if found else refusal
        assert unfit_parts(text) == [], word

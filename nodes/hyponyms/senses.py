"""Which synset a user's word means: a wnid, crane.n.05, crane (bird), or the most frequent fitting sense of a word.

Reads a Taxonomy; returns a synset and a markdown warning that lists the senses not taken.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .shipped_data import imagenet_ids, word_senses
from .spelling import fold
from .synset import Synset
from .taxonomy import Taxonomy, taxonomy
from .unfit import is_unfit

_NAMED = re.compile(r"n\d{8}|\S+\.[a-z]\.\d+", re.IGNORECASE)
_TAXON = "n07992450"  # taxonomic_group.n.01
_PHYSICAL = "n00001930"  # physical_entity.n.01
# topics of WordNet that can be photographed, and what a sense of each weighs (a judgement): a banana is rather a fruit
# than its herb, an oak rather a tree than its wood, a pitcher as well a jug as a player
_THINGS = {"animal": 1.0, "artifact": 1.0, "object": 1.0, "food": 0.6, "plant": 0.5, "person": 0.5}
_THINGS |= {"body": 1 / 3, "substance": 0.25, "phenomenon": 0.25}
_TOPMOST = 1.5  # of WordNet's topmost synsets, of which the others are kinds: plant, animal, food
_SUBSTANCES = ("n00019613", "n14580897")  # substance.n.01 and material.n.01
# artifacts that people call things: instruments, vehicles and vessels; buildings; clothes and other coverings; ware;
# goods; jewels; pictures. Others are sheets, strips and layers, which have their names from things
_OBJECTS = ("n03575240", "n04341686", "n03122748", "n00022903", "n03076708", "n03169390", "n03129123")
_SHAPED = 0.4  # what a sense of the others weighs
# narcotic.n.01, controlled_substance.n.01, hallucinogen.n.01, amphetamine.n.01, the packet deck.n.02 and the dose
# hit.n.05: a word that means something else first is a street name for them
_DRUGS = ("n03808564", "n03097890", "n03479647", "n02704153", "n03167978", "n03522559")
_PICTURED = 3.0  # what a sense weighs that is a class of ImageNet; one above them the more, the more there are
_SPELLED = 3.0  # what a sense weighs more that WordNet writes with the same capital: a Cardigan is a dog
_HINTED = re.compile(r"([^()]*[^()\s])\s*\(([^()]+)\)")


@dataclass(frozen=True, slots=True)
class Sense:
    """The synset meant, the word it was asked for by ("crane"; "" for a wnid), and a warning or ""."""

    synset: Synset
    word: str
    warning: str = ""


def find_sense(taxonomy: Taxonomy, text: str) -> Sense:
    """The noun sense that `text` means.

    Args:
        taxonomy: WordNet.
        text: "n02012849", "crane.n.05", "crane (bird)" (a hint that names one of the sense's hypernyms) or "crane".
            A word alone means the sense likeliest to be drawn: that of data/word_senses.txt, else no instance (a
            person, a place by name), a physical thing before all else, then what is spoken of most and has most kinds.

    Raises:
        ValueError: there is no such noun, or no sense of it fits the hint.
    """
    name = text.strip().replace("_", " ") if "." not in text else text.strip()
    if not name:
        raise ValueError("word is empty; expected an English noun such as cat, or crane (bird); type one")
    if _NAMED.fullmatch(name.replace(" ", "_")):
        synset = taxonomy.synset(name.replace(" ", "_").lower())
        lemma = name.rsplit(".", 2)[0].replace("_", " ") if "." in name else ""
        return Sense(synset, lemma)
    match = _HINTED.fullmatch(name)
    word, hint = (match.group(1), match.group(2).strip()) if match else (name, "")
    word = _as_spelled(taxonomy, word)
    senses = taxonomy.senses(word) or taxonomy.lookup(word)
    if not senses:
        raise ValueError(taxonomy.unknown_word(word))
    if hint:
        return Sense(_hinted(taxonomy, senses, word, hint), word)
    by_hand = next(
        (word_senses()[key] for key in map(fold, (word, *taxonomy.base_forms(word))) if key in word_senses()), ""
    )
    if by_hand:
        likeliest = taxonomy.synset(by_hand)
        return Sense(likeliest, word, _warning(taxonomy, word, likeliest, senses))
    classes = [sense for sense in senses if not (sense.instance_hypernyms or taxonomy.is_under(sense.id, _TAXON))]
    if not any(_is_fit(taxonomy, sense, word) for sense in classes):
        classes = list(senses)  # Peter is a saint
    likeliest = max(classes, key=lambda sense: _likelihood(taxonomy, sense, word))
    return Sense(likeliest, word, _warning(taxonomy, word, likeliest, senses))


def _as_spelled(taxonomy: Taxonomy, word: str) -> str:
    """A word as WordNet has it: a lawnmower is its "lawn mower", tea cups are teacups. Itself where it has neither.

    One with a sense that is fit goes before: a window pane is a windowpane, not the drug.
    """
    joined = fold(word)
    spellings = (word, joined, *(f"{joined[:cut]} {joined[cut:]}" for cut in range(2, len(joined) - 1)))
    listed = [spelling for spelling in spellings if taxonomy.lookup(spelling)]
    fit = (spelling for spelling in listed if any(map(taxonomy.fit_names, taxonomy.lookup(spelling))))
    return next(fit, listed[0] if listed else word)


def _likelihood(taxonomy: Taxonomy, sense: Synset, word: str) -> tuple[bool, bool, float]:
    """How likely a word is meant in this sense where pictures are to be made of it: fit, things first, by weight.

    A person is a thing here where people speak of it: the letter on paper goes before one who lets.
    """
    is_fit = _is_fit(taxonomy, sense, word)
    rank = [synset.id for synset in taxonomy.senses(word) or taxonomy.lookup(word)].index(sense.id)
    count = sense.count_of(word)
    is_thing = sense.topic in _THINGS or (sense.topic == "Tops" and taxonomy.is_under(sense.id, _PHYSICAL))
    is_thing = is_thing and taxonomy.is_under(sense.id, _PHYSICAL)
    if not is_thing or (sense.topic == "person" and rank and not count) or (rank and _is_drug(taxonomy, sense)):
        return is_fit, False, count + bool(sense.hyponyms) * 100
    lemmas = [fold(lemma) for lemma in sense.lemmas]
    position = lemmas.index(fold(word)) if fold(word) in lemmas else 0
    kinds = 1 + math.log2(1 + taxonomy.count_below(sense.id))
    weight = count + kinds / (1 + 4 * position) / (1 + rank / 14)  # late senses, and late words of one, are rare
    return is_fit, True, weight * _topic_weight(taxonomy, sense, rank) * _prior(sense, word)


def _is_fit(taxonomy: Taxonomy, sense: Synset, word: str) -> bool:
    """Whether a word is no obscenity in a sense, its other name, where it has one, none either, and its subject fit."""
    if not taxonomy.fit_names(sense):
        return False
    is_own_name = fold(sense.label) in map(fold, (word, *taxonomy.base_forms(word)))
    return (is_own_name or not is_unfit(sense.label)) and fold(word) not in {fold(lemma) for lemma, _ in sense.marks}


def _is_drug(taxonomy: Taxonomy, sense: Synset) -> bool:
    """Whether a sense is a drug of the street, or a packet of it."""
    return any(taxonomy.is_under(sense.id, wnid) for wnid in _DRUGS)


def _topic_weight(taxonomy: Taxonomy, sense: Synset, rank: int) -> float:
    """What a sense weighs for the kind of thing that it is."""
    if sense.topic == "person" and rank:
        return 0.05
    if sense.topic == "artifact":
        return 1.0 if any(taxonomy.is_under(sense.id, wnid) for wnid in _OBJECTS) else _SHAPED
    if sense.topic == "plant" and any(taxonomy.is_under(sense.id, wnid) for wnid in _SUBSTANCES):
        return _THINGS["substance"]
    return _THINGS.get(sense.topic, _TOPMOST)


def _prior(sense: Synset, word: str) -> float:
    """What a sense weighs for being photographed often, and for the capital that the word was typed with."""
    classes, above = _photographed()
    weight = _PICTURED if sense.id in classes else min(_PICTURED, 1 + math.log2(1 + above[sense.id]) / 2)
    is_spelled = word[:1].isupper() and sense.topic != "person" and word.replace(" ", "_") in sense.lemmas
    return weight * (_SPELLED if is_spelled else 1.0)


@functools.lru_cache(maxsize=1)
def _photographed() -> tuple[frozenset[str], Counter[str]]:
    """The classes of ImageNet, and how many of them lie below a synset."""
    classes = imagenet_ids()
    return classes, Counter(above for wnid in sorted(classes) for above in taxonomy().ancestors(wnid))


def climb(taxonomy: Taxonomy, start: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """`start`, then the union of its hypernyms, and so on up to entity; wnids in WordNet's order."""
    level = tuple(start)
    while level:
        yield level
        level = tuple(dict.fromkeys(parent for wnid in level for parent in taxonomy.synset(wnid).parents))


def _hinted(taxonomy: Taxonomy, senses: Sequence[Synset], word: str, hint: str) -> Synset:
    """The sense that lies the fewest steps below a synset with the hint among its lemmas."""
    key = hint.lower().replace(" ", "_")
    distances = []
    for order, sense in enumerate(senses):
        for steps, level in enumerate(climb(taxonomy, (sense.id,))):
            if any(key == lemma.lower() for wnid in level for lemma in taxonomy.synset(wnid).lemmas):
                distances.append((steps, order))
                break
    # a hint equal to the word itself would fit each sense at no distance
    if not distances or key == word.lower().replace(" ", "_"):
        listed = "; ".join(taxonomy.describe(sense) for sense in senses if _may_be_named(taxonomy, sense, word))
        raise ValueError(f"sense of {word!r} is {hint!r}; expected the name of a hypernym; its senses are: {listed}")
    return senses[min(distances)[1]]


def _may_be_named(taxonomy: Taxonomy, sense: Synset, word: str) -> bool:
    """Whether a sense may be offered: its name, unless the user typed it, is fit, and the word no obscenity in it."""
    name = sense.name.rsplit(".", 2)[0]
    is_marked = fold(word) in {fold(lemma) for lemma, _ in sense.marks}
    is_named = fold(name) == fold(word) or not is_unfit(name)
    return is_named and not is_marked and bool(taxonomy.fit_names(sense))


def _warning(taxonomy: Taxonomy, word: str, sense: Synset, senses: Sequence[Synset]) -> str:
    """Markdown that says which of its senses a word was taken in; "" where it has one only."""
    others = [synset for synset in senses if synset.id != sense.id and _may_be_named(taxonomy, synset, word)]
    if not others:
        return ""
    taken = taxonomy.describe(sense)
    lines = [f"**Warning**: {word!r} has {len(senses)} noun senses; taken: {taken}. To have another, type its name:"]
    lines += [f"- {taxonomy.describe(synset)}" for synset in others]
    return "\n".join(lines)
